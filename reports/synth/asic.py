"""Area of a design as standard cells: gate equivalents, or the areas of a Liberty file.

Memories are not mapped to flip-flops, which no ASIC would do. Each is listed with words, bits and
ports, for a memory compiler, and its area is not in the sum.

A gate equivalent is a NAND with two inputs, four transistors in static CMOS. Without a library a
cell counts the transistors that Yosys gives it (``kernel/cost.h``, ``CellCosts::cmos_gate_cost``)
over four: an inverter 0.5, a XOR 3, a multiplexer 3, a D flip-flop 4. That is a count of gates of
an ideal library, not an area of silicon.

Initial values are dropped: an ASIC has none, and registers that need one have a reset.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tritforge.hw.targets.asic.family import LIBRARY_FILE, Asic
from tritforge.reports.render.tables import Column, Table, Value
from tritforge.reports.synth import mapped as mapping
from tritforge.reports.synth.hierarchy import REST
from tritforge.reports.synth.liberty import Liberty
from tritforge.reports.synth.mapped import Mapped, Memory, Part
from tritforge.reports.synth.utilisation import REST_TITLE
from tritforge.reports.synth.yosys import Progress, SynthesisError

__all__ = [
    "TRANSISTORS",
    "Area",
    "area_table",
    "areas",
    "memories_table",
    "synthesise",
]

NAND_TRANSISTORS = 4

TRANSISTORS = {
    "$_NOT_": 2, "$_NAND_": 4, "$_NOR_": 4, "$_AND_": 6, "$_OR_": 6, "$_ANDNOT_": 6, "$_ORNOT_": 6,
    "$_AOI3_": 6, "$_OAI3_": 6, "$_AOI4_": 8, "$_OAI4_": 8, "$_NMUX_": 10,
    "$_MUX_": 12, "$_XOR_": 12, "$_XNOR_": 12, "$_DFF_P_": 16,
}  # fmt: skip
"""Of each cell that the commands without a library leave."""

FLIP_FLOP = "$_DFF_P_"


@dataclass(frozen=True, kw_only=True)
class Area:
    """Of a layer: flip-flops, other cells, and the area of each kind in the unit of the count."""

    flip_flops: int
    gates: int
    flip_flop_area: float
    gate_area: float
    memories: tuple[Memory, ...]

    @property
    def total(self) -> float:
        """Area without memories."""
        return self.flip_flop_area + self.gate_area

    def memory_bits(self, kind: str) -> int:
        """Bits of its memories of ``kind``, ROM or RAM."""
        return sum(memory.bits for memory in self.memories if memory.kind == kind)


def synthesise(
    verilog: Path,
    roms: Iterable[Path],
    top: str,
    build_dir: Path,
    *,
    liberty: Path | None = None,
    progress: Progress | None = None,
    minutes: float | None = None,
) -> Mapped:
    """Map to gates, or to the cells of ``liberty``, and store the result in ``build_dir``.

    Raises
    ------
    SynthesisError: Yosys is missing or stopped.
    """
    files = {path.name: path for path in (verilog, *roms)}
    if liberty is not None:
        files[LIBRARY_FILE] = liberty
    commands = Asic().synthesis([verilog.name], top, library=liberty is not None)
    return mapping.synthesise(
        Asic.NAME, files, commands, top, build_dir, progress=progress, minutes=minutes
    )


def areas(mapped: Mapped, layers: Iterable[str], library: Liberty | None = None) -> dict[str, Area]:
    """Area of each layer and of the rest, in gate equivalents, or in the unit of ``library``.

    Raises
    ------
    SynthesisError: a cell that neither the table nor the library has.
    """
    parts = mapped.by_layer(layers)
    return {
        (REST_TITLE if name == REST else name): _area(of, library) for name, of in parts.items()
    }


def _area(parts: Iterable[Part], library: Liberty | None) -> Area:
    cells: Counter[str] = Counter()
    memories: list[Memory] = []
    for part in parts:
        for name in part.cells:
            if (name not in TRANSISTORS) if library is None else (name not in library.cells):
                where = "the table of gates" if library is None else f"library {library.name!r}"
                raise SynthesisError(f"module {part.module}: cell {name} is not in {where}")
        cells.update(part.cells)
        memories += part.memories
    if library is None:
        cost: Mapping[str, float] = {
            name: count / NAND_TRANSISTORS for name, count in TRANSISTORS.items()
        }
        stores = {FLIP_FLOP}
    else:
        cost = {name: cell.area for name, cell in library.cells.items()}
        stores = {name for name, cell in library.cells.items() if cell.flip_flop}
    of_stores = {name: number for name, number in cells.items() if name in stores}
    gates = {name: number for name, number in cells.items() if name not in stores}
    return Area(
        flip_flops=sum(of_stores.values()),
        gates=sum(gates.values()),
        flip_flop_area=sum(cost[name] * number for name, number in of_stores.items()),
        gate_area=sum(cost[name] * number for name, number in gates.items()),
        memories=tuple(memories),
    )


def area_table(
    mapped: Mapped, by_layer: Mapping[str, Area], library: Liberty | None = None
) -> Table:
    """Cells and area of each layer, and the bits of its memories, whose area is not counted."""
    nand = None if library is None else library.nand2_area
    unit = "GE" if library is None else "Area"

    def row(name: str, parts: Iterable[Area]) -> tuple[Value, ...]:
        parts = tuple(parts)
        total = sum(part.total for part in parts)
        values: list[Value] = [
            name,
            sum(part.flip_flops for part in parts),
            sum(part.gates for part in parts),
            sum(part.flip_flop_area for part in parts),
            sum(part.gate_area for part in parts),
            total,
        ]
        if library is not None:
            values.append(None if nand is None else total / nand)
        return (
            *values,
            *(sum(part.memory_bits(kind) for part in parts) for kind in ("ROM", "RAM")),
        )

    rows = [row(name, [part]) for name, part in by_layer.items()]
    rows.append(row("total", by_layer.values()))
    columns: list[Column | str] = ["Layer", "Flip-flops", "Gates"]
    columns += [Column(f"{unit}, flip-flops"), Column(f"{unit}, gates"), Column(unit)]
    if library is not None:
        columns.append(Column("GE"))
    columns += ["ROM bits", "RAM bits"]
    meaning = (
        "GE: gate equivalents, a NAND with two inputs each: transistors of a cell in static CMOS "
        "over 4, as Yosys counts them (kernel/cost.h). A model of an ideal library, not silicon."
        if library is None
        else f"Area: of the cells of library {library.name!r}, in its unit. GE: over the area of "
        "its smallest NAND with two inputs."
    )
    notes = (
        f"{mapped.tool}, hierarchy kept, not placed and routed: {'; '.join(mapped.script)}.",
        meaning,
        "Memories are listed apart, by bits and ports; their area is in no column. Initial values "
        "are dropped.",
    )
    return Table("ASIC", tuple(columns), tuple(rows), notes, 1)


def memories_table(by_layer: Mapping[str, Area]) -> Table:
    """Tabulate every memory for a memory compiler: words, width, bits and ports."""
    alike: Counter[tuple[str, str, int, int, int, int]] = Counter(
        (name, memory.kind, memory.words, memory.width, memory.read_ports, memory.write_ports)
        for name, area in by_layer.items()
        for memory in area.memories
    )
    rows: list[tuple[Value, ...]] = [
        (name, kind, number, words, width, number * words * width, reads, writes)
        for (name, kind, words, width, reads, writes), number in alike.items()
    ]
    rows.append(
        ("total", "", sum(alike.values()), "", "", sum(int(row[5] or 0) for row in rows), "", "")
    )
    columns = (
        "Layer",
        "Kind",
        "Number",
        "Words",
        "Bits per word",
        "Total bits",
        "Read ports",
        "Write ports",
    )
    return Table("ASIC, memories", columns, tuple(rows), (), 1)
