"""Index of the largest score of a vector."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth import *
from amaranth.lib import wiring

from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import ArgMax, TensorType
from tritforge.hw.stream.counter import modulo_counter
from tritforge.hw.stream.event_graph import Channel, EventGraph
from tritforge.hw.stream.registry import unit_for
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, can_accept, output_register
from tritforge.hw.targets.limits import MAX_GATE_COUNT
from tritforge.hw.targets.operators import maximum
from tritforge.hw.targets.rows import rows

__all__ = ["RunningArgMax", "RunningArgMaxUnit"]


@dataclass(frozen=True, kw_only=True)
class RunningArgMaxUnit(Unit):
    """index = argmax of ``elements`` scores, the lowest index among equals.

    Latency 1, interval elements / lanes cycles. Cost: ``lanes`` comparators.

    Parameters
    ----------
    name : instance name.
    dtype : type of the scores.
    elements : length of the vector.
    lanes : scores per beat; divides ``elements``.
    """

    name:     str
    dtype:    DataType
    elements: int
    lanes:    int

    @property
    def i(self) -> Beats:
        """``lanes`` scores."""
        return Beats(self.dtype, self.lanes)

    @property
    def o(self) -> Beats:
        """One index."""
        return Beats(DataType.from_range(0, self.elements - 1), 1)

    @property
    def steps(self) -> int:
        """Beats of a vector."""
        return self.elements // self.lanes

    @property
    def interval_cycles(self) -> int:
        """One cycle per input beat."""
        return self.steps

    @property
    def frame_beats(self) -> int:
        """One index per vector."""
        return 1

    def schedule(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add a process that takes every beat and puts the index in the last step."""
        steps = self.interval_cycles
        return graph.chain(self.name, channel, steps, range(steps), [steps - 1])

    def component(self) -> wiring.Component:
        """Return the :class:`RunningArgMax`."""
        return RunningArgMax(self)


@unit_for(ArgMax)
def _(node: ArgMax, source: TensorType, *, target: TensorType, lanes: int) -> RunningArgMaxUnit:
    return RunningArgMaxUnit(
        name="largest", dtype=source.dtype, elements=source.channels, lanes=lanes
    )


class RunningArgMax(UnitComponent):
    """The circuit of :class:`RunningArgMaxUnit`. Latency 1, interval 1 cycle per input beat.

    Members
    -------
    i : ``lanes`` scores per beat.
    o : one index per vector.
    """

    unit: RunningArgMaxUnit

    def elaborate(self, platform: object) -> Module:
        """A comparator tree for the beat, and one comparator with the best score so far."""
        unit  = self.unit
        m     = Module()
        index = unit.o.dtype.bits
        score = unit.i.view(self.i.payload)
        first = Signal(index)                   # index of the beat's first lane
        best       = Signal.like(score[0])
        best_index = Signal(index)
        last  = first == unit.elements - unit.lanes
        step  = Signal()
        row   = rows(m, platform)
        value, lane = maximum(m, row, list(score))
        at = (
            Cat(lane, first[len(lane) :])
            if unit.lanes == 1 << len(lane)
            else (first + lane)[:index]
        )
        wrap = modulo_counter(m, first, unit.elements, step, by=unit.lanes)
        begun = first != 0
        # a flag instead of a gate for all bits, behind a comparison
        if unit.steps > MAX_GATE_COUNT:
            begun = Signal()
            with m.If(step):
                m.d.sync += begun.eq(1)
            with m.If(wrap):
                m.d.sync += begun.eq(0)
        # also among equals: a score later in the vector does not win
        stays = Signal()
        m.d.comb += [
            self.i.ready.eq(~last | can_accept(self.o)),
            step.eq(self.i.valid & self.i.ready),
            stays.eq(row.no_less("no_less", best, value, begun)),
        ]
        with m.If(step & ~stays):
            m.d.sync += [best.eq(value), best_index.eq(at)]
        with m.If(step & last):
            m.d.sync += self.o.payload.eq(row.choose("index", stays, best_index, at))
        output_register(m, self.o, step & last)
        return m
