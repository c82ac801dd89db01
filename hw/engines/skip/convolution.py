"""The ``skip`` engine for a convolution: the lanes are the pixels of an output row."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from amaranth import *
from amaranth.lib import memory, wiring

from tritforge.export.ir.nodes import Convolution
from tritforge.hw.engines.skip.engine import SkipArray, SkipUnit
from tritforge.hw.layers.window import SlidingWindowUnit
from tritforge.hw.stream.counter import modulo_counter, ring_address
from tritforge.hw.stream.event_graph import Channel, EventGraph, continued
from tritforge.hw.stream.rom import Rom
from tritforge.hw.stream.unit import below
from tritforge.hw.targets.operators import lane_bits

__all__ = ["SkipConvolution", "SkipConvolutionUnit"]


class SkipConvolutionUnit(SkipUnit):
    """sum'[plane, row] of every pixel of an output row, one nonzero per lane and cycle.

    All pixels execute the same nonzero. A word of a lane's memory is one channel of a whole input
    row. It is read at the row and channel of the nonzero, and each pixel selects its element by the
    kernel column; outside the image that is 0. The memory is a ring of input rows, as in
    tritforge.hw.layers.window: the next rows arrive while an output row is computed. Interval: the
    larger of input beats and output_rows * program.cycles, per frame.
    """

    node: Convolution

    @cached_property
    def window(self) -> SlidingWindowUnit:
        """Input rows that an output row needs and releases (tritforge.hw.layers.window)."""
        node = self.node
        return SlidingWindowUnit(
            name="window",
            tensor=self.source,
            kernel=node.kernel,
            stride=node.stride,
            padding=node.padding,
            dilation=node.dilation,
            lanes=self.program.banks,
        )

    @property
    def pixels(self) -> int:
        """Pixels of an output row."""
        return self.window.output_size[1]

    @property
    def output_rows(self) -> int:
        """Output rows per frame."""
        return self.window.output_size[0]

    @property
    def kernel(self) -> tuple[int, int]:
        """Kernel (height, width)."""
        return self.node.kernel

    @property
    def dilation(self) -> tuple[int, int]:
        """Dilation (vertical, horizontal)."""
        return self.node.dilation

    @property
    def selects(self) -> bool:
        """Whether pixels choose among several columns."""
        return self.kernel[1] > 1 or self.node.padding != (0, 0)

    @property
    def interval_cycles(self) -> int:
        """The larger of input beats and output_rows * program.cycles."""
        return max(
            self.source.height * self.window.row_beats, self.output_rows * self.program.cycles
        )

    def operands(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add the processes that write input rows, issue the program, and read the memories."""
        window  = self.window
        cycles  = self.program.cycles
        height  = self.source.height
        write   = graph.process(f"{self.name}.write", height * window.row_beats)
        graph.take(channel, write, np.arange(write.steps))
        issue   = graph.process(f"{self.name}.issue", self.output_rows * cycles)
        # input rows
        needs   = np.array([window.rows_until(oy) for oy in range(self.output_rows)])
        issue.wait(write, needs * window.row_beats - 1, 1, at=np.arange(self.output_rows) * cycles)
        read = graph.chain(
            f"{self.name}.read",
            Channel(issue, np.arange(issue.steps)),
            self.output_rows * cycles,
            range(self.output_rows * cycles),
            range(self.output_rows * cycles),
        )

        free = continued(window.left_by(cycles), issue.steps, np.arange(height) - window.rows)
        write.wait(read.producer, free, 1, at=np.arange(height) * window.row_beats)
        return read

    @property
    def inside(self) -> tuple[list[int], list[int]]:
        """Offsets inside the image, from the kernel's first row, by output row: (from, to)."""
        first_y = [
            at * self.window.stride[0] - self.window.padding[0] for at in range(self.output_rows)
        ]
        return (
            [max(0, -y) * self.pixel_beats for y in first_y],
            [
                min(self.window.extent[0], self.source.height - y) * self.pixel_beats
                for y in first_y
            ],
        )

    def component(self) -> wiring.Component:
        """Return the :class:`SkipConvolution`."""
        return SkipConvolution(self)


class SkipConvolution(SkipArray):
    """The circuit of :class:`SkipConvolutionUnit`.

    Latency, interval and members as of :class:`tritforge.hw.engines.skip.engine.SkipArray`.
    """

    unit: SkipConvolutionUnit

    def feed(
        self, m: Module, rom: Rom, valid: Signal, ready: Signal, read: Value,
    ) -> tuple[Value, list[list[Any]]]:
        """Write rows into the ring, issue the program per output row, read the lane memories."""
        beat, column, row, taken, row_arrives, row_leaves = self._write(m)
        oy, last, issue, leaves, leaving = self._issue(m, rom, valid, ready, row_arrives)
        base   = self._read_base(m, last, issue, leaves, leaving, row_leaves, read)
        inside = self._inside(m, oy, issue)
        return Const(1), self._lanes(m, rom, read, base, inside, beat, column, row, taken)

    def _write(self, m: Module) -> tuple[Signal, Signal, Signal, Signal, Signal, Signal]:
        """Write row after row around the ring, while a row is free."""
        unit        = self.unit
        window      = unit.window
        beats       = unit.pixel_beats
        beat        = Signal(below(beats))
        column      = Signal(below(unit.source.width))
        row         = Signal(below(window.rows * beats))  # address of the row being written
        # complete rows that some output row still reads
        held        = Signal(below(window.rows + 1))
        row_arrives = Signal()
        row_leaves  = Signal(below(window.rows + 1))
        taken       = Signal()
        beat_last, column_last = beat == beats - 1, column == unit.source.width - 1
        m.d.comb += [
            self.i.ready.eq(held < window.rows),
            taken.eq(self.i.valid & self.i.ready),
            row_arrives.eq(taken & beat_last & column_last),
        ]
        m.d.sync += held.eq(held + row_arrives - row_leaves)
        modulo_counter(m, column, unit.source.width, modulo_counter(m, beat, beats, taken))
        with m.If(row_arrives):
            m.d.sync += row.eq(ring_address(m, "row_ahead", row, beats, window.rows * beats))
        return beat, column, row, taken, row_arrives, row_leaves

    def _issue(
        self, m: Module, rom: Rom, valid: Signal, ready: Signal, row_arrives: Signal,
    ) -> tuple[Signal, tuple[Value, Value], Signal, Signal, Signal]:
        """Issue the program for each output row once its input rows are complete."""
        window  = self.unit.window
        height  = self.unit.output_rows
        cycles  = self.unit.program.cycles
        oy      = Signal(below(height))
        step    = Signal(below(cycles))
        # complete rows that output row oy or a later one reads
        arrived = Signal(below(window.rows + 1))
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
        return oy, (oy_last, step_last), issue, leaves, leaving

    def _read_base(
        self, m: Module, last: tuple[Value, Value], issue: Signal, leaves: Signal, leaving: Signal,
        row_leaves: Signal, read: Value,
    ) -> Signal:
        """Return the ring address of the kernel's first row, which may lie above the image."""
        unit        = self.unit
        window      = unit.window
        beats       = unit.pixel_beats
        depth       = window.rows * beats
        oy_last, step_last = last
        first_y     = [at * window.stride[0] - window.padding[0] for at in range(unit.output_rows)]
        ahead       = window.stride[0] % window.rows * beats
        # to the first output row of the next frame
        wrap        = (unit.source.height - first_y[-1] + first_y[0]) % window.rows * beats
        # of the output row being issued, and of the one being read
        base        = Signal(below(depth), init=first_y[0] % window.rows * beats)
        read_base   = Signal(below(depth))
        read_leaves = Signal.like(leaves)
        m.d.comb += row_leaves.eq(Mux(read, read_leaves, 0))
        with m.If(issue):
            m.d.sync += [read_base.eq(base), read_leaves.eq(leaving)]
            with m.If(step_last):
                m.d.sync += base.eq(Mux(oy_last, ring_address(m, "base_behind", base, wrap, depth),
                                        ring_address(m, "base_ahead", base, ahead, depth)))
        return read_base

    def _inside(self, m: Module, oy: Signal, issue: Signal) -> list[Signal]:
        """Return the limits of the offsets inside the image; they are driven only with padding."""
        unit   = self.unit
        window = unit.window
        inside = [Signal(below(window.extent[0] * unit.pixel_beats + 1), name=name)
                  for name in ("inside_from", "inside_to")]
        if window.padding[0]:
            for limit, values in zip(inside, unit.inside, strict=True):
                following = Signal.like(limit, name=f"{limit.name}_next")
                _choose(m, oy, following, values)
                with m.If(issue):
                    m.d.sync += limit.eq(following)
        return inside

    def _lanes(
        self, m: Module, rom: Rom, read: Value, base: Signal, inside: list[Signal], beat: Signal,
        column: Signal, row: Signal, taken: Signal,
    ) -> list[list[tuple[Value, Signal]]]:
        """Build the memory of each lane; return its word and the kernel column of its nonzero."""
        unit  = self.unit
        width = unit.source.width
        depth = unit.window.rows * unit.pixel_beats
        # a kernel may span more rows than the image and its ring have
        most  = unit.window.extent[0] * unit.pixel_beats - 1
        bits  = unit.source.dtype.bits
        attrs = {"ram_style": "block"} if depth > unit.lut_words else {}
        lanes: list[list[tuple[Value, Signal]]] = []
        for pe in range(unit.program.pe):
            lanes.append([])
            for lane in range(unit.program.entries):
                entry  = rom.data.word_select(pe * unit.program.entries + lane, unit.entry_bits)
                offset = entry[2 + unit.shift_bits:]
                store = memory.Memory(shape=width * bits, depth=max(2, depth), init=[], attrs=attrs)
                m.submodules[f"rows_{pe}_{lane}"] = store
                into, out = store.write_port(granularity=bits), store.read_port()
                choice    = Signal(range(unit.kernel[1] + 1), name=f"choice_{pe}_{lane}")
                element   = self.i.payload.word_select(lane // unit.program.ports, bits)
                m.d.comb += [
                    into.addr.eq(row + beat),
                    into.en.eq(Mux(taken, 1 << column, 0)),
                    into.data.eq(element.replicate(width)),
                    out.addr.eq(ring_address(m, f"address_{pe}_{lane}", base, offset, depth,
                                              most)),
                    out.en.eq(read),
                ]
                within: Value = Const(1)
                if unit.window.padding[0]:
                    within = (offset >= inside[0]) & (offset < inside[1])
                with m.If(read):
                    m.d.sync += choice.eq(Mux(within, entry[2:2 + unit.shift_bits], unit.kernel[1]))
                lanes[-1].append((out.data, choice))
        return lanes

    def operand(self, m: Module, name: str, lane: Any, pixel: int, select: Value) -> Value:
        """Select the element of ``pixel`` by the kernel column of the nonzero."""
        unit   = self.unit
        window = unit.window
        bits   = unit.source.dtype.bits
        word, choice = lane

        def element(x: int) -> Value:
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


def _choose(m: Module, oy: Value, signal: Signal, values: Sequence[int]) -> None:
    """Drive ``signal`` with its value for output row ``oy``; only rows at the edges differ."""
    common = max(sorted(set(values)), key=values.count)
    m.d.comb += signal.eq(common)
    for at, value in enumerate(values):
        if value != common:
            with m.If(oy == at):
                m.d.comb += signal.eq(value)
