"""The shortcut without weights: pixels are left out, channels of 0 are put in."""

from dataclasses import dataclass
from math import gcd

import numpy as np
from amaranth import *

from tritforge.export.ir.nodes import TensorType
from tritforge.export.ir.residual import Shortcut
from tritforge.hw.stream.counter import count
from tritforge.hw.stream.registry import unit_for
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, below, can_accept, output_register

__all__ = ["Subsampler", "SubsamplerUnit"]


@dataclass(frozen=True, kw_only=True)
class SubsamplerUnit(Unit):
    """Every ``stride``-th pixel from the first, with channels of 0 ``before`` and ``after`` its own (tritforge.export.ir.residual).

    Latency 1. A pixel that is kept takes a cycle for each beat it has behind the unit, one left out a cycle for each
    beat it had before. The channels of 0 ``before`` a pixel leave once the pixel is there.

    Parameters
    ----------
    name : instance name.
    tensor : the input's type.
    stride : (vertical, horizontal).
    before, after : channels of 0.
    lanes : channels per beat; divides the channels, ``before`` and ``after``.

    Raises
    ------
    ValueError : ``lanes`` does not divide them.
    """

    name:   str
    tensor: TensorType
    stride: tuple[int, int]
    before: int
    after:  int
    lanes:  int

    def __post_init__(self):
        if any(channels % self.lanes for channels in (self.tensor.channels, self.before, self.after)):
            raise ValueError(f"lanes must divide the {self.tensor.channels} channels and the {self.before} and "
                             f"{self.after} of 0, not {self.lanes!r}")

    @property
    def i(self):
        return Beats(self.tensor.dtype, self.lanes)

    @property
    def o(self):
        return self.i

    @property
    def pixel_beats(self):
        """Beats of a pixel before the unit."""
        return self.tensor.channels // self.lanes

    @property
    def kept_beats(self):
        """Beats of a pixel behind the unit."""
        return (self.before + self.tensor.channels + self.after) // self.lanes

    @property
    def first_beat(self):
        """Of the beats behind the unit, the first that is not 0."""
        return self.before // self.lanes

    def _kept(self):
        """Whether each pixel of the image is kept, in raster order."""
        y, x = (np.arange(extent) % stride == 0 for extent, stride
                in zip(self.tensor.shape[:2], self.stride, strict=True))
        return np.logical_and.outer(y, x).ravel()

    @property
    def interval_cycles(self):
        return int(np.where(self._kept(), self.kept_beats, self.pixel_beats).sum())

    @property
    def frame_beats(self):
        return int(self._kept().sum()) * self.kept_beats

    def schedule(self, graph, channel):
        kept   = self._kept()
        length = np.where(kept, self.kept_beats, self.pixel_beats)
        pixel  = np.repeat(np.arange(len(kept)), length)                        # of each step
        beat   = np.arange(len(pixel)) - np.repeat(np.cumsum(length) - length, length)
        begin  = np.where(kept, self.first_beat, 0)[pixel]
        taking = np.flatnonzero((beat >= begin) & (beat < begin + self.pixel_beats))
        behind = graph.chain(self.name, channel, len(pixel), taking, np.flatnonzero(kept[pixel]))
        if self.before and channel is not None:
            zeros  = np.flatnonzero(kept[pixel] & (beat == 0))                  # the step that waits without taking
            behind.producer.wait(channel.producer, channel.put[pixel[zeros] * self.pixel_beats], 1, at=zeros)
        return behind

    def component(self):
        return Subsampler(self)


@unit_for(Shortcut)
def _(node, source, *, target, lanes):
    return SubsamplerUnit(name="shortcut", tensor=source, stride=node.stride, before=node.before, after=node.after,
                          lanes=gcd(lanes, node.before, node.after))


class Subsampler(UnitComponent):
    """The circuit of :class:`SubsamplerUnit`. ``i`` and ``o`` carry ``lanes`` channels a beat in raster order."""

    def elaborate(self, platform):
        unit = self._unit
        m    = Module()
        step = Signal()
        beat = Signal(below(unit.kept_beats))
        kept = Signal()
        own  = Signal()             # a beat of the input's, not one of 0
        end    = unit.first_beat + unit.pixel_beats
        behind = kept & (beat >= end) if end < unit.kept_beats else Const(0)
        inside = (beat >= unit.first_beat) & (beat < end) if unit.pixel_beats < unit.kept_beats else Const(1)
        m.d.comb += [
            own.eq(~kept | inside),
            step.eq((behind | self.i.valid) & (~kept | can_accept(self.o))),
            self.i.ready.eq(own & (~kept | can_accept(self.o))),
        ]
        last    = beat == Mux(kept, unit.kept_beats - 1, unit.pixel_beats - 1)
        advance = count(m, beat, unit.kept_beats, step, last=None if unit.pixel_beats == unit.kept_beats else last)
        with m.If(step & kept):
            m.d.sync += self.o.payload.eq(self.i.payload)
        with m.If(step & kept & ~own):          # by the reset of the registers, not a gate for each bit
            m.d.sync += self.o.payload.eq(0)
        output_register(m, self.o, step & kept)

        phases = []
        for name, extent, stride in (("x", unit.tensor.width, unit.stride[1]), ("y", unit.tensor.height, unit.stride[0])):
            position = Signal(below(extent), name=name)
            phase    = Signal(below(stride), name=f"{name}_phase")
            count(m, phase, stride, advance, last=(position == extent - 1) | (phase == stride - 1))
            phases.append(phase == 0)
            advance = count(m, position, extent, advance)
        m.d.comb += kept.eq(phases[0] & phases[1])
        return m
