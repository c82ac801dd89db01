"""Index of the largest score of a vector."""

from dataclasses import dataclass

from amaranth import *

from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import ArgMax
from tritforge.hw.stream.counter import count
from tritforge.hw.stream.registry import unit_for
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, can_accept, output_register
from tritforge.hw.targets.limits import MAX_GATE_COUNT
from tritforge.hw.targets.operators import maximum
from tritforge.hw.targets.rows import rows

__all__ = ["RunningArgMax", "RunningArgMaxUnit"]


@dataclass(frozen=True, kw_only=True)
class RunningArgMaxUnit(Unit):
    """Index of the largest of ``elements`` scores, the lowest among equals; one beat a cycle, latency 1.

    Parameters
    ----------
    name : instance name.
    dtype : type of the scores.
    elements : length of the vector.
    lanes : scores a beat; divides ``elements``.
    """

    name:     str
    dtype:    DataType
    elements: int
    lanes:    int

    @property
    def i(self):
        return Beats(self.dtype, self.lanes)

    @property
    def o(self):
        return Beats(DataType.from_range(0, self.elements - 1), 1)

    @property
    def steps(self):
        """Beats of a vector."""
        return self.elements // self.lanes

    @property
    def interval_cycles(self):
        return self.steps

    @property
    def frame_beats(self):
        return 1

    def schedule(self, graph, channel):
        steps = self.interval_cycles
        return graph.chain(self.name, channel, steps, range(steps), [steps - 1])

    def component(self):
        return RunningArgMax(self)


@unit_for(ArgMax)
def _(node, source, *, target, lanes):
    return RunningArgMaxUnit(name="largest", dtype=source.dtype, elements=source.channels, lanes=lanes)


class RunningArgMax(UnitComponent):
    """The circuit of :class:`RunningArgMaxUnit`. ``i``: beats of ``lanes`` scores; ``o``: one index a vector."""

    def elaborate(self, platform):
        unit  = self._unit
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
        at = Cat(lane, first[len(lane):]) if unit.lanes == 1 << len(lane) else (first + lane)[:index]
        turns = count(m, first, unit.elements, step, by=unit.lanes)
        begun = first != 0
        if unit.steps > MAX_GATE_COUNT:                  # a flag instead of a gate for all bits, behind a comparison
            begun = Signal()
            with m.If(step):
                m.d.sync += begun.eq(1)
            with m.If(turns):
                m.d.sync += begun.eq(0)
        stays = Signal()                        # also among equals: a score later in the vector does not win
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
