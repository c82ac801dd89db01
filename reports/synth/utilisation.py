"""The table of FPGA resources: each layer, the total, what the device has, the share in use."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tritforge.reports.devices import Device, device
from tritforge.reports.render.tables import Table, Value
from tritforge.reports.synth.netlist import REST
from tritforge.reports.synth.resources import Resources, total
from tritforge.reports.synth.xilinx import Synthesis

__all__ = ["HEADINGS", "REST_TITLE", "TITLE", "by_layer", "utilisation"]

REST_TITLE = "AXI interface"
"""What belongs to no layer: AXI4-Stream adapters, width converters at both ends, interconnect."""

TITLE = "Resources"

_COLUMNS: tuple[
    tuple[str, Callable[[Resources], int | float | None], Callable[[Device], int | None] | None],
    ...,
] = (
    ("LUT", lambda part: part.lut, None),
    ("INV", lambda part: part.inv, None),
    ("LUTRAM", lambda part: part.lutram, None),
    ("SRL", lambda part: part.srl, None),
    ("LUT total", lambda part: part.lut_total, lambda device: device.lut),
    ("FF", lambda part: part.ff, lambda device: device.ff),
    ("CARRY4", lambda part: part.carry4, lambda device: device.carry4),
    ("MUXF", lambda part: part.muxf, None),
    ("BRAM36", lambda part: part.bram36_total, lambda device: device.bram36),
    ("DSP", lambda part: part.dsp, lambda device: device.dsp),
    ("LUT6 sites, est.", lambda part: part.lut_sites, None),
)
"""Heading, how many a design has, how many a device has (None: the device's other columns say it)."""

HEADINGS = ("Layer", *(title for title, _, _ in _COLUMNS))


def by_layer(synthesis: Synthesis, layers: Iterable[str]) -> dict[str, Resources]:
    """Resources of each layer under its title, and last of what is in none."""
    parts = synthesis.by_layer(layers)
    return {REST_TITLE if name == REST else name: part for name, part in parts.items()}


def utilisation(synthesis: Synthesis, layers: Iterable[str]) -> Table:
    """Tabulate ``synthesis`` by the instances that bear the names ``layers``."""
    target = device(synthesis.device)
    parts = by_layer(synthesis, layers)
    whole = total(parts.values())
    rows = [_row(name, part) for name, part in parts.items()]
    rows.append(_row("total", whole))
    rows.append(
        (
            f"{target.part.upper()} has",
            *("" if has is None else has(target) for _, _, has in _COLUMNS),
        )
    )
    rows.append(("used", *(_share(of(whole), has, target) for _, of, has in _COLUMNS)))
    return Table(TITLE, HEADINGS, tuple(rows), _notes(synthesis), 3)


def _row(name: str, part: Resources) -> tuple[Value, ...]:
    return (name, *(_whole(of(part)) for _, of, _ in _COLUMNS))


def _whole(value: int | float | None) -> Value:
    """Half a block RAM shows its half; everything else is a whole number."""
    return int(value) if value is not None and value == int(value) else value


def _share(used: float | None, has: Callable[[Device], int | None] | None, target: Device) -> str:
    available = None if has is None else has(target)
    return "" if available is None or used is None else f"{100 * used / available:.2f} %"


def _notes(synthesis: Synthesis) -> tuple[str, ...]:
    return (
        f"{synthesis.tool}, hierarchy kept, not placed and routed: {'; '.join(synthesis.script)}.",
        "LUT: cells LUT1..LUT6 and LUT6_2. INV: inverters that synthesis left as cells of their own; packing may absorb them into a LUT. "
        "LUT total: LUT + INV + LUTRAM + SRL.",
        "BRAM36: blocks of 36 Kb; one of 18 Kb counts a half.",
        "LUT6 sites, est.: estimated, not placed: the sites that LUT and INV need when small LUTs that "
        "share inputs are paired greedily, two in one LUT6_2.",
    )
