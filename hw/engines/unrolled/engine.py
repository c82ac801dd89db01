"""The ``unrolled`` engine: the matrix is an adder graph in logic; a new vector every cycle."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from amaranth import *
from amaranth.lib.wiring import In, Out

from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import MatrixNode
from tritforge.hw.matrix.adder_graph import AdderGraph
from tritforge.hw.matrix.bit_heap import RowKind, RowLuts, one_lut_per_column
from tritforge.hw.matrix.compressor import Wiring, wire
from tritforge.hw.matrix.cse import CseOptions, share
from tritforge.hw.stream.event_graph import Channel, EventGraph
from tritforge.hw.stream.shared import SharedComponent
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, name_ports
from tritforge.hw.targets.rows import rows

__all__ = ["MatrixBlock", "MatrixLogic", "MatrixLogicUnit", "instantiate"]


@dataclass(frozen=True, kw_only=True)
class MatrixLogicUnit(Unit):
    """sum'[row] = y[row] + correction[row] for each vector, unsigned, with y = W x.

    W is the matrix of ``node``, all planes and coefficients combined. Latency ``wiring.stages``
    cycles, interval 1 cycle per vector. Cost: ``wiring.luts`` LUTs; zeros cost nothing.

    Parameters
    ----------
    name : instance name.
    node : the layer.
    source : type of the input elements.
    vectors : vectors per frame (output pixels).
    search : options of common subexpression elimination (tritforge.hw.matrix.cse).
    rows_per_stage : most compressor rows cascaded between registers; None for no limit: a stage for
        each depth of shared sums and one for the outputs.
    registers : flip-flops that cost as much as one LUT (tritforge.hw.matrix.bit_heap); None if they
        are free.
    row_luts : LUTs of a compressor row in the target, so that the cheapest rows are chosen.
    """

    name:           str
    node:           MatrixNode
    source:         DataType
    vectors:        int
    search:         CseOptions     = field(default_factory=CseOptions)
    rows_per_stage: int | None = None
    registers:      int | None = None
    row_luts:       RowLuts    = one_lut_per_column

    @cached_property
    def graph(self) -> AdderGraph:
        """The adder graph of W."""
        # [M, K]
        matrix = np.tensordot(
            self.node.coefficients, self.node.block_matrices().astype(np.int64), axes=1
        )
        return share(matrix, self.source.bits, self.search)

    @cached_property
    def wiring(self) -> Wiring:
        """The compressor rows of the adder graph."""
        return wire(self.graph, self.source, self.rows_per_stage, self.registers, self.row_luts)

    @property
    def i(self) -> Beats:
        """A whole vector."""
        return Beats(self.source, self.graph.inputs)

    @property
    def o(self) -> Beats:
        """All sums of a vector."""
        return Beats(self.wiring.sums.dtype, len(self.graph.rows))

    @property
    def interval_cycles(self) -> int:
        """One cycle per vector."""
        return self.vectors

    @property
    def frame_beats(self) -> int:
        """One beat per vector."""
        return self.vectors

    def schedule(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add one process per pipeline stage."""
        beats = range(self.vectors)
        for stage in range(self.wiring.stages):
            channel = graph.chain(f"{self.name}.stage_{stage}", channel, self.vectors, beats, beats)
        assert channel is not None           # there is a stage at least
        return channel

    def component(self) -> MatrixLogic:
        """Return the :class:`MatrixLogic`."""
        return MatrixLogic(self)


class MatrixLogic(UnitComponent):
    """The circuit of :class:`MatrixLogicUnit`: pipeline stages of compressor rows.

    Each stage has its own valid. Latency ``wiring.stages``, interval 1 cycle per vector.

    Members
    -------
    i : one vector per beat.
    o : all sums of a vector per beat, row 0 first.
    """

    unit: MatrixLogicUnit

    def elaborate(self, platform: object) -> Module:
        """The handshake of the stages, their rows and registers, and the output bits."""
        m      = Module()
        wiring = self.unit.wiring

        valid = [
            self.i.valid,
            *(Signal(name=f"valid_{stage}") for stage in range(1, wiring.stages)),
            self.o.valid,
        ]
        ready = [
            self.i.ready,
            *(Signal(name=f"ready_{stage}") for stage in range(1, wiring.stages)),
        ]
        for stage, downstream in enumerate([*ready[1:], self.o.ready]):
            m.d.comb += ready[stage].eq(~valid[stage + 1] | downstream)
            with m.If(ready[stage]):
                m.d.sync += valid[stage + 1].eq(valid[stage])

        # of each wire that is there in this stage
        bits = dict(enumerate(self.i.payload))
        for stage, (wires, blocks) in enumerate(zip(wiring.registers, wiring.blocks, strict=True)):
            made = {}                                        # there in the next stage
            for number, block in enumerate(blocks):
                if len(blocks) == 1:
                    made |= instantiate(m, platform, wiring, block, bits)
                    continue
                part = MatrixBlock(wiring, block, wires)
                m.submodules[f"block_{stage}_{number}"] = part
                name_ports(f"block_{stage}_{number}", part)
                m.d.comb += part.reads.eq(Cat(bits[wire] for wire in part.read_wires))
                made |= dict(zip(part.made_wires, part.made, strict=True))
            register = Signal(len(wires), name=f"stage_{stage + 1}", reset_less=True)
            with m.If(ready[stage]):
                m.d.sync += register.eq(
                    Cat(made[wire] if wire in made else bits[wire] for wire in wires)
                )
            bits = dict(zip(wires, register, strict=True))

        for number, output in enumerate(wiring.outputs):
            lane = self.o.payload.word_select(number, wiring.sums.dtype.bits)
            m.d.comb += lane.eq(
                Cat(
                    Const(0, 1)
                    if bit is None
                    else ~bits[bit.wire]
                    if bit.inverted
                    else bits[bit.wire]
                    for bit in output
                )
            )
        return m


class MatrixBlock(SharedComponent):
    """Combinational compressor rows of one stage, as a module of its own in a large matrix.

    Parameters
    ----------
    wiring : the Wiring.
    block : numbers of the rows; they read registers or rows of this block.
    wanted : wires that a later stage reads.

    Members
    -------
    reads : bits of ``read_wires``.
    made : bits of ``made_wires``, valid in the same cycle; the caller registers them.
    """

    reads: Signal
    made: Signal

    clocked = False

    def __init__(self, wiring: Wiring, block: tuple[int, ...], wanted: Sequence[int]) -> None:
        self._arguments = wiring, block, wanted
        rows  = [wiring.rows[number] for number in block]
        made  = {wire for row in rows for wire in row.outputs}
        reads = {bit.wire for row in rows for column in row.operands for bit in column}
        self.read_wires = sorted(reads - made)
        self.made_wires = sorted(made & set(wanted))
        content = repr((block, [(row.shape, row.operands) for row in rows])).encode()
        super().__init__({"reads": In(len(self.read_wires)), "made": Out(len(self.made_wires))},
                         block[0], int(hashlib.sha256(content).hexdigest()[:16], 16))

    def again(self) -> SharedComponent:
        """Return another component with the same rows."""
        return MatrixBlock(*self._arguments)

    def circuit(self, platform: object) -> Module:
        """The rows of the block."""
        m    = Module()
        bits = dict(zip(self.read_wires, self.reads, strict=True))
        made = instantiate(m, platform, *self._arguments[:2], bits)
        m.d.comb += self.made.eq(Cat(made[wire] for wire in self.made_wires))
        return m


def instantiate(
    m: Module, platform: object, wiring: Wiring, block: Sequence[int], bits: Mapping[int, Value]
) -> dict[int, Value]:
    """Add the rows of ``block`` to ``m``; return the bits of all wires that they drive.

    ``bits``: of each wire that is available.
    """
    row  = rows(m, platform)
    bits = dict(bits)
    made = {}
    for number in block:
        wired    = wiring.rows[number]
        ternary  = wired.shape.kind is RowKind.TERNARY
        operands = [[(bits[bit.wire], bit.inverted) for bit in column] for column in wired.operands]
        sums, save, carry = (row.ternary_row if ternary else row.atoms_row)(
            f"row_{number}", operands, top=wired.shape.top
        )
        outputs = [
            *sums,
            *(() if carry is None else (carry,)),
            *(() if wired.save is None else (save,)),
        ]
        if not ternary:
            comb = Signal(len(outputs), name=f"row_{number}")
            m.d.comb += comb.eq(Cat(*outputs))
            outputs = list(comb)
            bits |= zip(wired.outputs, outputs, strict=True)
        made |= zip(wired.outputs, outputs, strict=True)
    return made
