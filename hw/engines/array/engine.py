"""The ``array`` engine: PE x SIMD add/subtract lanes, weights streamed from a ROM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from amaranth import *
from amaranth.lib import memory, wiring

from tritforge.export.artifacts.packing import Packing
from tritforge.export.artifacts.rom import RomImage, weight_rom
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import MatrixNode, Trits
from tritforge.hw.engines.array.dot import DotComponent, DotShape
from tritforge.hw.engines.array.ternary_dot import TernaryShape, dot_shape
from tritforge.hw.matrix.offset_binary import Sums
from tritforge.hw.stream.counter import modulo_counter
from tritforge.hw.stream.event_graph import Channel, EventGraph
from tritforge.hw.stream.rom import Rom, trit_codes
from tritforge.hw.stream.unit import (
    Beats,
    Unit,
    UnitComponent,
    below,
    can_accept,
    name_ports,
    output_register,
)
from tritforge.hw.targets.memory import MemoryStyle
from tritforge.hw.targets.operators import lane_bits

__all__ = ["MacArray", "MacArrayUnit"]


@dataclass(frozen=True, kw_only=True)
class MacArrayUnit(Unit):
    """sum'[row] of each plane of ``node`` for each vector, in offset binary.

    See tritforge.hw.matrix.offset_binary.

    A vector of K elements arrives as K/simd beats and is buffered for J * M/pe passes over it; each
    pass puts one beat of ``pe`` sums, the planes of ``pe`` rows in sequence. Interval J * (M/pe) *
    (K/simd) cycles per vector. Latency from the last beat of a pass to its sums: dot.stages + 2
    cycles, with more than one pass dot.stages + 3. Cost: pe * simd lanes, the weight ROM and a
    buffer of one vector.

    A grouped convolution with G groups is G products of M/G rows, each with a vector of K elements
    of C/G channels. If ``pe`` exceeds M/G, pe/(M/G) groups are computed in parallel: a beat carries
    ``simd`` elements of each group, the channels side by side as in the image, and each row reads
    its group's.

    Parameters
    ----------
    name : instance name.
    node : the layer.
    source : type of the input elements.
    vectors : output pixels per frame.
    pe, simd : rows and columns in parallel; simd divides K, pe divides M/G, or M and is a multiple
        of M/G.
    packing : layout of the weight words.
    memory : block RAM, LUTs, or the choice of synthesis for the weight ROM.
    split : words of the lower of two weight ROMs, a power of two; None for a single one.
    """

    name:    str
    node:    MatrixNode
    source:  DataType
    vectors: int
    pe:      int
    simd:    int
    packing: Packing
    memory:  MemoryStyle = MemoryStyle.AUTO
    split:   int | None  = None

    @cached_property
    def planes(self) -> Trits:
        """Weights, [J, M, K]."""
        return self.node.plane_matrices()

    @property
    def groups(self) -> int:
        """Groups of the convolution; 1 for other layers."""
        return getattr(self.node, "groups", 1)

    @property
    def together(self) -> int:
        """Groups in parallel."""
        return max(1, self.pe * self.groups // self.planes.shape[1])

    @property
    def blocks(self) -> int:
        """Vectors per pixel."""
        return self.groups // self.together

    @cached_property
    def sums(self) -> Sums:
        """Offset binary sums over all planes (tritforge.hw.matrix.offset_binary)."""
        return Sums.of(self.planes, self.source, self.node.coefficients)

    @property
    def i(self) -> Beats:
        """together * simd elements of a vector."""
        return Beats(self.source, self.together * self.simd)

    @cached_property
    def o(self) -> Beats:
        """``pe`` sums of a plane."""
        bits = max(Sums.of(plane, self.source).dtype.bits for plane in self.planes)
        return Beats(DataType(bits, signed=False), self.pe)

    @property
    def dot(self) -> DotShape | TernaryShape:
        """Shape of a row: a DotShape or, for ternary inputs, a TernaryShape."""
        return dot_shape(self.simd, self.source, self.o.dtype.bits)

    @property
    def passes(self) -> int:
        """Passes over a vector: one for each plane of each ``pe`` rows."""
        return len(self.planes) * self.planes.shape[1] // self.pe // self.blocks

    @property
    def vector_beats(self) -> int:
        """Beats of a vector, K / simd."""
        return self.planes.shape[2] // self.simd

    @property
    def interval_cycles(self) -> int:
        """frame_beats * vector_beats."""
        return self.frame_beats * self.vector_beats

    @property
    def frame_beats(self) -> int:
        """vectors * blocks * passes."""
        return self.vectors * self.blocks * self.passes

    def elements(self, row: int) -> Sequence[int]:
        """Return the lanes of a beat that row ``row`` of the ``pe`` reads."""
        if self.together == 1:
            return range(self.simd)
        channels = self.node.planes.shape[2]                     # of a group
        group    = row * self.together // self.pe
        return [tap * self.together * channels + group * channels + channel
                for tap in range(self.simd // channels) for channel in range(channels)]

    @property
    def rom(self) -> RomImage:
        """The ROM image of the weights."""
        return weight_rom(self.node, self.pe, self.simd, self.packing)

    def schedule(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add a process that issues beats and one that accumulates them."""
        steps  = self.interval_cycles
        step   = np.arange(steps)
        take   = step[(step // self.vector_beats) % self.passes == 0]
        issued = graph.chain(f"{self.name}.issue", channel, steps, take, step)
        # fetch, and the sums
        summed = replace(issued, stages=(self.passes > 1) + self.dot.stages)
        total = graph.chain(
            f"{self.name}.accumulate",
            summed,
            steps,
            step,
            step[self.vector_beats - 1 :: self.vector_beats],
        )
        return replace(total, overwrites=total.put + 1)

    @property
    def rom_depth(self) -> int:
        """Words of the ROM."""
        return (
            len(self.planes)
            * (self.planes.shape[1] // self.pe)
            * (self.planes.shape[2] // self.simd)
        )

    def component(self) -> wiring.Component:
        """Return the :class:`MacArray`."""
        return MacArray(self)


class MacArray(UnitComponent):
    """The circuit of :class:`MacArrayUnit`: pipeline stages, each with its own valid.

    Latency and interval are those of the unit.

    issue       takes a beat of the vector into the buffer, or repeats a buffered one
    fetch       reads the beat from the buffer, and the weight word; a single pass has no buffer,
                and issue and fetch are one stage
    sum         the stages of :class:`tritforge.hw.engines.array.dot.Dot`: ``simd`` products a row
    accumulate  adds the sums of a pass in the output register; the last one makes it valid

    Members
    -------
    i : ``together`` * ``simd`` elements per beat, vector after vector.
    o : ``pe`` sums per beat, row 0 first.
    """

    unit: MacArrayUnit

    def elaborate(self, platform: object) -> Module:
        """Build the four parts of the pipeline, from issue to accumulate."""
        unit = self.unit
        m    = Module()
        m.submodules.weights = weights = Rom(unit.rom, style=unit.memory, split=unit.split)
        beat, first_pass, issue, issue_ready = self._issue(m)
        fetch, fetch_ready, flags, operand = self._fetch(m, beat, first_pass, issue, issue_ready)
        m.d.comb += weights.enable.eq(fetch)
        modulo_counter(m, weights.address, weights.image.depth, fetch)
        codes = trit_codes(m, weights.data, unit.pe * unit.simd, unit.packing)
        dots  = [unit.dot.component() for _ in range(unit.pe)]
        valid, ready, first, last, steps = self._sum(m, fetch, fetch_ready, flags)
        self._accumulate(m, dots, codes, operand, valid, ready, first, last, steps)
        return m

    def _issue(self, m: Module) -> tuple[Signal, Value, Signal, Signal]:
        """Issue a beat; return its number, whether its pass is the first, issue and ready."""
        unit        = self.unit
        beat        = Signal(below(unit.vector_beats))
        group       = Signal(below(unit.passes))
        first_pass  = group == 0
        issue       = Signal()
        issue_ready = Signal()
        m.d.comb += [
            issue.eq((~first_pass | self.i.valid) & issue_ready),
            self.i.ready.eq(first_pass & issue_ready),
        ]
        modulo_counter(m, group, unit.passes, modulo_counter(m, beat, unit.vector_beats, issue))
        return beat, first_pass, issue, issue_ready

    def _fetch(self, m: Module, beat: Signal, first_pass: Value, issue: Signal,
               issue_ready: Signal) -> tuple[Signal, Signal, tuple[Signal, Signal], Signal]:
        """Fetch the beat; return fetch, ready, the flags (first, last of a pass), the beat."""
        unit        = self.unit
        fetch       = Signal()
        fetch_ready = Signal()
        starts      = Signal()                           # of the fetched beat: the first of a pass,
        ends        = Signal()                           # the last of a pass
        operand     = Signal.like(self.i.payload)        # the beat, in the next stage
        single      = unit.vector_beats == 1  # a pass of one beat needs no flags
        place = [] if single else [starts.eq(beat == 0), ends.eq(beat == unit.vector_beats - 1)]
        if unit.passes == 1:
            m.d.comb += [fetch.eq(issue), issue_ready.eq(fetch_ready), *place]
            with m.If(fetch):
                m.d.sync += operand.eq(self.i.payload)
        else:
            m.submodules.vector = vector = memory.Memory(
                shape=unit.i.payload_bits, depth=max(2, unit.vector_beats), init=[])
            write  = vector.write_port()
            read   = vector.read_port()
            issued = Signal()
            m.d.comb += [
                write.addr.eq(beat), write.data.eq(self.i.payload), write.en.eq(issue & first_pass),
                read.en.eq(fetch), operand.eq(read.data),
                fetch.eq(issued & fetch_ready), issue_ready.eq(~issued | fetch_ready),
            ]
            with m.If(issue_ready):
                m.d.sync += issued.eq(issue)
            with m.If(issue):
                m.d.sync += [*place, read.addr.eq(beat)]
        return fetch, fetch_ready, (starts, ends), operand

    def _sum(
        self, m: Module, fetch: Signal, fetch_ready: Signal, flags: tuple[Signal, Signal],
    ) -> tuple[list[Signal], list[Signal], list[Value], list[Value], Signal]:
        """Build the handshake of the adder tree; return its signals by stage, and its steps."""
        stages = self.unit.dot.stages
        single = self.unit.vector_beats == 1
        valid: list[Signal] = [Signal(name=f"valid_{stage}") for stage in range(stages + 1)]
        ready: list[Signal] = [Signal(name=f"ready_{stage}") for stage in range(stages + 1)]
        first: list[Value]  = [Const(1) if single else Signal(name=f"first_{stage}")
                               for stage in range(stages + 1)]
        last:  list[Value]  = [Const(1) if single else Signal(name=f"last_{stage}")
                               for stage in range(stages + 1)]
        steps = Signal(max(1, stages))                   # Verilog has no signal of 0 bits
        m.d.comb += fetch_ready.eq(ready[0])
        with m.If(ready[0]):
            m.d.sync += valid[0].eq(fetch)
        if not single:
            starts, ends = flags
            with m.If(fetch):
                m.d.sync += [first[0].eq(starts), last[0].eq(ends)]
        for stage in range(stages):
            m.d.comb += [
                ready[stage].eq(~valid[stage] | ready[stage + 1]),
                steps[stage].eq(valid[stage] & ready[stage + 1]),
            ]
            with m.If(ready[stage + 1]):
                m.d.sync += valid[stage + 1].eq(valid[stage])
            if not single:
                with m.If(steps[stage]):
                    m.d.sync += [first[stage + 1].eq(first[stage]), last[stage + 1].eq(last[stage])]
        return valid, ready, first, last, steps

    def _accumulate(
        self, m: Module, dots: Sequence[DotComponent], codes: Sequence[Value], operand: Signal,
        valid: Sequence[Signal], ready: Sequence[Signal], first: Sequence[Value],
        last: Sequence[Value], steps: Signal,
    ) -> None:
        """Connect the rows; accumulate their sums in the output register."""
        unit       = self.unit
        accumulate = Signal()
        m.d.comb += [
            accumulate.eq(valid[-1] & can_accept(self.o)),
            ready[-1].eq(~valid[-1] | accumulate),
        ]
        with m.If(accumulate):
            m.d.sync += self.o.payload.eq(Cat(dot.total for dot in dots))
        view   = unit.i.view(operand)
        values = [lane_bits(view[lane], unit.source) for lane in range(unit.i.lanes)]
        for row, dot in enumerate(dots):
            m.submodules[f"dot_{row}"] = dot
            name_ports(f"dot_{row}", dot)
            m.d.comb += [
                dot.values.eq(Cat(values[lane] for lane in unit.elements(row))),
                dot.codes.eq(Cat(codes[row * unit.simd:(row + 1) * unit.simd])),
                dot.steps.eq(steps),
                dot.so_far.eq(self.o.payload.word_select(row, unit.dot.width)),
                dot.clear.eq(first[-1]),
            ]
        output_register(m, self.o, accumulate & last[-1])
