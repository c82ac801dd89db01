"""The ``skip`` engine for a convolution: the lanes are the pixels of an output row."""

from functools import cached_property

import numpy as np
from amaranth import *
from amaranth.lib import memory

from tritforge.hw.engines.skip.engine import SkipArray, SkipUnit
from tritforge.hw.layers.window import SlidingWindowUnit
from tritforge.hw.stream.counter import modulo_counter
from tritforge.hw.stream.event_graph import Channel, continued
from tritforge.hw.stream.unit import below
from tritforge.hw.targets.operators import lane_bits

__all__ = ["SkipConvolution", "SkipConvolutionUnit"]


class SkipConvolutionUnit(SkipUnit):
    """sum'[plane, row] of every pixel of an output row: one nonzero a lane and cycle, the same for all pixels.

    A word of a lane's memory is one channel of a whole input row. It is read at the row and channel of the nonzero, and
    each pixel picks its element by the kernel's column; outside the image that is 0. The memory is a ring of input
    rows, as in tritforge.hw.layers.window: the next rows arrive while an output row is computed.
    """

    @cached_property
    def window(self):
        """Which input rows an output row needs and leaves behind (tritforge.hw.layers.window)."""
        node = self.node
        return SlidingWindowUnit(name="window", tensor=self.source, kernel=node.kernel, stride=node.stride, padding=node.padding,
                      dilation=node.dilation, lanes=self.program.banks)

    @property
    def pixels(self):
        return self.window.output_size[1]

    @property
    def output_rows(self):
        return self.window.output_size[0]

    @property
    def kernel(self):
        return self.node.kernel

    @property
    def dilation(self):
        return self.node.dilation

    @property
    def selects(self):
        return self.kernel[1] > 1 or self.node.padding != (0, 0)

    @property
    def interval_cycles(self):
        return max(self.source.height * self.window.row_beats, self.output_rows * self.program.cycles)

    def operands(self, graph, channel):
        window  = self.window
        cycles  = self.program.cycles
        height  = self.source.height
        write   = graph.process(f"{self.name}.write", height * window.row_beats)
        graph.take(channel, write, np.arange(write.steps))
        issue   = graph.process(f"{self.name}.issue", self.output_rows * cycles)
        needs   = np.array([window.rows_until(oy) for oy in range(self.output_rows)])              # input rows
        issue.wait(write, needs * window.row_beats - 1, 1, at=np.arange(self.output_rows) * cycles)
        read    = graph.chain(f"{self.name}.read", Channel(issue, np.arange(issue.steps)), self.output_rows * cycles,
                              range(self.output_rows * cycles), range(self.output_rows * cycles))

        free = continued(window.left_by(cycles), issue.steps, np.arange(height) - window.rows)
        write.wait(read.producer, free, 1, at=np.arange(height) * window.row_beats)
        return read

    @property
    def inside(self):
        """For each output row the offsets from the kernel's first row that are inside the image: (from, to)."""
        first_y = [at * self.window.stride[0] - self.window.padding[0] for at in range(self.output_rows)]
        return ([max(0, -y) * self.pixel_beats for y in first_y],
                [min(self.window.extent[0], self.source.height - y) * self.pixel_beats for y in first_y])

    def component(self):
        return SkipConvolution(self)


class SkipConvolution(SkipArray):
    """The circuit of :class:`SkipConvolutionUnit`."""

    def feed(self, m, rom, valid, ready, read):
        unit   = self.unit
        window = unit.window
        beats  = unit.pixel_beats
        width  = unit.source.width
        height = unit.output_rows
        depth  = window.rows * beats
        cycles = unit.program.cycles

        def around(name, address, ahead):
            """``address`` + ``ahead`` (0 to depth) around the ring of rows."""
            total = Signal(below(2 * depth + 1), name=name)
            m.d.comb += total.eq(address + ahead)
            return Mux(total >= depth, total - depth, total)

        # Writing: one row behind the other around the ring, while a row is free.
        beat        = Signal(below(beats))
        column      = Signal(below(width))
        row         = Signal(below(depth))               # address of the row that is written
        held        = Signal(below(window.rows + 1))     # whole rows that some output row still reads
        row_arrives = Signal()
        row_leaves  = Signal(below(window.rows + 1))
        taken       = Signal()
        beat_last, column_last = beat == beats - 1, column == width - 1
        m.d.comb += [
            self.i.ready.eq(held < window.rows),
            taken.eq(self.i.valid & self.i.ready),
            row_arrives.eq(taken & beat_last & column_last),
        ]
        m.d.sync += held.eq(held + row_arrives - row_leaves)
        modulo_counter(m, column, width, modulo_counter(m, beat, beats, taken))
        with m.If(row_arrives):
            m.d.sync += row.eq(around("row_ahead", row, beats))

        # Issuing: the program once for every output row, as soon as the input rows it reads are whole.
        oy      = Signal(below(height))
        step    = Signal(below(cycles))
        arrived = Signal(below(window.rows + 1))         # whole rows that output row oy or a later one reads
        need    = Signal(below(window.rows + 1))
        leaves  = Signal(below(window.rows + 1))
        leaving = Signal(below(window.rows + 1))
        issue   = Signal()
        oy_last, step_last = oy == height - 1, step == cycles - 1
        _choose(m, oy, need, [window.needs(at) for at in range(height)])
        _choose(m, oy, leaves, [window.releases(at) for at in range(height)])
        m.d.comb += [
            issue.eq((arrived >= need) & ready),
            rom.address.eq(step), rom.enable.eq(issue),
            leaving.eq(Mux(issue & step_last, leaves, 0)),
        ]
        m.d.sync += arrived.eq(arrived + row_arrives - leaving)
        with m.If(ready):
            m.d.sync += valid.eq(issue)
        modulo_counter(m, oy, height, modulo_counter(m, step, cycles, issue))

        # Reading: at the kernel's first row, which may lie above the image, plus the nonzero's offset.
        first_y     = [at * window.stride[0] - window.padding[0] for at in range(height)]
        start       = first_y[0] % window.rows * beats
        ahead       = window.stride[0] % window.rows * beats
        behind      = (unit.source.height - first_y[-1] + first_y[0]) % window.rows * beats        # to the next frame
        base        = Signal(below(depth), init=start)   # of the output row that is issued,
        read_base   = Signal(below(depth))               # and of the one that is read
        read_leaves = Signal.like(leaves)
        m.d.comb += row_leaves.eq(Mux(read, read_leaves, 0))
        with m.If(issue):
            m.d.sync += [read_base.eq(base), read_leaves.eq(leaving)]
            with m.If(step_last):
                m.d.sync += base.eq(Mux(oy_last, around("base_behind", base, behind), around("base_ahead", base, ahead)))
        inside = [Signal(below(window.extent[0] * beats + 1), name=name) for name in ("inside_from", "inside_to")]
        if window.padding[0]:                            # offsets inside the image
            for limit, values in zip(inside, unit.inside, strict=True):
                following = Signal.like(limit, name=f"{limit.name}_next")
                _choose(m, oy, following, values)
                with m.If(issue):
                    m.d.sync += limit.eq(following)

        lanes = []
        bits  = unit.source.dtype.bits
        attrs = {"ram_style": "block"} if depth > unit.lut_words else {}
        for pe in range(unit.program.pe):
            lanes.append([])
            for lane in range(unit.program.entries):
                entry  = rom.data.word_select(pe * unit.program.entries + lane, unit.entry_bits)
                offset = entry[2 + unit.shift_bits:]
                store  = memory.Memory(shape=width * bits, depth=max(2, depth), init=[], attrs=attrs)
                m.submodules[f"rows_{pe}_{lane}"] = store
                into, out = store.write_port(granularity=bits), store.read_port()
                choice    = Signal(range(unit.kernel[1] + 1), name=f"choice_{pe}_{lane}")
                m.d.comb += [
                    into.addr.eq(row + beat), into.en.eq(Mux(taken, 1 << column, 0)),
                    into.data.eq(self.i.payload.word_select(lane // unit.program.ports, bits).replicate(width)),
                    out.addr.eq(around(f"address_{pe}_{lane}", read_base, offset)), out.en.eq(read),
                ]
                within = (offset >= inside[0]) & (offset < inside[1]) if window.padding[0] else Const(1)
                with m.If(read):
                    m.d.sync += choice.eq(Mux(within, entry[2:2 + unit.shift_bits], unit.kernel[1]))
                lanes[-1].append((out.data, choice))
        return Const(1), lanes

    def operand(self, m, name, lane, pixel, select):
        unit   = self.unit
        window = unit.window
        bits   = unit.source.dtype.bits
        word, choice = lane

        def element(x):
            return word.word_select(x, bits)

        if not unit.selects:
            return lane_bits(element(pixel * window.stride[1]), unit.source.dtype)
        value    = Signal(bits, name=f"{name}_chosen")        # 0 where nothing is chosen
        register = Signal(bits, name=name)
        with m.Switch(choice):
            for kx in range(unit.kernel[1]):
                x = pixel * window.stride[1] + kx * unit.dilation[1] - window.padding[1]
                if 0 <= x < unit.source.width:
                    with m.Case(kx):
                        m.d.comb += value.eq(element(x))
        with m.If(select):
            m.d.sync += register.eq(lane_bits(value, unit.source.dtype))
        return register


def _choose(m, oy, signal, values):
    """Drive ``signal`` by its value for output row ``oy``; only rows at the edges of the image differ from most."""
    common = max(sorted(set(values)), key=values.count)
    m.d.comb += signal.eq(common)
    for at, value in enumerate(values):
        if value != common:
            with m.If(oy == at):
                m.d.comb += signal.eq(value)
