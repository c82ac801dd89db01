"""The plan of a design: solved once, at the first use, and read by later steps."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import tritforge.export
import tritforge.hw
from tritforge.config.config import Config
from tritforge.design import Design
from tritforge.errors import ConfigError, MissingStep
from tritforge.export.ir import serialize
from tritforge.export.ir.nodes import Network
from tritforge.files import sha256, sha256_of
from tritforge.hw.pipeline.plan import Solved
from tritforge.record import Format
from tritforge.reports.estimate import capacity
from tritforge.steps.sources import sources_digest
from tritforge.steps.workspace import Workspace, as_config_error

__all__ = ["PLAN_FILE", "planned", "program", "read_plan", "save"]

PLAN_FILE = "plan.json"
"""File of the FIFO depths and cycles of the design, with the digest of all that they depend on."""


@dataclass(frozen=True, kw_only=True)
class Saved:
    """FIFO depths and cycles of a design, and the digest of everything that they depend on."""

    follows_from: str
    solved: Solved


FORMAT = Format(
    kind=Saved,
    name="tritforge-plan",
    version=1,
    error=MissingStep,
    again="run `tritforge generate` again",
)


def planned(
    config: Config,
    workspace: Workspace,
    network: Network,
    *,
    anew: bool = False,
    force: bool = False,
) -> Design:
    """Return ``network``, that of the design folder, as the hardware of ``config``.

    A plan that `save` wrote for the same network, configuration and program is reused, unless
    ``anew``.

    Raises
    ------
    ConfigError: it cannot be built, or, unless ``force``, the device is too small; it names the
        file.
    """
    solved = None if anew else _solved(config, workspace)
    design = _design(config, workspace, network, solved)
    if not force:
        _demand_capacity(design, workspace)
    return design


def read_plan(config: Config, workspace: Workspace, network: Network) -> Design | None:
    """Return the plan that `save` wrote for this network, configuration and program, or None."""
    solved = _solved(config, workspace)
    return None if solved is None else _design(config, workspace, network, solved)


def _design(
    config: Config, workspace: Workspace, network: Network, solved: Solved | None
) -> Design:
    hardware = config.hardware
    with as_config_error(workspace):
        return Design(
            network,
            hardware.layers,
            device=hardware.device,
            cells=hardware.target.cells,
            axi_lite=hardware.axi_lite,
            fifos=hardware.planned_fifos,
            tdata=hardware.tdata,
            solved=solved,
        )


def _demand_capacity(design: Design, workspace: Workspace) -> None:
    part = design.device
    missing = capacity.lacks(design.plan, part)
    missing = missing or capacity.exceeds(design.estimate().total, part)
    if missing:
        raise ConfigError(
            f"{workspace.config_path}: the plan needs {' and '.join(missing)} that {part.part} "
            "has; fold it further, name a larger hardware.device, or pass --force"
        )


def save(config: Config, workspace: Workspace, design: Design) -> None:
    """Write FIFO depths and cycles of ``design``, whose network is in the design folder already."""
    saved = Saved(follows_from=_digest(config, workspace), solved=design.plan.solved)
    FORMAT.write(workspace.design / PLAN_FILE, saved)


def _solved(config: Config, workspace: Workspace) -> Solved | None:
    """The saved plan of this network, folding and program; None also where it is damaged."""
    with contextlib.suppress(OSError, MissingStep):
        saved = FORMAT.read(workspace.design / PLAN_FILE)
        return saved.solved if saved.follows_from == _digest(config, workspace) else None
    return None


def _digest(config: Config, workspace: Workspace) -> str:
    """Digest of the network, its foldings and the program that plans."""
    hardware = config.hardware
    files = [
        sha256(workspace.design / name) for name in (serialize.NETWORK_FILE, serialize.TENSOR_FILE)
    ]
    foldings = sorted((name, repr(folding)) for name, folding in hardware.layers.items())
    all_of_it = (
        files,
        foldings,
        hardware.target,
        hardware.planned_fifos,
        hardware.tdata,
        program(),
    )
    return sha256_of(repr(all_of_it))


def program() -> str:
    """Digest of the sources that make a plan."""
    return sources_digest(tritforge.export, tritforge.hw)
