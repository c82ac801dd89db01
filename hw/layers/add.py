"""The join of a residual network: element-wise sum of two branches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from amaranth import *
from amaranth.lib import stream, wiring

from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import TensorType
from tritforge.export.ir.residual import Add
from tritforge.hw.stream.event_graph import Channel, EventGraph
from tritforge.hw.stream.registry import unit_for
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, can_accept, output_register

__all__ = ["Adder", "AdderUnit"]


@dataclass(frozen=True, kw_only=True)
class AdderUnit(Unit):
    """sum = left + right, element by element.

    Latency 1, interval 1 cycle per beat. Cost: one adder per lane.

    Parameters
    ----------
    name : instance name.
    left, right : element types of the two streams.
    lanes : elements per beat.
    elements : elements of either tensor, a multiple of ``lanes``.
    """

    name:     str
    left:     DataType
    right:    DataType
    lanes:    int
    elements: int

    @property
    def inputs(self) -> tuple[Beats, Beats]:
        """Beats of the two input streams."""
        return (Beats(self.left, self.lanes), Beats(self.right, self.lanes))

    @property
    def o(self) -> Beats:
        """``lanes`` sums of the narrowest type that holds them."""
        return Beats(
            DataType.from_range(
                self.left.minimum + self.right.minimum, self.left.maximum + self.right.maximum
            ),
            self.lanes,
        )

    @property
    def frame_beats(self) -> int:
        """elements / lanes."""
        return self.elements // self.lanes

    @property
    def interval_cycles(self) -> int:
        """One cycle per beat."""
        return self.frame_beats

    def schedule(self, graph: EventGraph, left: Channel | None, right: Channel | None) -> Channel:
        """Add a process that takes both inputs in each step; return the channel of its output."""
        process = graph.process(self.name, self.frame_beats)
        every   = np.arange(process.steps)
        for channel in (left, right):
            graph.take(channel, process, every)
        return Channel(process, every)

    def component(self) -> wiring.Component:
        """Return the :class:`Adder`."""
        return Adder(self)


@unit_for(Add)
def _(
    node: Add, left: TensorType, right: TensorType, *, target: TensorType, lanes: int
) -> AdderUnit:
    return AdderUnit(
        name="add", left=left.dtype, right=right.dtype, lanes=lanes, elements=left.size
    )


class Adder(UnitComponent):
    """The circuit of :class:`AdderUnit`: o = i0 + i1. Latency 1, interval 1 cycle per beat.

    Members
    -------
    i0, i1 : streams of the two branches; both transfer in the same cycle.
    o : stream of the sums, ``unit.o.payload_bits`` bits.
    """

    unit: AdderUnit
    i0: stream.Interface
    i1: stream.Interface

    def elaborate(self, platform: object) -> Module:
        """An adder per lane and the output register."""
        unit = self.unit
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
