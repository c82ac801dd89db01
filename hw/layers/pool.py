"""Pooling over windows that do not overlap."""

from __future__ import annotations

import numpy as np
from amaranth import *
from amaranth.lib import wiring

from tritforge.hw.layers.reduction import PoolUnit
from tritforge.hw.stream.counter import modulo_counter
from tritforge.hw.stream.event_graph import Channel, EventGraph
from tritforge.hw.stream.single_port_ram import single_port_ram
from tritforge.hw.stream.unit import UnitComponent, below, can_accept, output_register
from tritforge.hw.targets.rows import rows

__all__ = ["WindowPool", "WindowPoolUnit"]


class WindowPoolUnit(PoolUnit):
    """Maximum or sum over windows of ``size`` that do not overlap; left-over rows and columns are
    dropped.

    Latency 1, interval 1 cycle per input beat. Cost: one comparator or adder per lane; a
    single-port LUT RAM holds the running results of one output row.
    """

    @property
    def interval_cycles(self) -> int:
        """One cycle per input beat."""
        return self.tensor.height * self.tensor.width * self.pixel_beats

    @property
    def output_size(self) -> tuple[int, int]:
        """Whole windows (down, along)."""
        return self.tensor.height // self.size[0], self.tensor.width // self.size[1]

    def schedule(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add a process that takes every beat and puts at the last pixel of each window."""
        height, width = self.output_size
        y     = np.arange(height) * self.size[0] + self.size[0] - 1
        x     = np.arange(width) * self.size[1] + self.size[1] - 1
        beats = np.arange(self.pixel_beats)
        put = (
            (y[:, None, None] * self.tensor.width + x[:, None]) * self.pixel_beats + beats
        ).ravel()
        return graph.chain(
            self.name, channel, self.interval_cycles, range(self.interval_cycles), put
        )

    def component(self) -> wiring.Component:
        """Return the :class:`WindowPool`."""
        return WindowPool(self)


class WindowPool(UnitComponent):
    """The circuit of :class:`WindowPoolUnit`. Latency 1, interval 1 cycle per input beat.

    Members
    -------
    i : ``lanes`` channels per beat, a frame in raster order.
    o : ``lanes`` results per beat, in raster order.
    """

    unit: WindowPoolUnit

    def elaborate(self, platform: object) -> Module:
        """Position counters, the RAM of running results, and a reduction per lane."""
        unit     = self.unit
        m        = Module()
        position = _Position(unit)
        result   = Signal(unit.o.payload_bits)
        adders   = rows(m, platform)
        incoming = unit.i.view(self.i.payload)
        put      = Signal()
        step     = Signal()
        so_far = unit.o.view(
            single_port_ram(
                m,
                "results",
                unit.o.payload_bits,
                max(2, unit.output_size[1] * unit.pixel_beats),
                address=position.address,
                enable=step & position.inside,
                data=result,
            )
        )
        for lane in range(unit.lanes):
            m.d.comb += unit.o.view(result)[lane].eq(
                unit.reduction.accumulate(
                    adders, f"lane_{lane}", incoming[lane], so_far[lane], position.first
                )
            )
        m.d.comb += [
            self.i.ready.eq(~position.last | can_accept(self.o)),
            step.eq(self.i.valid & self.i.ready),
            put.eq(step & position.last),
        ]
        with m.If(put):
            m.d.sync += self.o.payload.eq(result)
        output_register(m, self.o, put)
        position.advance(m, step)
        return m


class _Position:
    """Counters of the position of an input beat in its frame and in its pooling window.

    Members
    -------
    in_y, in_x : row and column in the window.
    row, column : of the window; beyond the last ones, left-over rows and columns.
    y, x, beat : row and column of the pixel, and beat of the pixel.
    address : of the running results of the beat.
    first, last : whether it is of the first or the last pixel of a window.
    inside : whether it is of a window at all.
    """

    def __init__(self, unit: WindowPoolUnit) -> None:
        self.unit = unit
        size_y, size_x = unit.size
        height, width  = unit.output_size
        self.in_y    = Signal(below(size_y))
        self.in_x    = Signal(below(size_x))
        self.row     = Signal(below(height + 1))
        self.column  = Signal(below(width + 1))     # one more: the columns left over
        self.beat    = Signal(below(unit.pixel_beats))
        self.x       = Signal(below(unit.tensor.width))
        self.y       = Signal(below(unit.tensor.height))
        self.address = Signal(below(width * unit.pixel_beats))
        self.first   = (self.in_y == 0) & (self.in_x == 0)
        self.inside  = (self.column < width) & (self.row < height)
        self.last    = (self.in_y == size_y - 1) & (self.in_x == size_x - 1) & self.inside

    def advance(self, m: Module, step: Value) -> None:
        """Advance to the next beat in a cycle with ``step``."""
        unit, address = self.unit, self.address
        size_y, size_x = unit.size
        beat_last   = self.beat == unit.pixel_beats - 1
        next_pixel  = modulo_counter(m, self.beat, unit.pixel_beats, step)
        next_line   = modulo_counter(m, self.x, unit.tensor.width, next_pixel)
        next_frame  = modulo_counter(m, self.y, unit.tensor.height, next_line)
        next_column = modulo_counter(m, self.in_x, size_x, next_pixel)
        next_row    = modulo_counter(m, self.in_y, size_y, next_line)
        # over the beats of a window's column, then from its start again for the next pixel
        with m.If(step):
            m.d.sync += address.eq(
                Mux(
                    beat_last & (self.in_x != size_x - 1),
                    address - (unit.pixel_beats - 1),
                    address + 1,
                )
            )
        with m.If(next_column):
            m.d.sync += self.column.eq(self.column + 1)
        with m.If(next_line):
            m.d.sync += [self.in_x.eq(0), self.column.eq(0), address.eq(0)]
        with m.If(next_row):
            m.d.sync += self.row.eq(self.row + 1)
        with m.If(next_frame):
            m.d.sync += [self.in_y.eq(0), self.row.eq(0)]
