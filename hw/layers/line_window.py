"""Line window: a stream of whole pixels becomes a stream of whole kernel windows, one a cycle."""

from dataclasses import dataclass

import numpy as np
from amaranth import *

from tritforge.export.ir import windows
from tritforge.export.ir.nodes import TensorType
from tritforge.hw.stream.counter import count
from tritforge.hw.stream.single_port_ram import single_port_ram
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, below, can_accept, output_register

__all__ = ["LineBuffer", "LineBufferUnit", "Walk"]


@dataclass(frozen=True, kw_only=True)
class Walk:
    """The positions along one axis: those of the image, from 0, and of the padding behind it while windows end there."""

    extent:   int
    kernel:   int
    stride:   int
    padding:  int
    dilation: int

    @property
    def reach(self):
        """Positions from the first to the last one of a window."""
        return windows.extent(self.kernel, self.dilation) - 1

    @property
    def windows(self):
        return windows.positions(self.extent, self.reach + 1, self.stride, self.padding)

    @property
    def first(self):
        """Position in which the first window ends."""
        return self.reach - self.padding

    @property
    def steps(self):
        """Positions in all."""
        return max(self.extent, int(self.ends[-1]) + 1)

    @property
    def ends(self):
        """The positions in which a window ends."""
        return self.first + np.arange(self.windows) * self.stride


@dataclass(frozen=True, kw_only=True)
class LineBufferUnit(Unit):
    """Vectors of ``kernel`` x channels in the order (ky, kx, channel), channel fastest, each in one beat.

    Takes a pixel a cycle, and where a window ends it puts one. The kernel's other rows sit in distributed RAM, its
    other columns in a shift register. Padding behind the last row and column in which windows end takes cycles
    without a pixel; that before the first ones takes none. Latency 1, rows.steps x columns.steps cycles a frame:
    ``tritforge.hw.layers.window`` puts a pixel of the window a cycle and takes kernel height x width times as long.

    Parameters
    ----------
    name : instance name.
    tensor : the input's type.
    kernel, stride, padding, dilation : (vertical, horizontal).

    Raises
    ------
    ValueError : the kernel is larger than the padded image, or a window could lie in the padding alone.
    """

    name:     str
    tensor:   TensorType
    kernel:   tuple[int, int]
    stride:   tuple[int, int]
    padding:  tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)

    def __post_init__(self):
        if min(self.rows.first, self.columns.first) < 0:
            raise ValueError(f"padding must be at most {(self.rows.reach, self.columns.reach)!r}, the reach of the kernel, "
                             f"not {self.padding!r}")
        if min(self.rows.windows, self.columns.windows) < 1:
            raise ValueError(f"kernel must fit into the image {self.tensor.shape[:2]!r} with padding {self.padding!r} and "
                             f"dilation {self.dilation!r}, not {self.kernel!r}")

    @property
    def rows(self):
        """The walk down the image (Walk)."""
        return self._walk(0)

    @property
    def columns(self):
        """The walk along a row (Walk)."""
        return self._walk(1)

    def _walk(self, axis):
        return Walk(extent=self.tensor.shape[axis], kernel=self.kernel[axis], stride=self.stride[axis],
                    padding=self.padding[axis], dilation=self.dilation[axis])

    @property
    def i(self):
        return Beats(self.tensor.dtype, self.tensor.channels)

    @property
    def o(self):
        return Beats(self.tensor.dtype, self.kernel[0] * self.kernel[1] * self.tensor.channels)

    @property
    def interval_cycles(self):
        return self.rows.steps * self.columns.steps

    @property
    def frame_beats(self):
        return self.rows.windows * self.columns.windows

    def schedule(self, graph, channel):
        def steps(rows, columns):
            return (rows[:, None] * self.columns.steps + columns).ravel()

        return graph.chain(self.name, channel, self.interval_cycles,
                           steps(np.arange(self.rows.extent), np.arange(self.columns.extent)),
                           steps(self.rows.ends, self.columns.ends))

    def component(self):
        return LineBuffer(self)


class LineBuffer(UnitComponent):
    """The circuit of :class:`LineBufferUnit`.

    Members
    -------
    i : a pixel a beat, a frame in raster order.
    o : a window a beat.
    """

    def _walk(self, m, name, walk, step):
        """Walk along an axis: the position, whether it is the last, inside the image, and the end of a window."""
        start    = -walk.first % walk.stride    # so that the phase is 0 where the first window ends
        position = Signal(below(walk.steps), name=name)
        phase    = Signal(below(walk.stride), name=f"{name}_phase", init=start)
        last     = position == walk.steps - 1
        count(m, position, walk.steps, step)
        if walk.stride > 1:
            with m.If(step):
                m.d.sync += phase.eq(Mux(last, start, Mux(phase == walk.stride - 1, 0, phase + 1)))
        inside = position < walk.extent if walk.extent < walk.steps else Const(1)
        ends   = (position >= walk.first if walk.first else Const(1)) & (phase == 0)
        return position, last, inside, ends

    def elaborate(self, platform):
        unit  = self._unit
        m     = Module()
        pixel = unit.i.payload_bits
        rows, columns = unit.rows, unit.columns
        put    = Signal()
        step   = Signal()
        inside = Signal()
        free   = Signal()
        x, x_last, x_inside, x_ends = self._walk(m, "x", columns, step)
        y, _,      y_inside, y_ends = self._walk(m, "y", rows, step & x_last)
        m.d.comb += [
            put.eq(x_ends & y_ends),
            inside.eq(x_inside & y_inside),
            free.eq(~put | can_accept(self.o)),
            self.i.ready.eq(inside & free),
            step.eq((~inside | self.i.valid) & free),
        ]

        arrived = self.i.payload if rows.steps == rows.extent and columns.steps == columns.extent else Mux(inside, self.i.payload, 0)
        column  = Signal(pixel * (rows.reach + 1))      # the pixels above the one that arrives, the oldest first
        if rows.reach == 0:
            m.d.comb += column.eq(arrived)
        else:
            depth = max(2, columns.extent)
            kept  = single_port_ram(m, "rows", pixel * rows.reach, depth, address=x[:(depth - 1).bit_length()], enable=step & x_inside,
                             data=column[pixel:])
            # What is above the image is left over from the frame before, and beside the image there is no memory.
            above = kept if max(unit.padding) == 0 else Mux((y == 0) | ~x_inside, 0, kept)
            m.d.comb += column.eq(Cat(above, arrived))

        seen  = Cat(column.word_select(ky * unit.dilation[0], pixel) for ky in range(unit.kernel[0]))
        older = [Signal(len(seen), name=f"column_{kx}") for kx in range(columns.reach)]
        taps  = [*older, seen][::unit.dilation[1]]
        with m.If(step):
            m.d.sync += [before.eq(behind) for before, behind in zip(older, [*older, seen][1:], strict=True)]
            if unit.padding[1]:
                with m.If(x_last):                      # what is left of the image is no end of the row above
                    m.d.sync += [before.eq(0) for before in older]
        with m.If(step & put):
            m.d.sync += self.o.payload.eq(Cat(
                part.word_select(ky, pixel) for ky in range(unit.kernel[0]) for part in taps))
        output_register(m, self.o, step & put)
        return m
