"""The ``array`` engine: PE rows times SIMD columns of add/subtract lanes, weights streamed from a ROM."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from amaranth import *
from amaranth.lib import memory

from tritforge.export.artifacts.packing import Packing
from tritforge.export.artifacts.rom import weight_rom
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import MatrixNode
from tritforge.hw.engines.array.ternary_dot import dot_shape
from tritforge.hw.matrix.offset_binary import Sums
from tritforge.hw.stream.counter import modulo_counter
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
    """sum'[row] of each plane of ``node`` for each vector: y plus the row's correction (tritforge.hw.matrix.offset_binary), unsigned.

    A vector of K elements arrives as K/simd beats and is kept for the J * M/pe passes over it; each pass puts one
    beat of ``pe`` sums, the planes of ``pe`` rows one behind the other. J * (M/pe) * (K/simd) cycles a pixel,
    dot.stages + 2 cycles from the last beat of a pass to its sums, with more than one pass one more.

    A convolution of G groups is as many products, each of M/G rows and a vector of its own, K elements of C/G
    channels. Where ``pe`` exceeds M/G, pe/(M/G) groups are computed at a time: a beat carries ``simd`` elements of
    each, its channels side by side as the image has them, and every row takes those of its group.

    Parameters
    ----------
    name : instance name.
    node : the layer.
    source : type of the input elements.
    vectors : output pixels a frame.
    pe, simd : rows and columns at a time; simd divides K, pe divides M/G, or M and is a multiple of M/G.
    packing : layout of the weight words.
    memory : what the ROM of the weights is made of.
    split : words of the lower one of two memories that the ROM is made of (tritforge.hw.stream.rom.Rom), or None.
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
    def planes(self):
        """The weights [J, M, K]."""
        return self.node.plane_matrices()

    @property
    def groups(self):
        return getattr(self.node, "groups", 1)

    @property
    def least_luts(self):
        """PE * (ceil(SIMD / 2) * bits of an input for the first additions + bits of a sum for the last)."""
        return self.pe * (-(-self.simd // 2) * self.source.bits + self.o.dtype.bits)

    @property
    def together(self):
        """Groups at a time."""
        return max(1, self.pe * self.groups // self.planes.shape[1])

    @property
    def blocks(self):
        """Vectors of a pixel."""
        return self.groups // self.together

    @cached_property
    def sums(self):
        """What the planes add up to in place of y (tritforge.hw.matrix.offset_binary)."""
        return Sums.of(self.planes, self.source, self.node.coefficients)

    @property
    def i(self):
        return Beats(self.source, self.together * self.simd)

    @cached_property
    def o(self):
        bits = max(Sums.of(plane, self.source).dtype.bits for plane in self.planes)
        return Beats(DataType(bits, signed=False), self.pe)

    @property
    def dot(self):
        """What each row is made of (tritforge.hw.engines.array.dot, tritforge.hw.engines.array.ternary_dot)."""
        return dot_shape(self.simd, self.source, self.o.dtype.bits)

    @property
    def passes(self):
        """Times that a vector is read: for every plane of every ``pe`` rows."""
        return len(self.planes) * self.planes.shape[1] // self.pe // self.blocks

    @property
    def vector_beats(self):
        return self.planes.shape[2] // self.simd

    @property
    def interval_cycles(self):
        return self.frame_beats * self.vector_beats

    @property
    def frame_beats(self):
        return self.vectors * self.blocks * self.passes

    def elements(self, row):
        """Where in a beat the ``simd`` elements of ``row`` (of the ``pe``) are."""
        if self.together == 1:
            return range(self.simd)
        channels = self.node.planes.shape[2]                     # of a group
        group    = row * self.together // self.pe
        return [tap * self.together * channels + group * channels + channel
                for tap in range(self.simd // channels) for channel in range(channels)]

    @property
    def rom(self):
        """The weights as the engine reads them (tritforge.export.artifacts.rom.RomImage)."""
        return weight_rom(self.node, self.pe, self.simd, self.packing)

    def schedule(self, graph, channel):
        steps  = self.interval_cycles
        step   = np.arange(steps)
        take   = step[(step // self.vector_beats) % self.passes == 0]
        issued = graph.chain(f"{self.name}.issue", channel, steps, take, step)
        summed = replace(issued, stages=(self.passes > 1) + self.dot.stages)       # fetch, and the sums
        total  = graph.chain(f"{self.name}.accumulate", summed, steps, step, step[self.vector_beats - 1::self.vector_beats])
        return replace(total, overwrites=total.put + 1)

    @property
    def rom_depth(self):
        """Words of the ROM."""
        return len(self.planes) * (self.planes.shape[1] // self.pe) * (self.planes.shape[2] // self.simd)

    def component(self):
        return MacArray(self)


class MacArray(UnitComponent):
    """The circuit of :class:`MacArrayUnit`: registered stages, each with its own valid.

    issue       takes a beat of the vector into the buffer, or repeats one that is there
    fetch       reads the beat from the buffer, and the weight word; with a single pass there is no buffer, and
                issue and fetch are one stage
    sum         the stages of :class:`tritforge.hw.engines.array.dot.Dot`: ``simd`` ternary products a row, added
    accumulate  adds the sums of a pass; the last one puts the result, which waits in the accumulator itself

    Members
    -------
    i : beats of ``simd`` elements, a vector behind the other.
    o : beats of ``pe`` sums, row 0 first.
    """

    def elaborate(self, platform):
        unit = self.unit
        m    = Module()
        m.submodules.weights = weights = Rom(image := unit.rom, style=unit.memory, split=unit.split)

        # issue ----------------------------------------------------------------------------------------------------
        beat        = Signal(below(unit.vector_beats))
        group       = Signal(below(unit.passes))
        beat_last   = beat == unit.vector_beats - 1
        first_pass  = group == 0
        issue       = Signal()
        issue_ready = Signal()
        m.d.comb += [
            issue.eq((~first_pass | self.i.valid) & issue_ready),
            self.i.ready.eq(first_pass & issue_ready),
        ]
        modulo_counter(m, group, unit.passes, modulo_counter(m, beat, unit.vector_beats, issue))

        # fetch ----------------------------------------------------------------------------------------------------
        fetch       = Signal()
        fetch_ready = Signal()
        single      = unit.vector_beats == 1             # every beat is the first and the last of its pass
        starts      = Signal()                           # of the beat that is fetched: the first of a pass,
        ends        = Signal()                           # the last of a pass
        operand     = Signal.like(self.i.payload)        # the beat, in the stage behind
        place       = [] if single else [starts.eq(beat == 0), ends.eq(beat_last)]
        if unit.passes == 1:
            m.d.comb += [fetch.eq(issue), issue_ready.eq(fetch_ready), *place]
            with m.If(fetch):
                m.d.sync += operand.eq(self.i.payload)
        else:
            m.submodules.vector = vector = memory.Memory(shape=unit.i.payload_bits, depth=max(2, unit.vector_beats), init=[])
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
        m.d.comb += weights.enable.eq(fetch)
        modulo_counter(m, weights.address, image.depth, fetch)

        # sum ------------------------------------------------------------------------------------------------------
        codes = trit_codes(m, weights.data, unit.pe * unit.simd, unit.packing)
        dots  = [unit.dot.component() for _ in range(unit.pe)]
        valid = [Signal(name=f"valid_{stage}") for stage in range(unit.dot.stages + 1)]
        ready = [Signal(name=f"ready_{stage}") for stage in range(unit.dot.stages + 1)]
        first = [Const(1) if single else Signal(name=f"first_{stage}") for stage in range(unit.dot.stages + 1)]
        last  = [Const(1) if single else Signal(name=f"last_{stage}") for stage in range(unit.dot.stages + 1)]
        steps = Signal(max(1, unit.dot.stages))   # Verilog cannot write none
        m.d.comb += fetch_ready.eq(ready[0])
        with m.If(ready[0]):
            m.d.sync += valid[0].eq(fetch)
        if not single:
            with m.If(fetch):
                m.d.sync += [first[0].eq(starts), last[0].eq(ends)]
        for stage in range(unit.dot.stages):
            m.d.comb += [
                ready[stage].eq(~valid[stage] | ready[stage + 1]),
                steps[stage].eq(valid[stage] & ready[stage + 1]),
            ]
            with m.If(ready[stage + 1]):
                m.d.sync += valid[stage + 1].eq(valid[stage])
            if not single:
                with m.If(steps[stage]):
                    m.d.sync += [first[stage + 1].eq(first[stage]), last[stage + 1].eq(last[stage])]

        # accumulate -----------------------------------------------------------------------------------------------
        accumulate = Signal()
        m.d.comb += [
            accumulate.eq(valid[-1] & can_accept(self.o)),
            ready[-1].eq(~valid[-1] | accumulate),
        ]
        with m.If(accumulate):
            m.d.sync += self.o.payload.eq(Cat(dot.total for dot in dots))
        values = [lane_bits(unit.i.view(operand)[lane], unit.source) for lane in range(unit.i.lanes)]
        for row, dot in enumerate(dots):
            m.submodules[f"dot_{row}"] = dot
            name_ports(f"dot_{row}", dot)
            m.d.comb += [
                dot.values.eq(Cat(values[lane] for lane in unit.elements(row))), dot.codes.eq(Cat(codes[row * unit.simd:(row + 1) * unit.simd])),
                dot.steps.eq(steps), dot.so_far.eq(self.o.payload.word_select(row, unit.dot.width)), dot.clear.eq(first[-1]),
            ]
        output_register(m, self.o, accumulate & last[-1])
        return m
