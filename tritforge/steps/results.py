"""Results of the steps, gathered for a report; missing or stale ones are not measured."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tritforge import __version__
from tritforge.config.config import Config
from tritforge.errors import MissingStep
from tritforge.export.artifacts.manifest import MANIFEST_FILE, Manifest
from tritforge.export.ir.nodes import Network
from tritforge.files import sha256
from tritforge.quant import checkpoint
from tritforge.record import Format
from tritforge.reports.page import records
from tritforge.reports.page.data import Comparison, ReportData, Training
from tritforge.reports.synth import fpga
from tritforge.reports.synth.yosys import SynthesisError
from tritforge.sim.result import SimulationResult
from tritforge.steps import vectors
from tritforge.steps.design import generated
from tritforge.steps.targets import other_tables
from tritforge.steps.vectors import Agreement, Vectors
from tritforge.steps.workspace import Workspace
from tritforge.system import doctor

__all__ = [
    "OVERRIDABLE",
    "SIMULATED",
    "as_trained",
    "gather",
    "save_verdict",
    "stored_settings",
    "synthesis",
]

OVERRIDABLE = (("dataset", "fold"), ("training", "epochs"), ("training", "seed"))
"""Settings, by section and key, that the command line of `train` can change."""


def stored_settings(meta: Mapping[str, Any], workspace: Workspace) -> dict[str, dict[str, Any]]:
    """Return the settings that `train` put into a checkpoint.

    Raises
    ------
    MissingStep: another program made it.
    """
    kept = meta.get("settings")
    if not isinstance(kept, dict) or not all(
        isinstance(section, dict) for section in kept.values()
    ):
        raise MissingStep(
            f"{workspace.training} was not made by tritforge: run `{workspace.command('train')}`"
        )
    return kept


def as_trained(config: Config, kept: Mapping[str, Mapping[str, Any]]) -> Config:
    """Return ``config`` with the fold, epochs and seed that the checkpoint was trained with."""
    fold, epochs, seed = (kept[section][name] for section, name in OVERRIDABLE)
    return replace(
        config,
        dataset=replace(config.dataset, fold=fold),
        training=replace(config.training, epochs=epochs, seed=seed),
    )


@dataclass(frozen=True)
class Simulated:
    """The result of a simulation, and the SHA-256 of the manifest of its design."""

    manifest_sha256: str
    result: SimulationResult

    @property
    def passed(self) -> bool:
        """Whether the design was equal to the reference."""
        return self.result.passed


SIMULATED = Format(
    kind=Simulated,
    name="tritforge-simulation",
    version=1,
    error=MissingStep,
    again="run `tritforge simulate` again",
    derived=("passed",),
)


def save_verdict(path: Path, workspace: Workspace, result: SimulationResult) -> None:
    """Write a verdict together with the digest of the design it is about."""
    SIMULATED.write(path, Simulated(sha256(workspace.design / MANIFEST_FILE), result))


def gather(
    config: Config, workspace: Workspace, network: Network, manifest: Manifest, tests: Vectors
) -> ReportData:
    """Return all results for the design; torch and the reference are compared again."""
    agreement = vectors.compare(network, tests)
    exact = Comparison(
        judged=records.EXACT_MODEL,
        against=records.REFERENCE,
        images=len(tests.images),
        words=agreement.words,
        differences=agreement.differences,
    )
    verdicts = list(_verdicts(workspace))
    simulated = [records.simulation(verdict, manifest) for verdict in verdicts]
    return ReportData(
        network=network,
        manifest=manifest,
        training=_training(workspace, tests, agreement),
        comparisons=(exact, *(comparison for comparison, _ in simulated)),
        cycles=tuple(run for _, run in simulated),
        synthesis=synthesis(config, workspace, manifest),
        estimate=generated(config, workspace, manifest).estimate(),
        others=other_tables(workspace, network, manifest),
        versions=_versions(verdicts),
        commands=(workspace.command("demo"),),
    )


def _training(workspace: Workspace, tests: Vectors, agreement: Agreement) -> Training | None:
    """How the network was trained and how many images it classifies; None without checkpoint."""
    try:
        _, meta = checkpoint.load(workspace.training)
        kept = stored_settings(meta, workspace)
    except (checkpoint.CheckpointError, MissingStep):
        return None
    found = records.training(
        meta,
        method=kept["quantization"]["method"],
        fold=kept["dataset"]["fold"],
        folds=kept["dataset"]["folds"],
        model=records.REFERENCE,
    )
    correct = None if agreement.classes is None else int((agreement.classes == tests.labels).sum())
    return replace(found, images=len(tests.images), correct=correct)


def _verdicts(workspace: Workspace) -> Iterator[SimulationResult]:
    """The simulations of the present design; those of an earlier one are ignored."""
    digest = sha256(workspace.design / MANIFEST_FILE)
    for path in sorted(workspace.simulations.glob("*/*.json")):
        with contextlib.suppress(MissingStep):
            found = SIMULATED.read(path)
            if found.manifest_sha256 == digest:
                yield found.result


def synthesis(config: Config, workspace: Workspace, manifest: Manifest) -> fpga.Synthesis | None:
    """The synthesis of the present design for this device, or None."""
    wanted = {manifest.files["verilog"].file: manifest.files["verilog"].sha256}
    wanted.update({rom.file: rom.sha256 for rom in manifest.roms})
    try:
        found = fpga.FORMAT.read(workspace.synthesis / fpga.RESULT)
    except (FileNotFoundError, SynthesisError):
        return None
    same = dict(found.inputs) == wanted and found.device == config.hardware.device
    return found if same else None


def _versions(verdicts: list[SimulationResult]) -> dict[str, str]:
    """The versions of all tools and packages that took part."""
    found = {
        finding.name: finding.version for finding in doctor.examine() if finding.version is not None
    }
    simulators = {verdict.simulator: verdict.version for verdict in verdicts}
    return {"tritforge": __version__, **found, **simulators}
