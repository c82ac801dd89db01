"""The parameter-free shortcut of a residual network: subsampled pixels, zero-padded channels."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np
import numpy.typing as npt
from amaranth import *
from amaranth.lib import wiring

from tritforge.export.ir.nodes import TensorType
from tritforge.export.ir.residual import Shortcut
from tritforge.hw.stream.counter import modulo_counter
from tritforge.hw.stream.event_graph import Channel, EventGraph
from tritforge.hw.stream.registry import unit_for
from tritforge.hw.stream.unit import (
    Beats,
    ImageUnit,
    UnitComponent,
    below,
    can_accept,
    output_register,
)

__all__ = ["Subsampler", "SubsamplerUnit"]


@dataclass(frozen=True, kw_only=True)
class SubsamplerUnit(ImageUnit):
    """Every ``stride``-th pixel from the first, with ``before`` and ``after`` zero channels around
    its own.

    Latency 1. Interval: ``output_beats`` cycles per forwarded pixel, ``pixel_beats`` per dropped
    one. The leading zero channels leave once the pixel has arrived. Cost: counters and an output
    register.

    Parameters
    ----------
    stride : (vertical, horizontal).
    before, after : zero channels; multiples of ``lanes``.

    Raises
    ------
    ValueError : ``lanes`` does not divide the channels, ``before`` and ``after``.

    Source: option A of K. He et al., "Deep residual learning", 2016 (tritforge.export.ir.residual).
    """

    stride: tuple[int, int]
    before: int
    after:  int

    def __post_init__(self) -> None:
        if any(
            channels % self.lanes for channels in (self.tensor.channels, self.before, self.after)
        ):
            raise ValueError(
                f"lanes must divide the {self.tensor.channels} channels and the {self.before} and "
                f"{self.after} of 0, not {self.lanes!r}"
            )

    @property
    def o(self) -> Beats:
        """As the input."""
        return self.i

    @property
    def output_beats(self) -> int:
        """Output beats per pixel."""
        return (self.before + self.tensor.channels + self.after) // self.lanes

    @property
    def first_beat(self) -> int:
        """First output beat of a pixel that is not a zero channel."""
        return self.before // self.lanes

    def _forwarded(self) -> npt.NDArray[np.bool_]:
        """Whether each pixel of the image is forwarded, in raster order."""
        y, x = (np.arange(extent) % stride == 0 for extent, stride
                in zip(self.tensor.shape[:2], self.stride, strict=True))
        return np.logical_and.outer(y, x).ravel()

    @property
    def interval_cycles(self) -> int:
        """Beats of all pixels, dropped ones included."""
        return int(np.where(self._forwarded(), self.output_beats, self.pixel_beats).sum())

    @property
    def frame_beats(self) -> int:
        """Forwarded pixels * output_beats."""
        return int(self._forwarded().sum()) * self.output_beats

    def schedule(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add a process with the steps of forwarded and dropped pixels."""
        forwarded = self._forwarded()
        length    = np.where(forwarded, self.output_beats, self.pixel_beats)
        pixel     = np.repeat(np.arange(len(forwarded)), length)                # of each step
        beat      = np.arange(len(pixel)) - np.repeat(np.cumsum(length) - length, length)
        begin     = np.where(forwarded, self.first_beat, 0)[pixel]
        taking    = np.flatnonzero((beat >= begin) & (beat < begin + self.pixel_beats))
        output    = graph.chain(
            self.name, channel, len(pixel), taking, np.flatnonzero(forwarded[pixel])
        )
        if self.before and channel is not None:
            # leading zeros leave once the pixel has arrived, though they take no beat of it
            zeros = np.flatnonzero(forwarded[pixel] & (beat == 0))
            output.producer.wait(
                channel.producer, channel.put[pixel[zeros] * self.pixel_beats], 1, at=zeros
            )
        return output

    def component(self) -> wiring.Component:
        """Return the :class:`Subsampler`."""
        return Subsampler(self)


@unit_for(Shortcut)
def _(node: Shortcut, source: TensorType, *, target: TensorType, lanes: int) -> SubsamplerUnit:
    return SubsamplerUnit(
        name="shortcut",
        tensor=source,
        stride=node.stride,
        before=node.before,
        after=node.after,
        lanes=gcd(lanes, node.before, node.after),
    )


class Subsampler(UnitComponent):
    """The circuit of :class:`SubsamplerUnit`. Latency 1.

    Members
    -------
    i : ``lanes`` channels per beat, a frame in raster order.
    o : ``lanes`` channels per beat, in raster order.
    """

    unit: SubsamplerUnit

    def elaborate(self, platform: object) -> Module:
        """Beat and position counters, and an output register that is reset for zero channels."""
        unit = self.unit
        m    = Module()
        step = Signal()
        beat = Signal(below(unit.output_beats))
        kept = Signal()
        own  = Signal()             # a beat of the input's, not one of 0
        end    = unit.first_beat + unit.pixel_beats
        behind = kept & (beat >= end) if end < unit.output_beats else Const(0)
        inside = (
            (beat >= unit.first_beat) & (beat < end)
            if unit.pixel_beats < unit.output_beats
            else Const(1)
        )
        m.d.comb += [
            own.eq(~kept | inside),
            step.eq((behind | self.i.valid) & (~kept | can_accept(self.o))),
            self.i.ready.eq(own & (~kept | can_accept(self.o))),
        ]
        last    = beat == Mux(kept, unit.output_beats - 1, unit.pixel_beats - 1)
        advance = modulo_counter(
            m,
            beat,
            unit.output_beats,
            step,
            last=None if unit.pixel_beats == unit.output_beats else last,
        )
        with m.If(step & kept):
            m.d.sync += self.o.payload.eq(self.i.payload)
        # by the reset of the registers, not a gate for each bit
        with m.If(step & kept & ~own):
            m.d.sync += self.o.payload.eq(0)
        output_register(m, self.o, step & kept)

        phases = []
        for name, extent, stride in (
            ("x", unit.tensor.width, unit.stride[1]),
            ("y", unit.tensor.height, unit.stride[0]),
        ):
            position = Signal(below(extent), name=name)
            phase    = Signal(below(stride), name=f"{name}_phase")
            modulo_counter(
                m, phase, stride, advance, last=(position == extent - 1) | (phase == stride - 1)
            )
            phases.append(phase == 0)
            advance = modulo_counter(m, position, extent, advance)
        m.d.comb += kept.eq(phases[0] & phases[1])
        return m
