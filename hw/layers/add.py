"""The join of a residual network: two branches, element by element."""

from dataclasses import dataclass

import numpy as np
from amaranth import *

from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.residual import Add
from tritforge.hw.stream.event_graph import Channel
from tritforge.hw.stream.registry import unit_for
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, can_accept, output_register

__all__ = ["Adder", "AdderUnit"]


@dataclass(frozen=True, kw_only=True)
class AdderUnit(Unit):
    """Sums of two streams, beat by beat, of one lane count. One beat a cycle, latency 1.

    Parameters
    ----------
    name : instance name.
    left, right : element types of the two streams.
    lanes : elements a beat.
    elements : elements of either tensor, a multiple of ``lanes``.
    """

    name:     str
    left:     DataType
    right:    DataType
    lanes:    int
    elements: int

    @property
    def inputs(self):
        return (Beats(self.left, self.lanes), Beats(self.right, self.lanes))

    @property
    def o(self):
        return Beats(DataType.from_range(self.left.minimum + self.right.minimum, self.left.maximum + self.right.maximum),
                     self.lanes)

    @property
    def frame_beats(self):
        return self.elements // self.lanes

    @property
    def interval_cycles(self):
        return self.frame_beats

    def schedule(self, graph, left, right):
        process = graph.process(self.name, self.frame_beats)
        every   = np.arange(process.steps)
        for channel in (left, right):
            graph.take(channel, process, every)
        return Channel(process, every)

    def component(self):
        return Adder(self)


@unit_for(Add)
def _(node, left, right, *, target, lanes):
    return AdderUnit(name="add", left=left.dtype, right=right.dtype, lanes=lanes, elements=left.size)


class Adder(UnitComponent):
    """The circuit of :class:`AdderUnit`.

    Members
    -------
    i0, i1 : the branches.
    o : the sums.
    """

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
