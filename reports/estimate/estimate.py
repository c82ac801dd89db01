"""The estimated cost of a network before synthesis: closed forms summed by layer.

Each unit of a plan has a cost (``tritforge.hw.cost.registry``). The table has the columns of that
of synthesis; ``compared`` joins both. The error of the formulas against synthesis is measured on
random configurations that took no part in the calibration (tritforge.reports.estimate.calibrate),
and every estimate states it. Unknown is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tritforge.hw.cost.registry import cost
from tritforge.hw.pipeline.plan import Plan
from tritforge.hw.stream.axi_lite import RegistersUnit
from tritforge.hw.stream.axi_stream import FrameSinkUnit, FrameSourceUnit
from tritforge.hw.stream.fork import StreamForkUnit
from tritforge.hw.targets.cost import Cost, total
from tritforge.hw.targets.target import Target, calibration
from tritforge.reports.devices import Device
from tritforge.reports.render.tables import Table, Value
from tritforge.reports.synth.hierarchy import REST
from tritforge.reports.synth.resources import Resources
from tritforge.reports.synth.utilisation import REST_TITLE

__all__ = ["Estimate", "compared", "error_note", "estimate", "table"]

TITLE = "Estimated resources"

COMPARED_TITLE = "Estimate, synthesis and simulation"


def _columns(target: Target) -> tuple[tuple[str, str, str | None], ...]:
    """Heading, field of a cost, and the field of a device that limits it."""
    return (
        ("LUT", "lut", "lut"),
        ("LUTRAM", "lutram", "lutram"),
        ("LUT total", "lut_total", "lut"),
        ("FF", "ff", "ff"),
        (target.CARRY_CELL, "carry", "carry"),
        _blocks(target),
        ("DSP", "dsp", "dsp"),
        *((("LUT6 sites", "sites", None),) if "sites" in target.CALIBRATED else ()),
    )


def _blocks(target: Target) -> tuple[str, str, str]:
    """The column of the family's block RAM size."""
    size = "bram36" if target.BLOCK_KBITS == 36 else "bram18"
    return size.upper(), size, "bram"


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Costs by layer, and of the logic outside the layers.

    Parameters
    ----------
    target: of the plan.
    layers: by name, in order.
    rest: of the AXI wrapper and interconnect.
    """

    target: Target
    layers: Mapping[str, Cost]
    rest: Cost

    @property
    def total(self) -> Cost:
        """Of the whole design."""
        whole: Cost = total((*self.layers.values(), self.rest))
        return whole


def estimate(plan: Plan, *, registers: bool = False) -> Estimate:
    """Sum the costs of ``plan``'s units for its target; ``registers``: with the AXI4-Lite block."""
    target = plan.target
    layers = {
        stage.name: total(cost(unit, target) for unit in stage.all_units) for stage in plan.stages
    }
    types = plan.network.types
    parts: list[Any] = [
        FrameSourceUnit(plan.i, plan.network.input.size // plan.i.lanes),
        FrameSinkUnit(plan.o, types[plan.network.output].size // plan.o.lanes),
        *(StreamForkUnit(plan.output(fork.source), len(fork.takers)) for fork in plan.forks),
        *([RegistersUnit(0)] if registers else []),
    ]
    rest = total(cost(part, target) for part in parts)
    return Estimate(target=target, layers=layers, rest=rest)


def _value(amounts: Cost, field: str) -> Value:
    """A field of a cost as a table shows it: whole, but half a block of 36 Kb for one of 18 Kb."""
    if field == "bram36":
        half = amounts.bram18
        return None if half is None else half // 2 if half % 2 == 0 else half / 2
    value = getattr(amounts, field)
    return None if value is None else round(value)


def error_note(target: Target) -> str:
    """The measured error of the formulas, in a sentence."""
    found = calibration().get("error", {}).get(target.NAME)
    if found is None:
        return f"Formulas of hw/cost, not measured against synthesis for {target.NAME}."
    return (
        f"Formulas of hw/cost. Against {found['tool']} on {found['configurations']} random "
        f"configurations that took no part in the calibration: LUT {found['lut_median']:.1f} % off "
        f"in the median, {found['lut_95']:.1f} % at the 95th percentile; FF {found['ff_95']:.1f} % "
        f"at the 95th percentile; memories exact in {found['memories_exact']}."
    )


def table(result: Estimate, device: Device) -> Table:
    """The estimate, layer by layer, against ``device``."""
    shown = _columns(result.target)
    parts = {**result.layers, REST_TITLE: result.rest, "total": result.total}
    rows: list[tuple[Value, ...]] = [
        (name, *(_value(found, field) for _, field, _ in shown)) for name, found in parts.items()
    ]
    has = [None if name is None else getattr(device, name) for _, _, name in shown]
    whole = rows[-1][1:]
    rows.append((f"{device.part.upper()} has", *("" if value is None else value for value in has)))
    shares = [
        f"{100 * value / number:.2f} %" if number and isinstance(value, int | float) else ""
        for number, value in zip(has, whole, strict=True)
    ]
    rows.append(("used", *shares))
    columns = ("Layer", *(heading for heading, _, _ in shown))
    return Table(TITLE, columns, tuple(rows), (error_note(result.target),), 3)


def compared(
    result: Estimate,
    measured: Mapping[str, Resources],
    cycles: Mapping[str, tuple[int | None, int | None]],
) -> Table:
    """Estimate beside synthesis, and the planned cycles beside those of a simulation.

    Parameters
    ----------
    measured: resources of each layer, and of ``REST`` for the logic outside the layers.
    cycles: by layer (planned interval, simulated cycles); the network's under "total".
    """
    title, size, _ = _blocks(result.target)
    fields = ("lut_total", "ff", size)
    rows = []
    whole = {**result.layers, REST: result.rest}
    known = {name: measured[name] for name in whole if name in measured}
    for name, estimated in [*whole.items(), ("total", result.total)]:
        actual = known.get(name) if name != "total" else None
        if name == "total" and len(known) == len(whole):
            actual = sum(known.values(), Resources(lut_sites=0))
        row: list[Value] = [REST_TITLE if name == REST else name]
        for field in fields:
            predicted = _value(estimated, field)
            found = None
            if actual is not None:
                found = getattr(actual, "bram36_total" if field == "bram36" else field)
            error = None
            if isinstance(predicted, int | float) and found:
                error = round(100 * (predicted - found) / found, 1)
            row += [predicted, int(found) if found is not None and found == int(found) else found]
            if field != size:
                row.append("" if error is None else error)
        planned, simulated = cycles.get(name, (None, None))
        rows.append(
            (*row, "" if planned is None else planned, "" if simulated is None else simulated)
        )
    columns = (
        "Layer",
        "LUT estimated", "LUT synthesised", "LUT error, %",
        "FF estimated", "FF synthesised", "FF error, %",
        f"{title} estimated", f"{title} synthesised",
        "Cycles planned", "Cycles simulated",
    )  # fmt: skip
    return Table(COMPARED_TITLE, columns, tuple(rows), (error_note(result.target),), 1)
