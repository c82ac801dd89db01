"""Mapping of an adder graph onto compressor rows: operand bits, output wires and pipeline stages.

An input is a sum of positive bits, x = sum of 2**b * u_b + offset, with the sign bit of a signed x
inverted. A negative term uses the inverted bits, -t = sum of ~bits - ones - offset; the inversion
costs no LUT. Each element of y is therefore a bit heap and one constant. The constants are not
built:

    sum'[row] = y[row] + correction[row],  0 <= sum' < 2**width

and the consumer of sum' compensates for the correction in its thresholds or its bias. Wires are
numbered: the K * B input bits first, then the outputs of each row. Nodes stay in carry-save form.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from tritforge.export.ir.datatype import DataType
from tritforge.hw.matrix.adder_graph import AdderGraph, Sum, Term
from tritforge.hw.matrix.bit_heap import HeapRow, RowKind, RowLuts, compress, one_lut_per_column
from tritforge.hw.matrix.offset_binary import Sums

__all__ = ["BLOCK", "Bit", "WiredRow", "Wiring", "wire", "wire_heap"]

BLOCK = 4000
"""LUTs after which a block of rows ends and the next begins; each block is a Verilog module."""


@dataclass(frozen=True)
class Bit:
    """A wire or its inverse."""

    wire: int
    inverted: bool = False

    def __invert__(self) -> Bit:
        return Bit(self.wire, not self.inverted)


@dataclass(frozen=True)
class WiredRow:
    """A compressor row with its wires.

    Parameters
    ----------
    shape: kind and columns of the row.
    stage: registers between the inputs and the row.
    heap: number of the heap that the row reduces.
    operands: input bits of column ``shape.column + i``. The fourth bit of the lowest TERNARY column
        and the sixth of an atom enter the carry chain directly, so a bit that is not inverted is
        preferred.
    sums: one output wire per column.
    save, carry: output wires above the last column; None if the row has none.
    """

    shape: HeapRow
    stage: int
    heap: int
    operands: tuple[tuple[Bit, ...], ...]
    sums: tuple[int, ...]
    save: int | None
    carry: int | None

    @property
    def outputs(self) -> tuple[int, ...]:
        """All output wires."""
        return (*self.sums, *(wire for wire in (self.carry, self.save) if wire is not None))

    @property
    def ready(self) -> int:
        """Stage in which the outputs are available: those of a TERNARY row are registered."""
        return self.stage + (self.shape.kind is RowKind.TERNARY)


@dataclass(frozen=True)
class Wiring:
    """The netlist of an adder graph.

    Parameters
    ----------
    source: type of an input.
    inputs: number of inputs, K.
    rows: in topological order; operands are input bits and outputs of earlier rows.
    outputs: bits of each element of sum', lowest first; None stands for 0.
    sums: corrections and largest values of sum'.
    followed: a registered row consumes the outputs, so they need no registers of their own.
    """

    source: DataType
    inputs: int
    rows: tuple[WiredRow, ...]
    outputs: tuple[tuple[Bit | None, ...], ...]
    sums: Sums
    followed: bool = False

    @cached_property
    def stages(self) -> int:
        """Latency in cycles: registers from every input to every output, 1 at least.

        A last row of ATOMS is combinational, so a register follows it. With ``followed`` the last
        registers belong to the consumer, and the latency may be 0.
        """
        if self.followed:
            return max([0, *(row.ready for row in self.rows)])
        return max([1, *(row.stage + 1 for row in self.rows)])

    @property
    def luts(self) -> int:
        """Planned LUTs of all rows."""
        return sum(row.shape.luts for row in self.rows)

    @cached_property
    def registers(self) -> tuple[tuple[int, ...], ...]:
        """Wires held in the registers before each stage, from stage 1 to the outputs."""
        last: dict[int, int] = {}
        for row in self.rows:
            for bit in (bit for column in row.operands for bit in column):
                last[bit.wire] = max(last.get(bit.wire, 0), row.stage)
        for bit in (bit for bits in self.outputs for bit in bits if bit is not None):
            last[bit.wire] = self.stages
        made = {wire: row.stage for row in self.rows for wire in row.outputs}
        return tuple(
            tuple(
                wire for wire, until in sorted(last.items()) if made.get(wire, 0) < stage <= until
            )
            for stage in range(1, self.stages + 1)
        )

    @cached_property
    def blocks(self) -> tuple[tuple[tuple[int, ...], ...], ...]:
        """Row numbers by stage and block; a block holds whole heaps and reads registers only."""
        stages = max([self.stages, *(row.stage + 1 for row in self.rows)])
        found: list[list[list[int]]] = [[[]] for _ in range(stages)]
        size, heap = [0] * stages, [0] * stages
        for number, row in enumerate(self.rows):
            at = row.stage
            if size[at] > BLOCK and row.heap != heap[at]:
                found[at].append([])
                size[at] = 0
            found[at][-1].append(number)
            size[at], heap[at] = size[at] + row.shape.luts, row.heap
        return tuple(tuple(tuple(block) for block in blocks) for blocks in found)

    @property
    def flip_flops(self) -> int:
        """Planned flip-flops of rows and of delayed bits, without the valid bit of each stage."""
        return sum(len(wires) for wires in self.registers)

    @property
    def idle_flip_flops(self) -> int:
        """Flip-flops among them that stay 0: three bits of one column never produce a carry.

        Synthesis removes them unless the carry comes out of an explicit cell.
        """
        idle = {row.carry for row in self.rows if row.shape.taken == (3,) and row.shape.carries > 1}
        return sum(wire in idle for wires in self.registers for wire in wires)


@dataclass
class _Number:
    """A source of the graph: bits by column, and a constant."""

    columns: dict[int, list[Bit]]
    offset: int

    def times(self, weight: int) -> _Number:
        """Return this number times ``weight``, a signed power of two."""
        shift = abs(weight).bit_length() - 1
        if weight > 0:
            moved = {c + shift: bits for c, bits in self.columns.items()}
            return _Number(moved, self.offset << shift)
        ones = sum(len(bits) << c for c, bits in self.columns.items())
        moved = {c + shift: [~bit for bit in bits] for c, bits in self.columns.items()}
        return _Number(moved, (-self.offset - ones) << shift)


def wire(
    graph: AdderGraph,
    source: DataType,
    rows_per_stage: int | None = None,
    registers: int | None = None,
    row_luts: RowLuts = one_lut_per_column,
) -> Wiring:
    """Compress every heap of ``graph`` into rows.

    ``rows_per_stage``, ``registers``, ``row_luts``: see ``tritforge.hw.matrix.bit_heap.compress``.
    """
    return _Wirer(graph, source, rows_per_stage, registers, row_luts).run()


@lru_cache(maxsize=64)
def wire_heap(heights: tuple[int, ...], width: int) -> Wiring:
    """Compress a bit heap with ``heights`` bits per column to two numbers modulo 2**``width``.

    The inputs are the bits, lowest column first; ``outputs`` are the two numbers. At most two rows
    lie between registers, and one more row of ATOMS may follow the last registers: an adder of the
    two numbers and a third one needs no register in front.
    """
    columns = [column for column, count in enumerate(heights) for _ in range(count)]
    terms = tuple(Term(at, shift=column) for at, column in enumerate(columns))
    wirer = _Wirer(AdderGraph(len(terms), (), ()), DataType(1, signed=False), 2, 8)
    number = wirer.sum_of(terms)
    heap = wirer.compress(number.columns, width, 2)
    outputs = tuple(
        tuple(heap[c][at] if len(heap.get(c, ())) > at else None for c in range(width))
        for at in range(2)
    )
    nothing = np.zeros(0, dtype=np.int64)
    return Wiring(
        wirer.source, len(terms), tuple(wirer.rows), outputs, Sums(nothing, nothing), followed=True
    )


class _Wirer:
    def __init__(
        self,
        graph: AdderGraph,
        source: DataType,
        limit: int | None,
        registers: int | None,
        row_luts: RowLuts = one_lut_per_column,
    ) -> None:
        self.graph = graph
        self.source = source
        self.limit = limit
        self.registers = registers
        self.row_luts = row_luts
        self.heaps = 0
        self.rows: list[WiredRow] = []
        self.wires = graph.inputs * source.bits
        self.ready: dict[int, int] = {}
        top = source.bits - 1
        self.numbers = [
            _Number(
                {
                    b: [Bit(k * source.bits + b, source.signed and b == top)]
                    for b in range(source.bits)
                },
                -(1 << top) if source.signed else 0,
            )
            for k in range(graph.inputs)
        ]

    def run(self) -> Wiring:
        """Compress the nodes, then the elements of y."""
        for terms in self.graph.nodes:
            number = self.sum_of(terms)
            self.numbers.append(_Number(self.compress(number.columns, None), number.offset))
        matrix = self.graph.matrix()
        positive, negative = np.maximum(matrix, 0).sum(axis=1), np.maximum(-matrix, 0).sum(axis=1)
        highest = positive * self.source.maximum - negative * self.source.minimum
        outputs, corrections = [], []
        made: dict[Sum, tuple[Bit | None, ...]] = {}  # equal rows are built once
        for terms, high in zip(self.graph.rows, highest.tolist(), strict=True):
            number = self.sum_of(terms)
            width = (high - number.offset).bit_length()
            if terms not in made:
                heap = self.compress(number.columns, width)
                made[terms] = tuple(heap[c][0] if heap.get(c) else None for c in range(width))
            outputs.append(made[terms])
            corrections.append(-number.offset)
        offsets = np.array(corrections, dtype=np.int64)
        sums = Sums(offsets, highest + offsets)
        return Wiring(self.source, self.graph.inputs, tuple(self.rows), tuple(outputs), sums)

    def sum_of(self, terms: Sum) -> _Number:
        total = _Number(defaultdict(list), 0)
        for term in terms:
            number = self.numbers[term.source].times(term.weight)
            for column, bits in number.columns.items():
                total.columns[column] += bits
            total.offset += number.offset
        return total

    def compress(
        self, columns: dict[int, list[Bit]], width: int | None, numbers: int = 1
    ) -> dict[int, list[Bit]]:
        """Add the compressor rows of one heap; return its remaining bits by column."""
        size = max(columns, default=-1) + 1 if width is None else width
        heights = tuple(len(columns.get(c, ())) for c in range(size))
        heap = {c: [(0, bit) for bit in columns.get(c, ())] for c in range(size)}
        first = max(
            (self.ready.get(bit.wire, 0) for bits in heap.values() for _, bit in bits), default=0
        )
        later: list[tuple[int, Bit]] = []
        stage = 0
        self.heaps += 1
        for shape in compress(heights, width, self.limit, self.registers, numbers, self.row_luts):
            if shape.stage > stage:
                stage = shape.stage
                heap = {c: [(0, bit) for _, bit in bits] for c, bits in heap.items()}
                _join(heap, later, 0)
                later = []
            depth, row = self._row(shape, heap, first)
            left = [(shape.column + at, wire) for at, wire in enumerate(row.sums)]
            above = shape.column + len(shape.taken)
            left += [(above, wire) for wire in row.outputs[len(row.sums) :]]
            bits = [(c, Bit(wire)) for c, wire in left]
            if shape.kind is RowKind.TERNARY:
                later += bits
            else:
                _join(heap, bits, depth + 1)
        _join(heap, later, 0)
        return {c: [bit for _, bit in bits] for c, bits in heap.items()}

    def _row(
        self, shape: HeapRow, heap: dict[int, list[tuple[int, Bit]]], first: int
    ) -> tuple[int, WiredRow]:
        """Take a row's operands out of the heap and number its output wires."""
        plain_last = 4 if shape.kind is RowKind.TERNARY else 6
        operands, depth = [], 0
        for at, count in enumerate(shape.taken):
            column = shape.column + at
            picky = count == plain_last and (at == 0 or shape.kind is RowKind.ATOMS)
            bits = sorted(
                heap.get(column, []), key=lambda item: (item[0], item[1].inverted == picky)
            )
            heap[column] = bits[count:]
            depth = max([depth, *(level for level, _ in bits[:count])])
            chosen = [bit for _, bit in bits[:count]]
            operands.append(tuple(sorted(chosen, key=lambda bit: not bit.inverted)))
        sums = tuple(range(self.wires, self.wires + len(shape.taken)))
        self.wires += len(sums)
        save = carry = None
        if shape.carries:
            carry, self.wires = self.wires, self.wires + 1
        if shape.carries > 1:
            save, self.wires = self.wires, self.wires + 1
        row = WiredRow(shape, first + shape.stage, self.heaps, tuple(operands), sums, save, carry)
        self.rows.append(row)
        self.ready.update(dict.fromkeys(row.outputs, row.ready))
        return depth, row


def _join(
    heap: dict[int, list[tuple[int, Bit]]], bits: Iterable[tuple[int, Bit]], depth: int
) -> None:
    for column, bit in bits:
        heap.setdefault(column, []).append((depth, bit))
