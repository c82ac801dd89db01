"""Indexes of the best scores of a vector."""

from dataclasses import dataclass

from amaranth import *

from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.pools import TopK
from tritforge.hw.stream.counter import count
from tritforge.hw.stream.registry import unit_for
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, below, can_accept, output_register
from tritforge.hw.targets.rows import rows

__all__ = ["TopKSorter", "TopKSorterUnit"]


@dataclass(frozen=True, kw_only=True)
class TopKSorterUnit(Unit):
    """Indexes of the ``k`` largest of ``elements`` scores, the largest first, the lowest among equals.

    A score a cycle, sorted into ``k`` registers; the indexes leave as one beat, latency 1.

    Parameters
    ----------
    name : instance name.
    dtype : type of the scores.
    elements : length of the vector.
    k : number of indexes, at most ``elements``.
    """

    name:     str
    dtype:    DataType
    elements: int
    k:        int

    @property
    def i(self):
        return Beats(self.dtype, 1)

    @property
    def o(self):
        return Beats(DataType.from_range(0, self.elements - 1), self.k)

    @property
    def interval_cycles(self):
        return self.elements

    @property
    def frame_beats(self):
        return 1

    def schedule(self, graph, channel):
        return graph.chain(self.name, channel, self.elements, range(self.elements), [self.elements - 1])

    def component(self):
        return TopKSorter(self)


@unit_for(TopK)
def _(node, source, *, target, lanes):
    return TopKSorterUnit(name="best", dtype=source.dtype, elements=source.channels, k=node.k)


class TopKSorter(UnitComponent):
    """The circuit of :class:`TopKSorterUnit`. ``i``: a score a beat; ``o``: ``k`` indexes a vector, the best in the low bits."""

    def elaborate(self, platform):
        unit  = self._unit
        m     = Module()
        index = Signal(below(unit.elements))
        score = unit.i.view(self.i.payload)[0]
        last  = index == unit.elements - 1
        step  = Signal()
        m.d.comb += [
            self.i.ready.eq(~last | can_accept(self.o)),
            step.eq(self.i.valid & self.i.ready),
        ]
        turns  = count(m, index, unit.elements, step)
        row    = rows(m, platform)
        before = Const(0)                       # whether the score comes before the entry above
        above  = (score, index)
        filled = Const(1)                       # whether the entry above is one of this vector's
        for rank in range(unit.k):
            held      = Signal.like(score, name=f"score_{rank}")
            held_at   = Signal(len(index), name=f"index_{rank}")
            next_at   = Signal(len(index), name=f"next_index_{rank}")
            here      = Signal(name=f"before_{rank}")
            full      = Signal(name=f"filled_{rank}")
            # strictly: an equal score later in the vector stays behind; a rank that is still empty loses to all
            m.d.comb += [
                here.eq(~row.no_less(f"no_less_{rank}", held, score, full)),
                next_at.eq(Mux(here, Mux(before, above[1], index), held_at)),
            ]
            with m.If(step):
                m.d.sync += [held.eq(Mux(here, Mux(before, above[0], score), held)), held_at.eq(next_at), full.eq(filled)]
            with m.If(turns):
                m.d.sync += full.eq(0)
            with m.If(step & last):
                m.d.sync += unit.o.view(self.o.payload)[rank].eq(next_at)
            before, above, filled = here, (held, held_at), full
        output_register(m, self.o, step & last)
        return m
