"""The paper's table for any layer, device and number format: LUTs and DSPs of a MAC, how many fit.

A float MAC costs what the paper quotes (tritforge.reports.papers.table_ix), in slices of four LUTs;
the others cost what ``operators.json`` says, which tritforge.reports.papers.operators measured.
Costs are of arithmetic alone: no memory for weights, no control, not placed and routed.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from fractions import Fraction
from importlib import resources

from tritforge.reports.devices import Device
from tritforge.reports.papers.table_ix import FULL_PRECISION_MACS, MacCost, full_precision, ternary
from tritforge.reports.render.chart import Series, bars
from tritforge.reports.render.svg import Svg
from tritforge.reports.render.tables import Column, Table

__all__ = ["FORMATS", "Operator", "fit_picture", "layer_table", "operators"]

LUT_PER_SLICE = 4
"""Of the 7 series, in which the paper counts."""

_LABELS = {
    "fp32": "fp32",
    "int8-dsp": "int8 on DSP",
    "int8-lut": "int8 in LUTs",
    "ternary-float": "ternary, float adders (the paper)",
    "ternary-8bit": "ternary, 8-bit integers (ours)",
    "ternary-2bit": "ternary, 2-bit integers (ours)",
}
FORMATS = tuple(_LABELS)
"""Names of the number formats, the paper's two among them."""


@dataclass(frozen=True, kw_only=True)
class Operator:
    """One multiply-accumulate a cycle.

    Parameters
    ----------
    format: one of ``FORMATS``.
    lut, dsp: its resources on the 7 series; a fraction where several share them.
    source: where the figures come from.
    """

    format: str
    lut: Fraction
    dsp: Fraction
    source: str

    @property
    def label(self) -> str:
        """The format, for people."""
        return _LABELS[self.format]

    def fit(self, lut: int, dsp: int) -> int:
        """How many fit into ``lut`` LUTs and ``dsp`` DSP blocks."""
        limits = [have / need for have, need in ((lut, self.lut), (dsp, self.dsp)) if need]
        return max(0, math.floor(min(limits)))


def operators() -> dict[str, Operator]:
    """Every format's operator, in the order of ``FORMATS``; one that was not measured is absent."""
    paper = (
        "Ehliar, FPT 2014, as the ICS paper quotes it: adder 261 slices, multiplier 235 slices and "
        "2 DSP48E"
    )
    found = {"fp32": _quoted("fp32", full_precision(1), paper)}
    found["ternary-float"] = _quoted("ternary-float", ternary(1), paper)
    text = (
        resources.files("tritforge.reports.papers")
        .joinpath("operators.json")
        .read_text(encoding="utf-8")
    )
    for row in json.loads(text):
        lut, dsp = Fraction(row["lut"]), Fraction(row["dsp"])
        found[row["format"]] = Operator(
            format=row["format"], lut=lut, dsp=dsp, source=row["source"]
        )
    return {name: found[name] for name in FORMATS if name in found}


def _quoted(name: str, cost: MacCost, source: str) -> Operator:
    lut, dsp = Fraction(LUT_PER_SLICE * cost.slices), Fraction(cost.dsp)
    return Operator(format=name, lut=lut, dsp=dsp, source=source)


def layer_table(
    rows: int,
    columns: int,
    device: Device,
    *,
    formats: tuple[str, ...] = FORMATS,
    macs: int = FULL_PRECISION_MACS,
) -> Table:
    """Tabulate a layer of ``rows`` x ``columns`` weights: ``macs`` in parallel, and a full device.

    Raises
    ------
    ValueError: a count below 1, or a format that is not in ``FORMATS``.
    """
    for name, value in (("rows", rows), ("columns", columns), ("macs", macs)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, not {value!r}")
    known = operators()
    for name in formats:
        if name not in known:
            raise ValueError(f"format must be one of {', '.join(known)}, not {name!r}")
    work, float_mac = rows * columns, known["fp32"]
    free_lut = max(0, device.lut - macs * int(float_mac.lut))
    free_dsp = max(0, device.dsp - macs * int(float_mac.dsp))
    lines, notes = [], []
    for name in formats:
        mac = known[name]
        fit = min(work, mac.fit(device.lut, device.dsp))
        beside = "" if name == "fp32" else mac.fit(free_lut, free_dsp)
        taken = (math.ceil(macs * mac.lut), math.ceil(macs * mac.dsp))
        cycles = None if fit == 0 else -(-work // fit)
        lines.append((mac.label, float(mac.lut), float(mac.dsp), *taken, fit, cycles, beside))
        notes.append(f"{mac.label}: {mac.source}.")
    return Table(
        title=(
            f"A layer of {rows:,} outputs and {columns:,} inputs on {device}: "
            f"{device.lut:,} LUT, {device.dsp:,} DSP"
        ),
        columns=(
            "Number format",
            Column("LUT per MAC", digits=2),
            Column("DSP per MAC", digits=2),
            f"LUT of {macs} MACs",
            f"DSP of {macs}",
            "MACs that fit",
            "Cycles per vector",
            f"Beside {macs} fp32 MACs",
        ),
        rows=tuple(lines),
        notes=(
            "MACs that fit: the largest number within the device's LUTs and DSP blocks, at most "
            f"the layer's {work:,} weights; cycles per vector: {work:,} / that number. Arithmetic "
            "alone: no memory of weights, no control, not placed and routed; costs of the 7 "
            "series, other families unchanged.",
            *dict.fromkeys(notes),
        ),
    )


def fit_picture(table: Table) -> Svg:
    """How many MACs of each format of ``layer_table`` fit, on a scale of powers of ten."""
    counts = {str(row[0]): int(row[5] or 0) for row in table.rows}
    ours = {name: name.endswith("(ours)") for name in counts}
    series = [
        Series("ternary, integers: built here", "accent", [n * ours[k] for k, n in counts.items()]),
        Series("other formats", "weak", [n * (not ours[k]) for k, n in counts.items()]),
    ]
    ends = [f"{count:,}" for count in counts.values()]
    title = "Multiply-accumulates that fit the device"
    return bars(title, list(counts), series, ends, "MACs that fit the device", log=True)
