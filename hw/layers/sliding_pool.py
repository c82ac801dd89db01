"""Pooling over windows that overlap or exceed the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth import *
from amaranth.lib import wiring

from tritforge.export.ir import windows
from tritforge.export.ir.nodes import TensorType
from tritforge.export.ir.pools import MaxPool, SumPool
from tritforge.hw.layers.pool import WindowPoolUnit
from tritforge.hw.layers.reduction import PoolUnit, Reduction
from tritforge.hw.stream.counter import modulo_counter
from tritforge.hw.stream.event_graph import Channel, EventGraph
from tritforge.hw.stream.registry import unit_for
from tritforge.hw.stream.single_port_ram import single_port_ram
from tritforge.hw.stream.unit import Beats, UnitComponent, below, can_accept, output_register
from tritforge.hw.targets.rows import rows
from tritforge.types import IntArray

__all__ = ["SlidingPool", "SlidingPoolUnit"]


@dataclass(frozen=True, kw_only=True)
class SlidingPoolUnit(PoolUnit):
    """Maximum or sum over windows of ``size``, ``stride`` apart, with ``padding``.

    Latency 1, interval ``scanned`` rows * columns * pixel_beats cycles: padding at the bottom and
    right that a window reads takes cycles without input, padding at the top and left takes none.
    The window is reduced along its row first, then across rows. Cost: size - 1 comparators or
    adders per axis and lane; single-port LUT RAMs hold the last columns of a row and the last row
    results of each output column.

    Parameters
    ----------
    stride, padding : (vertical, horizontal); padding is smaller than the size, and changes no
        result.
    """

    stride:  tuple[int, int]
    padding: tuple[int, int]

    @property
    def row(self) -> Beats:
        """Beats of the results of a window's row."""
        return Beats(self.reduction.dtype(self.tensor.dtype, self.size[1]), self.lanes)

    @property
    def output_size(self) -> tuple[int, int]:
        """Output (rows, columns)."""
        rows, columns = map(windows.positions, self.tensor.shape[:2], self.size, self.stride,
                            self.padding)
        return rows, columns

    @property
    def scanned(self) -> tuple[int, int]:
        """Scanned (rows, columns): the image and the padding after it that some window reads."""
        sizes = zip(self.tensor.shape[:2], self.padding, self.size, self.stride, self.output_size,
                    strict=True)
        rows, columns = (max(extent, (outputs - 1) * stride + size - padding)
                         for extent, padding, size, stride, outputs in sizes)
        return rows, columns

    @property
    def interval_cycles(self) -> int:
        """One cycle per beat of the scanned area."""
        return self.scanned[0] * self.scanned[1] * self.pixel_beats

    def schedule(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add a process that scans the area, takes the image and puts at each window's end."""
        def steps(rows: IntArray, columns: IntArray) -> IntArray:
            pixels = rows[:, None] * self.scanned[1] + columns
            return (pixels.reshape(-1, 1) * self.pixel_beats + np.arange(self.pixel_beats)).ravel()

        inside = [np.arange(extent) for extent in self.tensor.shape[:2]]
        ends = [
            np.arange(outputs) * stride + size - 1 - padding
            for outputs, stride, size, padding in zip(
                self.output_size, self.stride, self.size, self.padding, strict=True
            )
        ]
        return graph.chain(self.name, channel, self.interval_cycles, steps(*inside), steps(*ends))

    def component(self) -> wiring.Component:
        """Return the :class:`SlidingPool`."""
        return SlidingPool(self)


@unit_for(MaxPool, SumPool)
def _(node: MaxPool | SumPool, source: TensorType, *, target: TensorType, lanes: int) -> PoolUnit:
    common: dict[str, Any] = {
        "name": "pool", "tensor": source, "size": node.size, "lanes": lanes,
        "reduction": Reduction.MAX if isinstance(node, MaxPool) else Reduction.SUM}
    if node.step == node.size and node.padding == (0, 0):
        return WindowPoolUnit(**common)
    return SlidingPoolUnit(stride=node.step, padding=node.padding, **common)


class SlidingPool(UnitComponent):
    """The circuit of :class:`SlidingPoolUnit`. Latency 1, interval 1 cycle per beat of the scanned
    area.

    Members
    -------
    i : ``lanes`` channels per beat, a frame in raster order.
    o : ``lanes`` results per beat, in raster order.
    """

    unit: SlidingPoolUnit

    def _axis(self, m: Module, axis: int, step: Value) -> tuple[Signal, Value, Value, Value]:
        """Scan an axis; return position, whether it is the last, in the image, a window's end."""
        unit = self.unit
        name = "yx"[axis]
        extent, padding, size, stride = (
            sizes[axis] for sizes in (unit.tensor.shape, unit.padding, unit.size, unit.stride)
        )
        end      = size - 1 - padding                   # of the first window
        position = Signal(below(unit.scanned[axis] + 1), name=name)
        phase    = Signal(below(stride), name=f"{name}_phase", init=-end % stride)
        last     = position == unit.scanned[axis] - 1
        modulo_counter(m, position, unit.scanned[axis], step)
        if stride > 1:
            with m.If(step):
                m.d.sync += phase.eq(
                    Mux(last, -end % stride, Mux(phase == stride - 1, 0, phase + 1))
                )
        inside = position < extent if unit.scanned[axis] > extent else Const(1)
        ends   = (phase == 0) & (position >= end) if end else phase == 0
        return position, last, inside, ends

    def _window(
        self,
        m: Module,
        name: str,
        axis: int,
        position: Value,
        beats: Beats,
        depth: int,
        address: Value,
        newest: Value,
        enable: Value,
    ) -> list[list[Value]]:
        """Window elements of each lane along an axis, newest last; a RAM stores the earlier ones.

        Elements before the edge of the image are neutral.
        """
        unit, bits = self.unit, beats.payload_bits
        size, padding = unit.size[axis], unit.padding[axis]
        if size == 1:
            return [[beats.view(newest)[lane]] for lane in range(unit.lanes)]
        kept = Signal(bits * (size - 1), name=f"{name}_kept")
        then = Cat(kept, newest)[bits:]
        if depth == 1:
            with m.If(enable):
                m.d.sync += kept.eq(then)
        else:
            m.d.comb += kept.eq(
                single_port_ram(
                    m, name, len(kept), depth, address=address, enable=enable, data=then
                )
            )
        lanes = [[] for _ in range(unit.lanes)]
        for back in reversed(range(size)):
            part = (
                beats.view(kept.word_select(size - 1 - back, bits)) if back else beats.view(newest)
            )
            for lane, elements in enumerate(lanes):
                outside = back > size - 1 - padding     # for some window
                neutral = unit.reduction.neutral(unit.tensor.dtype)
                elements.append(
                    Mux(position >= back, part[lane], neutral) if outside else part[lane]
                )
        return lanes

    def elaborate(self, platform: object) -> Module:
        """Scan counters, the two line memories, and the reductions along and across rows."""
        unit = self.unit
        m    = Module()
        step = Signal()
        beat = Signal(below(unit.pixel_beats))
        beat_last = beat == unit.pixel_beats - 1
        x, x_last, x_inside, x_ends = self._axis(m, 1, step & beat_last)
        y, _,      y_inside, y_ends = self._axis(m, 0, step & beat_last & x_last)
        inside = Signal()
        put    = Signal()
        m.d.comb += [
            inside.eq(x_inside & y_inside),
            put.eq(x_ends & y_ends),
            self.i.ready.eq(inside & (~put | can_accept(self.o))),
            step.eq((~inside | self.i.valid) & (~put | can_accept(self.o))),
        ]

        adders = rows(m, platform)
        taken  = Signal(unit.i.payload_bits)
        row    = Signal(unit.row.payload_bits)
        column_address = Signal(below(unit.output_size[1] * unit.pixel_beats))
        for lane in range(unit.lanes):
            m.d.comb += unit.i.view(taken)[lane].eq(
                Mux(
                    inside,
                    unit.i.view(self.i.payload)[lane],
                    unit.reduction.neutral(unit.tensor.dtype),
                )
            )
        pixels = self._window(m, "columns", 1, x, unit.i, unit.pixel_beats, beat, taken, step)
        before = self._window(
            m,
            "rows",
            0,
            y,
            unit.row,
            unit.output_size[1] * unit.pixel_beats,
            column_address,
            row,
            step & x_ends,
        )
        for lane in range(unit.lanes):
            m.d.comb += unit.row.view(row)[lane].eq(
                unit.reduction.reduce(adders, f"row_{lane}", pixels[lane], unit.row.dtype.bits))
            result = unit.reduction.reduce(
                adders, f"window_{lane}", before[lane], unit.o.dtype.bits
            )
            with m.If(step & put):
                m.d.sync += unit.o.view(self.o.payload)[lane].eq(result)
        output_register(m, self.o, step & put)

        modulo_counter(m, beat, unit.pixel_beats, step)
        with m.If(step & x_ends):
            m.d.sync += column_address.eq(column_address + 1)
        with m.If(step & beat_last & x_last):
            m.d.sync += column_address.eq(0)
        return m
