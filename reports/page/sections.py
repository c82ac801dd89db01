"""The tables and headline figures of a report, shared by its HTML and its Markdown form."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tritforge.export.artifacts.manifest import AXI_INPUT, AXI_OUTPUT
from tritforge.export.ir.nodes import INPUT, MatrixNode
from tritforge.reports.estimate import estimate
from tritforge.reports.page.data import ReportData
from tritforge.reports.render.tables import Column, Table, Value, text_of
from tritforge.reports.synth import utilisation

__all__ = [
    "Tile",
    "accuracy_table",
    "comparisons_table",
    "cycles_table",
    "estimate_table",
    "resources_table",
    "runs_table",
    "tiles",
    "verdict",
    "versions_table",
    "weights_table",
    "words_table",
]

VERDICTS = {
    "equal": "Every word equal",
    "different": "Not equal",
    "unproven": "Nothing was compared",
}
"""Headline of each ``ReportData.verdict``."""


_SIMULATE = "Run `tritforge simulate` to compare the Verilog with the integer reference."


@dataclass(frozen=True)
class Tile:
    """A headline figure: what it is, the figure with its unit, and what it was measured on."""

    name: str
    figure: str
    detail: str


def verdict(data: ReportData) -> tuple[str, str]:
    """Return the headline, and what was compared with what, bit for bit."""
    if data.verdict == "unproven":
        return VERDICTS["unproven"], _SIMULATE
    differences = sum(comparison.differences for comparison in data.comparisons)
    detail = f"{data.words_compared:,} integers compared bit for bit, {differences:,} differ."
    for against in dict.fromkeys(comparison.against for comparison in data.comparisons):
        judged = dict.fromkeys(c.judged for c in data.comparisons if c.against == against)
        detail += f" Against the {against}: {'; '.join(judged)}."
    empty = [comparison.judged for comparison in data.comparisons if comparison.total == 0]
    failures = [line for comparison in data.comparisons for line in comparison.failures]
    if failures:
        detail += f" First fault: {failures[0].rstrip('.')}."
    if empty:
        detail += f" No word was compared for {', '.join(empty)}."
    return VERDICTS[data.verdict], detail


def tiles(data: ReportData) -> tuple[Tile, ...]:
    """Return the headline figures."""
    trained, synthesis, device = data.training, data.synthesis, data.device
    weights = np.concatenate([node.planes.ravel() for node in data.network.matrix_nodes()])
    accuracy = Tile("Accuracy", text_of(None), "held-out images")
    if trained is not None and trained.accuracy is not None:
        shown = text_of(100 * trained.accuracy, 2, " %")
        accuracy = Tile(
            "Accuracy", shown, f"{trained.correct:,} of {trained.images:,} held-out images"
        )
    lut = dsp = None
    of_lut = of_dsp = "synthesis not run"
    if synthesis is not None and device is not None:
        lut, dsp = synthesis.total.lut_total, synthesis.total.dsp
        of_lut = f"{100 * lut / device.lut:.2f} % of {device.part.upper()}"
        of_dsp = f"of {device.dsp:,}"
    return (
        accuracy,
        Tile(
            "Weights",
            f"{weights.size:,}",
            f"all ternary, {100 * float((weights == 0).mean()):.1f} % zero",
        ),
        Tile("Words compared", _short(data.words_compared), "at layer boundaries"),
        Tile(
            "Initiation interval",
            f"{data.manifest.interval_cycles:,}",
            f"cycles per frame; latency {data.manifest.latency_cycles:,} cycles",
        ),
        Tile("LUT", text_of(lut), of_lut),
        Tile("DSP blocks", text_of(dsp), of_dsp),
    )


def _short(count: int) -> str:
    """Shorten a count for a tile: from ten millions on in millions; the verdict has each digit."""
    return f"{count / 1e6:,.1f} M" if count >= 10_000_000 else text_of(count or None)


def accuracy_table(data: ReportData) -> Table:
    """How the network was trained, and its accuracy on held-out images."""
    trained = data.training
    if trained is None:
        return Table("Accuracy and training", ("", ""), (), ("Run `tritforge train`.",))
    share = None if trained.accuracy is None else f"{100 * trained.accuracy:.2f} %"
    error = None if trained.standard_error is None else f"{100 * trained.standard_error:.2f} points"
    # a dataset with a test set of its own has no folds, and its description says what was held out
    fold = (
        [] if trained.folds is None else [("Held out", f"fold {trained.fold} of {trained.folds}")]
    )
    right = None if trained.correct is None else f"{trained.correct:,} of {trained.images:,}"
    rows: list[tuple[Value, ...]] = [
        ("Accuracy on held-out images", share),
        ("Classified correctly", right),
        ("Standard error, binomial", error),
        ("Predictions made by", trained.model),
        ("Data", trained.dataset),
        *fold,
        ("Ternarization", trained.method),
        ("Epochs", str(trained.epochs)),
        ("Seed", str(trained.seed)),
        ("Training time", None if trained.seconds is None else f"{trained.seconds:.1f} s"),
    ]
    return Table("Accuracy and training", ("", ""), tuple(rows))


def weights_table(data: ReportData) -> Table:
    """Tabulate weights, zeros (%), accumulator type and packing of each layer."""
    types = data.network.types
    packings = {rom.layer: rom.packing for rom in data.manifest.roms if rom.packing is not None}

    def row(node: MatrixNode) -> tuple[Value, ...]:
        counts = [int((node.planes == trit).sum()) for trit in (-1, 0, 1)]
        accumulator = str(node.accumulator(types[node.input].dtype))
        return (
            node.name,
            node.summary,
            node.planes.size,
            *counts,
            100 * node.sparsity,
            accumulator,
            packings.get(node.name),
        )

    nodes = list(data.network.matrix_nodes())
    rows = [row(node) for node in nodes]
    sums = [sum(int(r[index] or 0) for r in rows) for index in range(2, 6)]
    rows.append(("all layers", "", *sums, 100 * sums[2] / sums[0], "", ""))
    columns = (
        "Layer",
        "Operation",
        "Weights",
        "-1",
        "0",
        "+1",
        Column("Zeros", suffix=" %"),
        "Accumulator",
        "Packing",
    )
    return Table(
        "Weights",
        columns,
        tuple(rows),
        ("Accumulator: the narrowest type for every sum, proved from the weights of each row.",),
        1,
    )


def cycles_table(data: ReportData) -> Table:
    """Tabulate the plan: engine, folding and initiation interval of each layer, in cycles."""
    rows: list[tuple[Value, ...]] = [
        (
            layer.name,
            layer.engine,
            layer.folding_text,
            "" if layer.rows is None else f"{layer.rows} x {layer.columns}",
            layer.interval_cycles,
        )
        for layer in data.manifest.layers
    ]
    rows.append(("network", "", "", "", data.manifest.interval_cycles))
    note = (
        "Interval: initiation interval, cycles from one frame to the next. "
        f"Latency of a frame, pipeline empty: {data.manifest.latency_cycles:,} cycles. Clock "
        "frequency: known after place and route."
    )
    columns = ("Layer", "Engine", "Folding", "Matrix", "Interval, cycles")
    return Table("Plan", columns, tuple(rows), (note,), 1)


def runs_table(data: ReportData) -> Table:
    """Tabulate simulated against planned cycles of each simulation."""
    rows = tuple(
        (
            run.simulator,
            run.stalls,
            run.frames,
            run.cycles,
            "stalls: not planned" if run.planned is None else run.planned,
            "" if run.planned is None or run.cycles is None else run.cycles - run.planned,
            None if run.cycles_per_second is None else round(run.cycles_per_second),
        )
        for run in data.cycles
    )
    counts = ("Frames", "Cycles simulated", "Cycles planned", "Difference", "Cycles/s")
    columns = ("Simulator", "Stalls", *counts)
    return Table("Simulated cycles against the plan", columns, rows, () if rows else (_SIMULATE,))


def resources_table(data: ReportData) -> Table:
    """Tabulate synthesised resources of each layer, in total, and of the device."""
    if data.synthesis is None:
        note = "Run `tritforge synth` to count the cells of each layer."
        return Table(utilisation.TITLE, ("Layer",), (), (note,))
    return utilisation.utilisation(data.synthesis, data.layer_names)


def estimate_table(data: ReportData) -> Table:
    """Tabulate each layer's estimate against synthesis, and planned against simulated cycles."""
    if data.estimate is None:
        return Table(
            estimate.COMPARED_TITLE, ("Layer",), (), ("No formulas for this family of devices.",)
        )
    counted = {}
    if data.synthesis is not None:
        names = [name for name in data.estimate.layers if name in data.layer_names]
        counted = data.synthesis.by_layer(names)
    cycles: dict[str, tuple[int | None, int | None]] = {
        layer.name: (layer.interval_cycles, None) for layer in data.manifest.layers
    }
    planned = [run for run in data.cycles if run.planned is not None]
    frames = ""
    if planned:
        cycles["total"] = planned[0].planned, planned[0].cycles
        frames = f" Cycles of the total: of {planned[0].frames} frames on {planned[0].simulator}."
    shown = estimate.compared(data.estimate, counted, cycles)
    note = "Cycles of a layer: planned, per frame." + frames
    return replace(shown, notes=(*shown.notes, note))


def comparisons_table(data: ReportData) -> Table:
    """Tabulate which models were compared, on how many images, and the differing integers."""
    columns = ("No.", "Compared", "With", "Conditions", "Images", "Words compared", "Differences")
    rows = tuple(
        (number, c.judged, c.against, c.conditions, c.images, c.total, c.differences)
        for number, c in enumerate(data.comparisons, start=1)
    )
    faults = tuple(
        f"No. {number}: {line}"
        for number, comparison in enumerate(data.comparisons, start=1)
        for line in comparison.failures
    )
    return Table("Compared bit for bit", columns, rows, faults if rows else (_SIMULATE,))


def words_table(data: ReportData) -> Table:
    """Tabulate the words (integers) compared at each layer boundary, a column per comparison."""
    named = dict.fromkeys(name for c in data.comparisons for name in c.words)
    order = [INPUT, AXI_INPUT, *(node.name for node in data.network.nodes), AXI_OUTPUT]
    boundaries = sorted(named, key=lambda name: order.index(name) if name in order else len(order))
    rows = [(name, *(c.words.get(name, "") for c in data.comparisons)) for name in boundaries]
    rows.append(("total", *(c.total for c in data.comparisons)))
    columns = ("Boundary", *(f"No. {number}" for number in range(1, len(data.comparisons) + 1)))
    return Table("Words at each layer boundary", columns, tuple(rows), (), 1)


def versions_table(data: ReportData) -> Table:
    """Versions of every tool and package that took part."""
    known = {**data.manifest.generator, **data.versions}
    if data.synthesis is not None:
        known.setdefault("synthesis", data.synthesis.tool)
    return Table("Versions", ("", ""), tuple(sorted(known.items())))
