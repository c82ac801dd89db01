"""Line window: a stream of whole pixels becomes a stream of whole kernel windows, one a cycle."""

from dataclasses import dataclass

import numpy as np
from amaranth import *
from amaranth.lib import memory

from export.ir import TensorType
from hw.stream import Beats, Unit, UnitComponent, below, output_register, room

__all__ = ["LineBuffer", "LineWindow"]


@dataclass(frozen=True, kw_only=True)
class LineWindow(Unit):
    """Vectors of ``kernel`` x channels in the order (ky, kx, channel), channel fastest, each in one beat.

    Takes a pixel a cycle, and where a window ends it puts one. The kernel's other rows sit in distributed RAM, its
    other columns in a shift register. Latency 1, height x width cycles a frame: ``hw.window`` puts a pixel of the
    window a cycle and takes kernel height x width times as long. There is no padding.

    Parameters
    ----------
    name : instance name.
    tensor : the input's type.
    kernel, stride : (vertical, horizontal); the kernel fits into the image.

    Raises
    ------
    ValueError : the kernel is larger than the image.
    """

    name:   str
    tensor: TensorType
    kernel: tuple[int, int]
    stride: tuple[int, int]

    def __post_init__(self):
        if min(self.output_size) < 1:
            raise ValueError(f"kernel must fit into the image {self.tensor.shape[:2]!r}, not {self.kernel!r}")

    @property
    def i(self):
        return Beats(self.tensor.dtype, self.tensor.channels)

    @property
    def o(self):
        return Beats(self.tensor.dtype, self.kernel[0] * self.kernel[1] * self.tensor.channels)

    @property
    def output_size(self):
        """Output rows and columns."""
        return tuple((extent - kernel) // stride + 1 for extent, kernel, stride
                     in zip(self.tensor.shape[:2], self.kernel, self.stride, strict=True))

    @property
    def interval_cycles(self):
        return self.tensor.height * self.tensor.width

    @property
    def frame_beats(self):
        return self.output_size[0] * self.output_size[1]

    def schedule(self, graph, channel):
        y, x = (np.arange(outputs) * stride + kernel - 1 for outputs, stride, kernel
                in zip(self.output_size, self.stride, self.kernel, strict=True))
        put  = (y[:, None] * self.tensor.width + x).ravel()
        return graph.chain(self.name, channel, self.interval_cycles, range(self.interval_cycles), put)

    def component(self):
        return LineBuffer(self)


class LineBuffer(UnitComponent):
    """The circuit of :class:`LineWindow`.

    Members
    -------
    i : a pixel a beat, a frame in raster order.
    o : a window a beat.
    """

    def _axis(self, m, axis, step):
        """Walk along an axis of the image: the position, whether it is the last, and whether it ends a window."""
        unit     = self._unit
        extent, kernel, stride = (sizes[axis] for sizes in (unit.tensor.shape, unit.kernel, unit.stride))
        first    = -(kernel - 1) % stride       # so that the phase is 0 where the first window ends
        position = Signal(below(extent), name="yx"[axis])
        phase    = Signal(below(stride), name="yx"[axis] + "_phase", init=first)
        last     = position == extent - 1
        with m.If(step):
            m.d.sync += [
                position.eq(Mux(last, 0, position + 1)),
                phase.eq(Mux(last, first, Mux(phase == stride - 1, 0, phase + 1))),
            ]
        reached = position >= kernel - 1 if kernel > 1 else Const(1)
        return position, last, reached & (phase == 0)

    def elaborate(self, platform):
        unit  = self._unit
        m     = Module()
        pixel = unit.i.payload_bits
        put, step = Signal(), Signal()
        x, x_last, x_ends = self._axis(m, 1, step)
        _, _,      y_ends = self._axis(m, 0, step & x_last)
        m.d.comb += [
            put.eq(x_ends & y_ends),
            self.i.ready.eq(~put | room(self.o)),
            step.eq(self.i.valid & self.i.ready),
        ]

        column = Signal(pixel * unit.kernel[0])         # the pixels of a column of the kernel, the oldest row first
        if unit.kernel[0] == 1:
            m.d.comb += column.eq(self.i.payload)
        else:
            m.submodules.rows = rows = memory.Memory(shape=pixel * (unit.kernel[0] - 1),
                                                     depth=max(2, unit.tensor.width), init=[])
            read, write = rows.read_port(domain="comb"), rows.write_port()
            m.d.comb += [
                column.eq(Cat(read.data, self.i.payload)),
                read.addr.eq(x), write.addr.eq(x), write.data.eq(column[pixel:]), write.en.eq(step),
            ]

        older   = [Signal.like(column, name=f"column_{kx}") for kx in range(unit.kernel[1] - 1)]
        columns = [*older, column]
        with m.If(step):
            m.d.sync += [before.eq(behind) for before, behind in zip(older, columns[1:], strict=True)]
        with m.If(step & put):
            m.d.sync += self.o.payload.eq(Cat(
                part.word_select(ky, pixel) for ky in range(unit.kernel[0]) for part in columns))
        output_register(m, self.o, step & put)
        return m
