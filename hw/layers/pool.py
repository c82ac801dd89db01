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
    def frame_beats(self) -> int:
        """Output pixels * pixel_beats."""
        return (
            (self.tensor.height // self.size[0])
            * (self.tensor.width // self.size[1])
            * self.pixel_beats
        )

    def schedule(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add a process that takes every beat and puts at the last pixel of each window."""
        height, width = self.tensor.height // self.size[0], self.tensor.width // self.size[1]
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
        unit = self.unit
        m    = Module()
        size_y, size_x = unit.size
        columns = unit.tensor.width // size_x

        # (window row, row in the window, window column, column in the window, beat of the pixel)
        in_y   = Signal(below(size_y))
        in_x   = Signal(below(size_x))
        row    = Signal(below(unit.tensor.height // size_y + 1))
        column = Signal(below(columns + 1))     # one more: the columns left over
        beat   = Signal(below(unit.pixel_beats))
        x      = Signal(below(unit.tensor.width))
        y      = Signal(below(unit.tensor.height))
        beat_last = beat == unit.pixel_beats - 1

        depth    = max(2, columns * unit.pixel_beats)
        address  = Signal(below(columns * unit.pixel_beats))
        result   = Signal(unit.o.payload_bits)
        adders   = rows(m, platform)
        incoming = unit.i.view(self.i.payload)
        first    = (in_y == 0) & (in_x == 0)
        inside   = (column < columns) & (row < unit.tensor.height // size_y)
        put      = Signal()
        step     = Signal()
        so_far = unit.o.view(
            single_port_ram(
                m,
                "results",
                unit.o.payload_bits,
                depth,
                address=address,
                enable=step & inside,
                data=result,
            )
        )
        for lane in range(unit.lanes):
            m.d.comb += unit.o.view(result)[lane].eq(
                unit.reduction.accumulate(
                    adders, f"lane_{lane}", incoming[lane], so_far[lane], first
                )
            )
        last = (in_y == size_y - 1) & (in_x == size_x - 1) & inside
        m.d.comb += [
            self.i.ready.eq(~last | can_accept(self.o)),
            step.eq(self.i.valid & self.i.ready),
            put.eq(step & last),
        ]
        with m.If(put):
            m.d.sync += self.o.payload.eq(result)
        output_register(m, self.o, put)

        next_pixel  = modulo_counter(m, beat, unit.pixel_beats, step)
        next_line   = modulo_counter(m, x, unit.tensor.width, next_pixel)
        next_frame  = modulo_counter(m, y, unit.tensor.height, next_line)
        next_column = modulo_counter(m, in_x, size_x, next_pixel)
        next_row    = modulo_counter(m, in_y, size_y, next_line)
        # it runs over the beats of a window's column and returns to its start for the next pixel
        with m.If(step):
            m.d.sync += address.eq(
                Mux(beat_last & (in_x != size_x - 1), address - (unit.pixel_beats - 1), address + 1)
            )
        with m.If(next_column):
            m.d.sync += column.eq(column + 1)
        with m.If(next_line):
            m.d.sync += [in_x.eq(0), column.eq(0), address.eq(0)]
        with m.If(next_row):
            m.d.sync += row.eq(row + 1)
        with m.If(next_frame):
            m.d.sync += [in_y.eq(0), row.eq(0)]
        return m
