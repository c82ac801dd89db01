"""Line buffer: a stream of whole pixels becomes a stream of whole kernel windows, one per cycle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from amaranth import *
from amaranth.lib import wiring

from tritforge.export.ir import windows
from tritforge.export.ir.nodes import TensorType
from tritforge.hw.stream.counter import modulo_counter
from tritforge.hw.stream.event_graph import Channel, EventGraph
from tritforge.hw.stream.single_port_ram import single_port_ram
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, below, can_accept, output_register
from tritforge.types import IntArray

__all__ = ["LineBuffer", "LineBufferUnit", "ScanAxis"]


@dataclass(frozen=True, kw_only=True)
class ScanAxis:
    """Scanned positions along one axis: the image from 0, and the padding after it while windows
    end there.

    Parameters
    ----------
    extent : rows or columns of the image.
    kernel, stride, padding, dilation : along this axis.
    """

    extent:   int
    kernel:   int
    stride:   int
    padding:  int
    dilation: int

    @property
    def reach(self) -> int:
        """Positions from the first to the last tap of a window."""
        return windows.extent(self.kernel, self.dilation) - 1

    @property
    def windows(self) -> int:
        """Windows along the axis."""
        return windows.positions(self.extent, self.reach + 1, self.stride, self.padding)

    @property
    def first(self) -> int:
        """Position at which the first window ends."""
        return self.reach - self.padding

    @property
    def steps(self) -> int:
        """Number of positions."""
        return max(self.extent, int(self.ends[-1]) + 1)

    @property
    def ends(self) -> IntArray:
        """Positions at which a window ends."""
        return self.first + np.arange(self.windows) * self.stride


@dataclass(frozen=True, kw_only=True)
class LineBufferUnit(Unit):
    """im2col vectors of kernel x channels, ordered (ky, kx, channel), channel fastest, one per
    beat.

    Latency 1, interval rows.steps * columns.steps cycles: one pixel per cycle; padding after the
    last row and column takes cycles without a pixel, padding before the first ones takes none.
    Cost: a LUT RAM of ``rows.reach`` image rows and a shift register of ``columns.reach`` columns.
    ``SlidingWindowUnit`` puts one pixel of the window per cycle instead, so it takes kernel height
    * width times as long.

    Parameters
    ----------
    name : instance name.
    tensor : type of the input.
    kernel, stride, padding, dilation : (vertical, horizontal).

    Raises
    ------
    ValueError : the kernel exceeds the padded image, or a window would lie in the padding alone.
    """

    name:     str
    tensor:   TensorType
    kernel:   tuple[int, int]
    stride:   tuple[int, int]
    padding:  tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        if min(self.rows.first, self.columns.first) < 0:
            raise ValueError(
                f"padding must be at most {(self.rows.reach, self.columns.reach)!r}, the "
                "reach of the kernel, "
                f"not {self.padding!r}"
            )
        if min(self.rows.windows, self.columns.windows) < 1:
            raise ValueError(
                f"kernel must fit into the image {self.tensor.shape[:2]!r} with padding "
                f"{self.padding!r} and "
                f"dilation {self.dilation!r}, not {self.kernel!r}"
            )

    @property
    def rows(self) -> ScanAxis:
        """Scan of the rows."""
        return self._axis(0)

    @property
    def columns(self) -> ScanAxis:
        """Scan of the columns."""
        return self._axis(1)

    def _axis(self, axis: int) -> ScanAxis:
        return ScanAxis(
            extent=self.tensor.shape[axis],
            kernel=self.kernel[axis],
            stride=self.stride[axis],
            padding=self.padding[axis],
            dilation=self.dilation[axis],
        )

    @property
    def i(self) -> Beats:
        """One pixel."""
        return Beats(self.tensor.dtype, self.tensor.channels)

    @property
    def o(self) -> Beats:
        """One window, kernel height * width * channels elements."""
        return Beats(self.tensor.dtype, self.kernel[0] * self.kernel[1] * self.tensor.channels)

    @property
    def interval_cycles(self) -> int:
        """One cycle per scanned position."""
        return self.rows.steps * self.columns.steps

    @property
    def frame_beats(self) -> int:
        """One beat per window."""
        return self.rows.windows * self.columns.windows

    def schedule(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add a process that scans the padded image, takes pixels and puts windows."""
        def steps(rows: IntArray, columns: IntArray) -> IntArray:
            return (rows[:, None] * self.columns.steps + columns).ravel()

        return graph.chain(self.name, channel, self.interval_cycles,
                           steps(np.arange(self.rows.extent), np.arange(self.columns.extent)),
                           steps(self.rows.ends, self.columns.ends))

    def component(self) -> wiring.Component:
        """Return the :class:`LineBuffer`."""
        return LineBuffer(self)


class LineBuffer(UnitComponent):
    """The circuit of :class:`LineBufferUnit`. Latency 1, interval 1 cycle per scanned position.

    Members
    -------
    i : one pixel per beat, a frame in raster order.
    o : one window per beat, in raster order.
    """

    unit: LineBufferUnit

    def _scan(
        self, m: Module, name: str, axis: ScanAxis, step: Value
    ) -> tuple[Signal, Value, Value, Value]:
        """Scan an axis; return position, whether it is the last, in the image, a window's end."""
        start    = -axis.first % axis.stride    # so that the phase is 0 where the first window ends
        position = Signal(below(axis.steps), name=name)
        phase    = Signal(below(axis.stride), name=f"{name}_phase", init=start)
        last     = position == axis.steps - 1
        modulo_counter(m, position, axis.steps, step)
        if axis.stride > 1:
            with m.If(step):
                m.d.sync += phase.eq(Mux(last, start, Mux(phase == axis.stride - 1, 0, phase + 1)))
        inside = position < axis.extent if axis.extent < axis.steps else Const(1)
        ends   = (position >= axis.first if axis.first else Const(1)) & (phase == 0)
        return position, last, inside, ends

    def elaborate(self, platform: object) -> Module:
        """Scan counters, the line RAM, the column shift register and the output register."""
        unit  = self.unit
        m     = Module()
        pixel = unit.i.payload_bits
        rows, columns = unit.rows, unit.columns
        put    = Signal()
        step   = Signal()
        inside = Signal()
        free   = Signal()
        x, x_last, x_inside, x_ends = self._scan(m, "x", columns, step)
        y, _,      y_inside, y_ends = self._scan(m, "y", rows, step & x_last)
        m.d.comb += [
            put.eq(x_ends & y_ends),
            inside.eq(x_inside & y_inside),
            free.eq(~put | can_accept(self.o)),
            self.i.ready.eq(inside & free),
            step.eq((~inside | self.i.valid) & free),
        ]

        column = self._column(m, x, y, step, inside, x_inside)
        seen = Cat(column.word_select(ky * unit.dilation[0], pixel) for ky in range(unit.kernel[0]))
        older = [Signal(len(seen), name=f"column_{kx}") for kx in range(columns.reach)]
        taps  = [*older, seen][::unit.dilation[1]]
        with m.If(step):
            m.d.sync += [
                before.eq(after) for before, after in zip(older, [*older, seen][1:], strict=True)
            ]
            if unit.padding[1]:
                # what is left of the image is no end of the row above
                with m.If(x_last):
                    m.d.sync += [before.eq(0) for before in older]
        with m.If(step & put):
            m.d.sync += self.o.payload.eq(Cat(
                part.word_select(ky, pixel) for ky in range(unit.kernel[0]) for part in taps))
        output_register(m, self.o, step & put)
        return m

    def _column(
        self, m: Module, x: Signal, y: Signal, step: Value, inside: Value, x_inside: Value
    ) -> Signal:
        """Return the pixels of a window column, the oldest row first, from the line RAM."""
        unit  = self.unit
        pixel = unit.i.payload_bits
        rows, columns = unit.rows, unit.columns
        arrived = (
            self.i.payload
            if rows.steps == rows.extent and columns.steps == columns.extent
            else Mux(inside, self.i.payload, 0)
        )
        # the pixels above the one that arrives, the oldest first
        column  = Signal(pixel * (rows.reach + 1))
        if rows.reach == 0:
            m.d.comb += column.eq(arrived)
        else:
            depth = max(2, columns.extent)
            stored = single_port_ram(
                m,
                "rows",
                pixel * rows.reach,
                depth,
                address=x[: (depth - 1).bit_length()],
                enable=step & x_inside,
                data=column[pixel:],
            )
            # What is above the image is left over from the frame before, and beside the image there
            # is no memory.
            above = stored if max(unit.padding) == 0 else Mux((y == 0) | ~x_inside, 0, stored)
            m.d.comb += column.eq(Cat(above, arrived))
        return column
