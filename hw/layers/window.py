"""Sliding window: a stream of pixels becomes, for every output pixel, the vector its kernel sees."""

from dataclasses import dataclass

import numpy as np
from amaranth import *
from amaranth.lib import memory

from tritforge.export.ir import windows
from tritforge.export.ir.nodes import TensorType
from tritforge.hw.stream.counter import count, walk
from tritforge.hw.stream.event_graph import Channel, continued
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, below, can_accept, output_register

__all__ = ["SlidingWindow", "SlidingWindowUnit"]


@dataclass(frozen=True, kw_only=True)
class SlidingWindowUnit(Unit):
    """Vectors of ``kernel`` x channels in the order (block, ky, kx, channel), channel fastest; padding inserts 0.

    A ring of ``rows`` image rows is written and read at once. An output row starts when the rows it needs are
    complete; the rows it leaves behind are free when its last beat has been read. One beat a cycle on either side.

    Parameters
    ----------
    name : instance name.
    tensor : the input's type.
    kernel, stride, padding, dilation : (vertical, horizontal).
    lanes : channels per beat; divides the channels of a block.
    blocks : parts of the channels, equal and one behind the other; a pixel's vector is that of each block in turn.

    Raises
    ------
    ValueError : ``lanes`` does not divide the channels of a block, or padding is not smaller than what the kernel spans.
    """

    name:    str
    tensor:  TensorType
    kernel:  tuple[int, int]
    stride:  tuple[int, int]
    padding: tuple[int, int]
    lanes:   int
    dilation: tuple[int, int] = (1, 1)
    blocks:  int = 1

    def __post_init__(self):
        if self.tensor.channels % (self.lanes * self.blocks):
            of_block = f" in {self.blocks} blocks" if self.blocks > 1 else ""
            raise ValueError(f"lanes must divide the {self.tensor.channels} channels{of_block}, not {self.lanes!r}")
        if self.padding[0] >= self.extent[0] or self.padding[1] >= self.extent[1]:
            raise ValueError(f"padding must be smaller than the kernel's extent {self.extent!r}, not {self.padding!r}")

    @property
    def extent(self):
        """Rows and columns that the kernel spans."""
        return tuple(map(windows.extent, self.kernel, self.dilation))

    @property
    def i(self):
        return Beats(self.tensor.dtype, self.lanes)

    @property
    def o(self):
        return self.i

    @property
    def output_size(self):
        """Output rows and columns."""
        return tuple(map(windows.positions, self.tensor.shape[:2], self.extent, self.stride, self.padding))

    @property
    def row_beats(self):
        """Beats of one input row."""
        return self.tensor.width * self.pixel_beats

    @property
    def pixel_beats(self):
        return self.tensor.channels // self.lanes

    @property
    def vector_beats(self):
        return self.kernel[0] * self.kernel[1] * self.pixel_beats

    def first_row(self, oy):
        """Oldest input row that output row ``oy`` or a later one needs; all rows behind the last."""
        if oy == self.output_size[0]:
            return self.tensor.height
        return max(oy * self.stride[0] - self.padding[0], 0)

    def rows_until(self, oy):
        """Input rows of the frame that must be complete for output row ``oy``: those it reads or leaves behind."""
        reads = min(oy * self.stride[0] - self.padding[0] + self.extent[0], self.tensor.height)
        return max(reads, self.first_row(oy + 1))

    def needs(self, oy):
        """Rows in the ring, counted from the oldest, for output row ``oy``."""
        return self.rows_until(oy) - self.first_row(oy)

    def releases(self, oy):
        """Rows that become free behind output row ``oy``."""
        return self.first_row(oy + 1) - self.first_row(oy)

    def left_by(self, row_steps):
        """The step behind which each input row is free, where an output row takes ``row_steps``."""
        height = self.output_size[0]
        freed  = [self.releases(oy) for oy in range(height)]
        return np.repeat((np.arange(height) + 1) * row_steps - 1, freed)

    @property
    def rows(self):
        """Rows of the ring: what one output row needs and what arrives meanwhile."""
        return max(self.needs(oy) for oy in range(self.output_size[0])) + self.stride[0]

    @property
    def interval_cycles(self):
        return max(self.frame_beats, self.tensor.height * self.row_beats)

    @property
    def frame_beats(self):
        height, width = self.output_size
        return height * width * self.vector_beats

    def schedule(self, graph, channel):
        height, width = self.output_size
        written       = self.tensor.height * self.row_beats
        row_steps     = width * self.vector_beats
        write         = graph.process(f"{self.name}.write", written)
        read          = graph.process(f"{self.name}.read", height * row_steps)
        graph.take(channel, write, np.arange(write.steps))

        needs = np.array([self.rows_until(oy) for oy in range(height)])
        read.wait(write, needs * self.row_beats - 1, 1, at=np.arange(height) * row_steps)
        free  = continued(self.left_by(row_steps), read.steps, np.arange(self.tensor.height) - self.rows)
        write.wait(read, free, 1, at=np.arange(self.tensor.height) * self.row_beats)
        return Channel(read, np.arange(read.steps))

    def component(self):
        return SlidingWindow(self)


class SlidingWindow(UnitComponent):
    """The circuit of :class:`SlidingWindowUnit`.

    Members
    -------
    i : beats of ``lanes`` channels, a frame in raster order.
    o : for every output pixel ``vector_beats`` beats.
    """

    def elaborate(self, platform):
        unit  = self._unit
        m     = Module()
        depth = unit.rows * unit.row_beats
        m.submodules.rows = rows = memory.Memory(shape=unit.i.payload_bits, depth=max(2, depth), init=[])
        write = rows.write_port()
        read  = rows.read_port()

        complete    = Signal(below(unit.rows + 1))   # rows in the ring that are whole and not yet released
        row_arrives = Signal()
        row_release = Signal(below(unit.rows + 1))
        m.d.sync += complete.eq(complete + row_arrives - row_release)

        # Writing: one row behind the other around the ring, while a row is free.
        column = Signal(below(unit.row_beats))
        taken  = self.i.valid & self.i.ready
        m.d.comb += [
            self.i.ready.eq(complete < unit.rows),
            write.data.eq(self.i.payload),
            write.en.eq(taken),
            row_arrives.eq(taken & (column == unit.row_beats - 1)),
        ]
        count(m, column, unit.row_beats, taken)
        count(m, write.addr, depth, taken)

        # Reading: counters (row and column of the window, block, kernel row, kx, beat of the block). Row and column
        # positions are relative to the image, so a position outside it is padding; no multiplier is needed, every address
        # is a running sum.
        height, width = unit.output_size
        together      = (unit.blocks, unit.dilation[1]) == (1, 1)    # the taps of a row lie side by side: one long tap
        taps          = 1 if together else unit.kernel[1]
        tap_beats     = unit.dilation[1] * unit.pixel_beats          # from tap to tap
        extent_beats  = unit.extent[1] * unit.pixel_beats
        block_beats   = extent_beats if together else unit.pixel_beats // unit.blocks
        kx    = Signal(below(taps))
        beat  = Signal(below(block_beats))
        ahead = beat if together else Signal(below(extent_beats))    # from the window's left edge to the beat
        left  = Signal(below(unit.pixel_beats))                      # from there to the block
        tap_y = Signal(below(unit.extent[0]))                        # rows from the window's top to those of its tap
        block_last = left == (unit.blocks - 1) * block_beats
        ky_last, kx_last, beat_last = tap_y == unit.extent[0] - 1, kx == taps - 1, beat == block_beats - 1

        first_y   = -unit.padding[0]
        first_x   = -unit.padding[1] * unit.pixel_beats
        y_limit   = max(unit.tensor.height, (height - 1) * unit.stride[0] + unit.extent[0]) + 1
        x_limit   = max(unit.row_beats, (width - 1) * unit.stride[1] * unit.pixel_beats + extent_beats) + 1
        window_y  = Signal(range(first_y, y_limit), init=first_y)     # image row of the window's top
        window_x  = Signal(range(first_x, x_limit), init=first_x)     # beat in the row of the window's left edge
        y         = Signal(range(first_y, y_limit))
        x         = Signal(range(first_x, x_limit))
        row_start = Signal(below(depth))                        # ring address of the oldest row
        row       = Signal(below(depth))                        # ring address of image row y, once inside
        y_within  = Signal()
        within    = Signal()

        def inside(position, extent):
            """Whether ``position`` is in the image; a linter refuses to ask an unsigned one whether it is negative."""
            return (position >= 0) & (position < extent) if position.shape().signed else position < extent

        m.d.comb += [
            y.eq(window_y + tap_y),
            x.eq(window_x + ahead),
            y_within.eq(inside(y, unit.tensor.height)),
            within.eq(y_within & inside(x, unit.row_beats)),
        ]

        def ring(name, address, beats):
            """``address`` moved by ``beats`` (0 to depth) around the ring."""
            ahead = Signal(below(2 * depth + 1), name=name)
            m.d.comb += ahead.eq(address + beats)
            return Mux(ahead >= depth, ahead - depth, ahead)

        need        = Signal(below(unit.rows + 1))
        freed       = Signal(below(unit.rows + 1))
        freed_beats = Signal(below(depth + 1))
        # Only output rows at the edges of the image differ from the most common case.
        profile = [(unit.needs(index), unit.releases(index)) for index in range(height)]
        common  = max(sorted(set(profile)), key=profile.count)
        with m.Switch(window_y):
            for index, (needed, released) in enumerate([*profile, common]):
                if index == height or (needed, released) != common:
                    with m.Default() if index == height else m.Case(first_y + index * unit.stride[0]):
                        m.d.comb += [need.eq(needed), freed.eq(released),
                                     freed_beats.eq(released * unit.row_beats)]

        step = Signal()
        pad  = Signal()
        vector_last = beat_last & kx_last & ky_last
        next_left   = Mux(block_last, 0, left + block_beats)
        m.d.comb += [
            step.eq((complete >= need) & can_accept(self.o)),
            read.addr.eq(row + x),
            read.en.eq(step),
            self.o.payload.eq(Mux(pad, 0, read.data)),
        ]
        output_register(m, self.o, step)
        # The row of the next tap: from above the image it is counted from the oldest row, and outside it stays.
        tap_rows = Signal(below(unit.rows + 1))
        next_y   = Signal(range(first_y, y_limit + unit.dilation[0]))
        m.d.comb += next_y.eq(y + unit.dilation[0])
        with m.If(inside(next_y, unit.tensor.height)):
            m.d.comb += tap_rows.eq(unit.dilation[0])
            with m.Switch(y):
                for above in range(max(first_y, -unit.dilation[0]), 0):
                    with m.Case(above):
                        m.d.comb += tap_rows.eq(above + unit.dilation[0])
        tap_row_beats = Signal(below(depth + 1))
        with m.Switch(tap_rows):
            for moved in range(1, min(unit.dilation[0], unit.rows) + 1):
                with m.Case(moved):
                    m.d.comb += tap_row_beats.eq(moved * unit.row_beats)
        after_ky = ring("row_ahead", row, tap_row_beats)
        next_start = ring("start_ahead", row_start, freed_beats)
        next_kx     = count(m, beat, block_beats, step)
        next_ky     = count(m, kx, taps, next_kx)
        next_block  = count(m, tap_y, unit.kernel[0] * unit.dilation[0], next_ky, by=unit.dilation[0])
        next_pixel  = next_block & block_last
        next_line   = walk(m, window_x, first_x, unit.stride[1] * unit.pixel_beats, width, next_pixel)
        walk(m, window_y, first_y, unit.stride[0], height, next_line)
        with m.If(step):
            m.d.sync += pad.eq(~within)
            if not together:
                m.d.sync += ahead.eq(ahead + 1)
                with m.If(beat_last):
                    m.d.sync += ahead.eq(ahead + (tap_beats - block_beats + 1))
                with m.If(beat_last & kx_last):
                    m.d.sync += ahead.eq(left)
                with m.If(vector_last):
                    m.d.sync += [left.eq(next_left), ahead.eq(next_left)]
            with m.If(beat_last & kx_last):
                m.d.sync += row.eq(Mux(ky_last, row_start, after_ky))
        with m.If(next_line):
            m.d.sync += [row_start.eq(next_start), row.eq(next_start)]
            m.d.comb += row_release.eq(freed)
        return m
