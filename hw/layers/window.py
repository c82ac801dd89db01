"""Sliding window (im2col): a stream of pixels becomes the kernel vector of each output pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from amaranth import *
from amaranth.lib import memory, wiring

from tritforge.export.ir import windows
from tritforge.hw.stream.counter import modulo_counter, ring_address, strided_counter
from tritforge.hw.stream.event_graph import Channel, EventGraph, continued
from tritforge.hw.stream.unit import (
    Beats,
    ImageUnit,
    UnitComponent,
    below,
    can_accept,
    output_register,
)
from tritforge.types import IntArray

__all__ = ["SlidingWindow", "SlidingWindowUnit"]


@dataclass(frozen=True, kw_only=True)
class SlidingWindowUnit(ImageUnit):
    """im2col vectors of kernel x channels, ordered (block, ky, kx, channel), channel fastest;
    padding is 0.

    Interval 1 cycle per beat on either side. An output row starts when the input rows it needs are
    complete; rows it no longer needs are free once its last beat has been read. Cost: a ring buffer
    of ``rows`` image rows, and address counters; no multiplier.

    Parameters
    ----------
    kernel, stride, padding, dilation : (vertical, horizontal).
    blocks : equal parts of the channels; a pixel has one vector per block, in sequence.
        ``lanes`` divides the channels of a block.

    Raises
    ------
    ValueError : ``lanes`` does not divide the channels of a block, or padding is not smaller than
        the extent of the kernel.
    """

    kernel:   tuple[int, int]
    stride:   tuple[int, int]
    padding:  tuple[int, int]
    dilation: tuple[int, int] = (1, 1)
    blocks:   int = 1

    def __post_init__(self) -> None:
        if self.tensor.channels % (self.lanes * self.blocks):
            of_block = f" in {self.blocks} blocks" if self.blocks > 1 else ""
            raise ValueError(
                f"lanes must divide the {self.tensor.channels} channels{of_block}, not "
                f"{self.lanes!r}"
            )
        if self.padding[0] >= self.extent[0] or self.padding[1] >= self.extent[1]:
            raise ValueError(
                f"padding must be smaller than the kernel's extent {self.extent!r}, not "
                f"{self.padding!r}"
            )

    @property
    def extent(self) -> tuple[int, int]:
        """Rows and columns that the dilated kernel spans."""
        rows, columns = map(windows.extent, self.kernel, self.dilation)
        return rows, columns

    @property
    def o(self) -> Beats:
        """As the input."""
        return self.i

    @property
    def output_size(self) -> tuple[int, int]:
        """Output (rows, columns)."""
        rows, columns = map(windows.positions, self.tensor.shape[:2], self.extent, self.stride,
                            self.padding)
        return rows, columns

    @property
    def row_beats(self) -> int:
        """Beats per input row."""
        return self.tensor.width * self.pixel_beats

    @property
    def vector_beats(self) -> int:
        """Beats per output pixel, kernel height * width * pixel_beats."""
        return self.kernel[0] * self.kernel[1] * self.pixel_beats

    def first_row(self, oy: int) -> int:
        """Return the oldest input row that output row ``oy`` and later ones need."""
        if oy == self.output_size[0]:
            return self.tensor.height
        return max(oy * self.stride[0] - self.padding[0], 0)

    def rows_until(self, oy: int) -> int:
        """Return the number of input rows that output row ``oy`` reads or releases."""
        reads = min(oy * self.stride[0] - self.padding[0] + self.extent[0], self.tensor.height)
        return max(reads, self.first_row(oy + 1))

    def needs(self, oy: int) -> int:
        """Return how many rows of the ring, from the oldest, output row ``oy`` needs."""
        return self.rows_until(oy) - self.first_row(oy)

    def releases(self, oy: int) -> int:
        """Return how many rows become free after output row ``oy``."""
        return self.first_row(oy + 1) - self.first_row(oy)

    def left_by(self, row_steps: int) -> IntArray:
        """Return the step after which each input row is free; output rows take ``row_steps``."""
        height = self.output_size[0]
        freed  = [self.releases(oy) for oy in range(height)]
        return np.repeat((np.arange(height) + 1) * row_steps - 1, freed)

    @property
    def rows(self) -> int:
        """Rows of the ring buffer: what an output row needs plus what arrives meanwhile."""
        return max(self.needs(oy) for oy in range(self.output_size[0])) + self.stride[0]

    @property
    def interval_cycles(self) -> int:
        """The larger of input beats and output beats."""
        return max(self.frame_beats, self.tensor.height * self.row_beats)

    @property
    def frame_beats(self) -> int:
        """Output pixels * vector_beats."""
        height, width = self.output_size
        return height * width * self.vector_beats

    def schedule(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add a writer and a reader that wait for each other row by row."""
        height, width = self.output_size
        written       = self.tensor.height * self.row_beats
        row_steps     = width * self.vector_beats
        write         = graph.process(f"{self.name}.write", written)
        read          = graph.process(f"{self.name}.read", height * row_steps)
        graph.take(channel, write, np.arange(write.steps))

        needs = np.array([self.rows_until(oy) for oy in range(height)])
        read.wait(write, needs * self.row_beats - 1, 1, at=np.arange(height) * row_steps)
        free = continued(
            self.left_by(row_steps), read.steps, np.arange(self.tensor.height) - self.rows
        )
        write.wait(read, free, 1, at=np.arange(self.tensor.height) * self.row_beats)
        return Channel(read, np.arange(read.steps))

    def component(self) -> wiring.Component:
        """Return the :class:`SlidingWindow`."""
        return SlidingWindow(self)


class SlidingWindow(UnitComponent):
    """The circuit of :class:`SlidingWindowUnit`. Interval 1 cycle per beat on either side.

    Members
    -------
    i : ``lanes`` channels per beat, a frame in raster order.
    o : ``vector_beats`` beats for each output pixel.
    """

    unit: SlidingWindowUnit

    def elaborate(self, platform: object) -> Module:
        """Write the ring row by row, and read it through nested counters."""
        unit  = self.unit
        m     = Module()
        depth = unit.rows * unit.row_beats
        m.submodules.rows = rows = memory.Memory(
            shape=unit.i.payload_bits, depth=max(2, depth), init=[])
        write = rows.write_port()
        read  = rows.read_port()

        complete    = Signal(below(unit.rows + 1))   # complete rows in the ring, not yet released
        row_arrives = Signal()
        row_release = Signal(below(unit.rows + 1))
        m.d.sync += complete.eq(complete + row_arrives - row_release)
        self._write(m, write, complete, row_arrives)

        at       = _ReadPosition(unit)
        y_within = Signal()
        within   = Signal()
        m.d.comb += [
            at.y.eq(at.window_y + at.tap_y),
            at.x.eq(at.window_x + at.ahead),
            y_within.eq(_inside(at.y, unit.tensor.height)),
            within.eq(y_within & _inside(at.x, unit.row_beats)),
        ]
        need, freed, freed_beats = self._needs(m, at)

        step = Signal()
        pad  = Signal()
        m.d.comb += [
            step.eq((complete >= need) & can_accept(self.o)),
            read.addr.eq(at.row + at.x),
            read.en.eq(step),
            self.o.payload.eq(Mux(pad, 0, read.data)),
        ]
        output_register(m, self.o, step)
        after_ky   = ring_address(m, "row_ahead", at.row, self._tap_row_beats(m, at), depth)
        next_start = ring_address(m, "start_ahead", at.row_start, freed_beats, depth)
        next_line  = at.cascade(m, step)
        with m.If(step):
            m.d.sync += pad.eq(~within)
            at.advance(m)
            with m.If(at.beat_last & at.kx_last):
                m.d.sync += at.row.eq(Mux(at.ky_last, at.row_start, after_ky))
        with m.If(next_line):
            m.d.sync += [at.row_start.eq(next_start), at.row.eq(next_start)]
            m.d.comb += row_release.eq(freed)
        return m

    def _write(
        self, m: Module, write: memory.WritePort, complete: Signal, row_arrives: Signal
    ) -> None:
        """Write row after row around the ring, while a row is free."""
        unit   = self.unit
        column = Signal(below(unit.row_beats))
        taken  = self.i.valid & self.i.ready
        m.d.comb += [
            self.i.ready.eq(complete < unit.rows),
            write.data.eq(self.i.payload),
            write.en.eq(taken),
            row_arrives.eq(taken & (column == unit.row_beats - 1)),
        ]
        modulo_counter(m, column, unit.row_beats, taken)
        modulo_counter(m, write.addr, unit.rows * unit.row_beats, taken)

    def _needs(self, m: Module, at: _ReadPosition) -> tuple[Signal, Signal, Signal]:
        """Rows that the output row needs, rows that it frees, and beats that it frees."""
        unit        = self.unit
        height      = unit.output_size[0]
        need        = Signal(below(unit.rows + 1))
        freed       = Signal(below(unit.rows + 1))
        freed_beats = Signal(below(unit.rows * unit.row_beats + 1))
        # Only output rows at the edges of the image differ from the most common case.
        profile = [(unit.needs(index), unit.releases(index)) for index in range(height)]
        common  = max(sorted(set(profile)), key=profile.count)
        with m.Switch(at.window_y):
            for index, (needed, released) in enumerate([*profile, common]):
                if index == height or (needed, released) != common:
                    position = index * unit.stride[0] - unit.padding[0]
                    with m.Default() if index == height else m.Case(position):
                        m.d.comb += [need.eq(needed), freed.eq(released),
                                     freed_beats.eq(released * unit.row_beats)]
        return need, freed, freed_beats

    def _tap_row_beats(self, m: Module, at: _ReadPosition) -> Signal:
        """Beats in the ring from the row of this tap to that of the next one.

        From above the image it is counted from the oldest row, and outside of the image it stays.
        """
        unit     = self.unit
        tap_rows = Signal(below(unit.rows + 1))
        next_y   = Signal(range(at.first_y, at.y_limit + unit.dilation[0]))
        m.d.comb += next_y.eq(at.y + unit.dilation[0])
        with m.If(_inside(next_y, unit.tensor.height)):
            m.d.comb += tap_rows.eq(unit.dilation[0])
            with m.Switch(at.y):
                for above in range(max(at.first_y, -unit.dilation[0]), 0):
                    with m.Case(above):
                        m.d.comb += tap_rows.eq(above + unit.dilation[0])
        tap_row_beats = Signal(below(unit.rows * unit.row_beats + 1))
        with m.Switch(tap_rows):
            for moved in range(1, min(unit.dilation[0], unit.rows) + 1):
                with m.Case(moved):
                    m.d.comb += tap_row_beats.eq(moved * unit.row_beats)
        return tap_row_beats


class _ReadPosition:
    """Counters of the read side: row and column of the window, block, kernel row, kx, beat of the
    block.

    Rows and columns are relative to the image, so a position outside of it is padding. Every
    address is a running sum: no multiplier is needed.
    """

    def __init__(self, unit: SlidingWindowUnit) -> None:
        height, width = unit.output_size
        depth         = unit.rows * unit.row_beats
        self.unit     = unit
        # without dilation and blocks the taps of a row are adjacent: one long tap
        self.together = (unit.blocks, unit.dilation[1]) == (1, 1)
        extent_beats  = unit.extent[1] * unit.pixel_beats
        self.taps     = 1 if self.together else unit.kernel[1]
        self.block_beats = extent_beats if self.together else unit.pixel_beats // unit.blocks
        self.kx    = Signal(below(self.taps))
        self.beat  = Signal(below(self.block_beats))
        # from the window's left edge to the beat, and to the block
        self.ahead = self.beat if self.together else Signal(below(extent_beats), name="ahead")
        self.left  = Signal(below(unit.pixel_beats))
        # rows from the window's top to those of its tap
        self.tap_y = Signal(below(unit.extent[0]))
        self.block_last = self.left == (unit.blocks - 1) * self.block_beats
        self.ky_last    = self.tap_y == unit.extent[0] - 1
        self.kx_last    = self.kx == self.taps - 1
        self.beat_last  = self.beat == self.block_beats - 1

        self.first_y = -unit.padding[0]
        self.first_x = -unit.padding[1] * unit.pixel_beats
        self.y_limit = max(unit.tensor.height, (height - 1) * unit.stride[0] + unit.extent[0]) + 1
        x_limit      = (width - 1) * unit.stride[1] * unit.pixel_beats + extent_beats
        x_limit      = max(unit.row_beats, x_limit) + 1
        # image row of the window's top, and beat in the row of the window's left edge
        self.window_y = Signal(range(self.first_y, self.y_limit), init=self.first_y)
        self.window_x = Signal(range(self.first_x, x_limit), init=self.first_x)
        self.y        = Signal(range(self.first_y, self.y_limit))
        self.x        = Signal(range(self.first_x, x_limit))
        # ring addresses of the oldest row, and of image row y once that is inside
        self.row_start = Signal(below(depth))
        self.row       = Signal(below(depth))

    def cascade(self, m: Module, step: Value) -> Value:
        """Cascade the counters from the beat to the window's row; return whether a line ends."""
        unit          = self.unit
        height, width = unit.output_size
        next_kx    = modulo_counter(m, self.beat, self.block_beats, step)
        next_ky    = modulo_counter(m, self.kx, self.taps, next_kx)
        ky_span    = unit.kernel[0] * unit.dilation[0]
        next_block = modulo_counter(m, self.tap_y, ky_span, next_ky, by=unit.dilation[0])
        next_pixel = next_block & self.block_last
        x_step     = unit.stride[1] * unit.pixel_beats
        next_line  = strided_counter(m, self.window_x, self.first_x, x_step, width, next_pixel)
        strided_counter(m, self.window_y, self.first_y, unit.stride[0], height, next_line)
        return next_line

    def advance(self, m: Module) -> None:
        """Advance ``ahead`` and ``left`` by one beat, where taps are not adjacent."""
        if self.together:
            return
        tap_beats = self.unit.dilation[1] * self.unit.pixel_beats
        next_left = Mux(self.block_last, 0, self.left + self.block_beats)
        m.d.sync += self.ahead.eq(self.ahead + 1)
        with m.If(self.beat_last):
            m.d.sync += self.ahead.eq(self.ahead + (tap_beats - self.block_beats + 1))
        with m.If(self.beat_last & self.kx_last):
            m.d.sync += self.ahead.eq(self.left)
        with m.If(self.beat_last & self.kx_last & self.ky_last):
            m.d.sync += [self.left.eq(next_left), self.ahead.eq(next_left)]


def _inside(position: Value, extent: int) -> Value:
    """Whether ``position`` is inside the image; linters reject a sign check of an unsigned
    value.
    """
    if position.shape().signed:
        return (position >= 0) & (position < extent)
    return position < extent
