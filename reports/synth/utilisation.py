"""The table of FPGA resources: each layer, the total, what the device has, the share in use."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tritforge.hw.targets.target import Target
from tritforge.reports.devices import Device, device
from tritforge.reports.render.tables import Table, Value
from tritforge.reports.synth.fpga import Synthesis
from tritforge.reports.synth.hierarchy import REST
from tritforge.reports.synth.resources import Resources, total

__all__ = ["REST_TITLE", "TITLE", "by_layer", "utilisation"]

REST_TITLE = "AXI interface"
"""Title of the logic outside the layers: the AXI wrapper and interconnect."""

TITLE = "Resources"

_Column = tuple[
    str, Callable[[Resources], int | float | None], Callable[[Device], int | None] | None
]
"""Heading, how many a design has, how many a device has (None: the device's other columns say
it)."""


def _columns(target: Target) -> tuple[_Column, ...]:
    """The columns for ``target``."""
    blocks: _Column = ("BRAM18", lambda part: part.bram18, lambda device: device.bram)
    if target.BLOCK_KBITS == 36:
        blocks = ("BRAM36", lambda part: part.bram36_total, lambda device: device.bram36)
    sites: _Column = ("LUT6 sites, est.", lambda part: part.lut_sites, None)
    return (
        ("LUT", lambda part: part.lut, None),
        ("INV", lambda part: part.inv, None),
        ("LUTRAM", lambda part: part.lutram, None),
        ("SRL", lambda part: part.srl, None),
        ("LUT total", lambda part: part.lut_total, lambda device: device.lut),
        ("FF", lambda part: part.ff, lambda device: device.ff),
        (target.CARRY_CELL, lambda part: part.carry, lambda device: device.carry),
        ("MUXF", lambda part: part.muxf, None),
        blocks,
        ("DSP", lambda part: part.dsp, lambda device: device.dsp),
        *((sites,) if "sites" in target.CALIBRATED else ()),
    )


def by_layer(synthesis: Synthesis, layers: Iterable[str]) -> dict[str, Resources]:
    """Resources of each layer under its title, and last of the logic outside the layers."""
    parts = synthesis.by_layer(layers)
    return {REST_TITLE if name == REST else name: part for name, part in parts.items()}


def utilisation(synthesis: Synthesis, layers: Iterable[str], title: str = TITLE) -> Table:
    """Tabulate ``synthesis`` by the instances that bear the names ``layers``."""
    part, columns = device(synthesis.device), _columns(synthesis.target)
    parts = by_layer(synthesis, layers)
    whole = total(parts.values())
    rows: list[tuple[Value, ...]] = [
        (name, *(_whole(of(used)) for _, of, _ in columns))
        for name, used in {**parts, "total": whole}.items()
    ]
    has = ("" if has is None else has(part) for _, _, has in columns)
    rows.append((f"{part.part.upper()} has", *has))
    rows.append(("used", *(_share(of(whole), has, part) for _, of, has in columns)))
    headings = ("Layer", *(title for title, _, _ in columns))
    return Table(title, headings, tuple(rows), _notes(synthesis), 3)


def _whole(value: int | float | None) -> Value:
    """Half a block RAM shows its half; everything else is a whole number."""
    return int(value) if value is not None and value == int(value) else value


def _share(used: float | None, has: Callable[[Device], int | None] | None, target: Device) -> str:
    available = None if has is None else has(target)
    return "" if available is None or used is None else f"{100 * used / available:.2f} %"


def _notes(synthesis: Synthesis) -> tuple[str, ...]:
    run = f"{synthesis.tool}, hierarchy kept, not placed and routed: {'; '.join(synthesis.script)}."
    return run, *synthesis.target.COUNTING_NOTES
