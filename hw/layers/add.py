"""The join of a residual network: two branches, element by element."""

from dataclasses import dataclass

import numpy as np
from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tritforge.export.ir.datatype import DataType
from tritforge.hw.stream.event_graph import Channel
from tritforge.hw.stream.unit import Beats, can_accept, output_register

__all__ = ["Adder", "AdderUnit"]


@dataclass(frozen=True, kw_only=True)
class AdderUnit:
    """Sums of two streams, beat by beat, of one lane count. One beat a cycle, latency 1.

    A unit (tritforge.hw.stream.unit.Unit) but for its two inputs.

    Parameters
    ----------
    name : instance name.
    left, right : element types of the two streams.
    lanes : elements a beat.
    frame_beats : beats a frame.
    """

    name:        str
    left:        DataType
    right:       DataType
    lanes:       int
    frame_beats: int

    @property
    def inputs(self):
        return (Beats(self.left, self.lanes), Beats(self.right, self.lanes))

    @property
    def o(self):
        return Beats(DataType.from_range(self.left.minimum + self.right.minimum, self.left.maximum + self.right.maximum),
                     self.lanes)

    @property
    def interval_cycles(self):
        return self.frame_beats

    def schedule(self, graph, left, right):
        """Add the process to ``graph``; returns the channel behind it."""
        process = graph.process(self.name, self.frame_beats)
        every   = np.arange(process.steps)
        for channel in (left, right):
            graph.take(channel, process, every)
        return Channel(process, every)

    def component(self):
        return Adder(self)


class Adder(wiring.Component):
    """The circuit of :class:`AdderUnit`.

    Members
    -------
    i0, i1 : the branches.
    o : the sums.
    """

    def __init__(self, unit):
        self._unit = unit
        left, right = unit.inputs
        super().__init__({"i0": In(left.signature()), "i1": In(right.signature()), "o": Out(unit.o.signature())})

    def elaborate(self, platform):
        unit = self._unit
        m    = Module()
        step = Signal()
        m.d.comb += [
            step.eq(self.i0.valid & self.i1.valid & can_accept(self.o)),
            self.i0.ready.eq(self.i1.valid & can_accept(self.o)),
            self.i1.ready.eq(self.i0.valid & can_accept(self.o)),
        ]
        left, right = unit.inputs
        with m.If(step):
            for lane in range(unit.lanes):
                m.d.sync += unit.o.view(self.o.payload)[lane].eq(
                    left.view(self.i0.payload)[lane] + right.view(self.i1.payload)[lane])
        output_register(m, self.o, step)
        return m
