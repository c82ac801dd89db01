"""From the files that the steps leave to the records of ``tritforge.reports.page.data``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tritforge.errors import UserError
from tritforge.export.artifacts.manifest import Manifest
from tritforge.hw.targets.registry import TARGETS
from tritforge.reports.page.data import Comparison, CycleRun, Epoch, Training
from tritforge.sim.result import SimulationResult
from tritforge.sim.scoreboard import StreamReport

__all__ = ["EXACT_MODEL", "REFERENCE", "RecordError", "simulation", "training"]

REFERENCE = "integer reference"
"""Name of ``tritforge.sim.reference`` in a report."""

EXACT_MODEL = "trained torch model in float64, evaluation mode"
"""The model whose predictions training counts."""


class RecordError(UserError):
    """A result file without the entry that a report needs."""


def training(
    meta: Mapping[str, Any],
    *,
    method: str,
    fold: int | None = None,
    folds: int | None = None,
    model: str = EXACT_MODEL,
) -> Training:
    """Read the ``meta`` of a checkpoint that ``tritforge.quant.training.loop`` wrote.

    Parameters
    ----------
    meta: with "training", "dataset", "result" and "history".
    method: the ternarization method and its options, for people.
    fold, folds: which part was held out, of how many.
    model: which model made the predictions; say so when the equality was checked.

    Raises
    ------
    RecordError: an entry is missing.
    """
    try:
        result, config = meta["result"], meta["training"]
        images = result["test_images"]
        return Training(
            dataset=meta["dataset"],
            method=method,
            epochs=result["epochs"],
            seed=config["seed"],
            images=images,
            correct=round(result["test_accuracy"] * images),
            model=model,
            fold=fold,
            folds=folds,
            # the clock of a resumed run saw only a part of it
            seconds=None if result["resumed_epochs"] else result["seconds"],
            log=tuple(
                Epoch(epoch=entry["epoch"], loss=entry["loss"], accuracy=entry["train_accuracy"])
                for entry in meta["history"]
            ),
        )
    except KeyError as error:
        raise RecordError(f"the checkpoint's metadata lack {error}; train again") from None


def simulation(result: SimulationResult, manifest: Manifest) -> tuple[Comparison, CycleRun]:
    """Return what a simulation of the design of ``manifest`` compared, and its cycles.

    The bench counts beats; a report counts integers, so each beat counts for the lanes of its
    stream. A wrong beat counts for all its lanes: the bench does not say how many of them differ.

    Raises
    ------
    RecordError: a stream that the manifest does not have.
    """
    name = f"{result.simulator.capitalize()} {result.version}".strip()
    if result.netlist is not None and result.netlist not in TARGETS:
        raise RecordError(f"the simulated netlist is of {result.netlist!r}; simulate again")
    netlist = None if result.netlist is None else f"{TARGETS[result.netlist].TITLE} netlist"
    level = "Verilog" if netlist is None else f"{netlist[0].upper()}{netlist[1:]} after synthesis"
    lanes = {stream.name: stream.lanes for stream in manifest.streams}
    compared = [stream for stream in result.streams if stream.tensor is not None]
    try:
        words = {_boundary(stream): stream.compared * lanes[stream.name] for stream in compared}
        differences = sum(stream.wrong * lanes[stream.name] for stream in compared)
    except KeyError as error:
        raise RecordError(f"the manifest has no stream {error}; simulate again") from None
    comparison = Comparison(
        judged=f"{level} on {name}",
        against=REFERENCE,
        images=result.frames,
        words=words,
        differences=differences,
        failures=result.failures,
        conditions=f"stalls: {result.stalls}, seed {result.seed}",
    )
    run = CycleRun(
        simulator=name if netlist is None else f"{name}, {netlist}",
        stalls=result.stalls,
        frames=result.frames,
        cycles=result.cycles,
        planned=result.expected_cycles,
        cycles_per_second=result.cycles_per_second,
    )
    return comparison, run


def _boundary(stream: StreamReport) -> str:
    """Return the tensor's name; of an AXI port its own, for the last layer has the same tensor."""
    return str(stream.name if stream.name.endswith("_axis") else stream.tensor)
