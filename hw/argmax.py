"""Index of the largest score of a vector."""

from dataclasses import dataclass

from amaranth import *

from export.datatype import DataType
from hw.arithmetic import maximum
from hw.cost import Cost, larger, wrap_bits
from hw.stream import Beats, Unit, UnitComponent, output_register, room

__all__ = ["ArgMax", "Largest"]


@dataclass(frozen=True, kw_only=True)
class Largest(Unit):
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
    def interval_cycles(self):
        return self.elements // self.lanes

    @property
    def frame_beats(self):
        return 1

    def schedule(self, graph, channel):
        steps = self.interval_cycles
        return graph.chain(self.name, channel, steps, range(steps), [steps - 1])

    def cost(self, technology):
        """Registers: the index of the beat's first lane, the best score and
        its index, the index put and valid. Each of ``lanes`` comparisons takes LUTs for the bits of scores and chooses
        between two of them and between two indexes."""
        index = self.o.dtype.bits
        first = index if self.elements > self.lanes else 0
        return Cost(ff=first + self.dtype.bits + 2 * index + 1) + technology.logic(
            "largest", one=1, score=self.dtype.bits, counter=first, wraps=wrap_bits(self.elements) if first else 0,
            indexes=(self.lanes - 1) * index, **larger(self.dtype.bits, self.lanes - 1))

    def component(self):
        return ArgMax(self)


class ArgMax(UnitComponent):
    """The circuit of :class:`Largest`. ``i``: beats of ``lanes`` scores; ``o``: one index a vector."""

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
        lanes = [(score[lane], first + lane) for lane in range(unit.lanes)]
        value, at = maximum(m, lanes)
        winner       = Signal.like(best)
        winner_index = Signal.like(best_index)
        better = (first == 0) | (value > best)  # strictly: an equal score later in the vector does not win
        m.d.comb += [
            self.i.ready.eq(~last | room(self.o)),
            step.eq(self.i.valid & self.i.ready),
            winner.eq(Mux(better, value, best)),
            winner_index.eq(Mux(better, at, best_index)),
        ]
        with m.If(step):
            m.d.sync += [best.eq(winner), best_index.eq(winner_index), first.eq(Mux(last, 0, first + unit.lanes))]
        with m.If(step & last):
            m.d.sync += self.o.payload.eq(winner_index)
        output_register(m, self.o, step & last)
        return m
