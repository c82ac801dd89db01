"""Indices of the largest scores of a vector."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth import *
from amaranth.lib import wiring

from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import TensorType
from tritforge.export.ir.pools import TopK
from tritforge.hw.stream.counter import modulo_counter
from tritforge.hw.stream.event_graph import Channel, EventGraph
from tritforge.hw.stream.registry import unit_for
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, below, can_accept, output_register
from tritforge.hw.targets.rows import rows

__all__ = ["TopKSorter", "TopKSorterUnit"]


@dataclass(frozen=True, kw_only=True)
class TopKSorterUnit(Unit):
    """Indices of the ``k`` largest of ``elements`` scores, largest first, the lowest index among
    equals.

    An insertion sorter: latency 1 after the last score, interval ``elements`` cycles. Cost: ``k``
    comparators and registers of score and index. The indices leave as one beat.

    Parameters
    ----------
    name : instance name.
    dtype : type of the scores.
    elements : length of the vector.
    k : number of indices, at most ``elements``.
    """

    name:     str
    dtype:    DataType
    elements: int
    k:        int

    @property
    def i(self) -> Beats:
        """One score."""
        return Beats(self.dtype, 1)

    @property
    def o(self) -> Beats:
        """``k`` indices."""
        return Beats(DataType.from_range(0, self.elements - 1), self.k)

    @property
    def interval_cycles(self) -> int:
        """One cycle per score."""
        return self.elements

    @property
    def frame_beats(self) -> int:
        """One beat of indices per vector."""
        return 1

    def schedule(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add a process that takes every score and puts the indices in the last step."""
        return graph.chain(
            self.name, channel, self.elements, range(self.elements), [self.elements - 1]
        )

    def component(self) -> wiring.Component:
        """Return the :class:`TopKSorter`."""
        return TopKSorter(self)


@unit_for(TopK)
def _(node: TopK, source: TensorType, *, target: TensorType, lanes: int) -> TopKSorterUnit:
    return TopKSorterUnit(name="best", dtype=source.dtype, elements=source.channels, k=node.k)


class TopKSorter(UnitComponent):
    """The circuit of :class:`TopKSorterUnit`. Latency 1, interval 1 cycle per score.

    Members
    -------
    i : one score per beat.
    o : ``k`` indices per vector, the best in the low bits.
    """

    unit: TopKSorterUnit

    def elaborate(self, platform: object) -> Module:
        """A chain of ``k`` ranks, each with a comparator."""
        unit  = self.unit
        m     = Module()
        index = Signal(below(unit.elements))
        score = unit.i.view(self.i.payload)[0]
        last  = index == unit.elements - 1
        step  = Signal()
        m.d.comb += [
            self.i.ready.eq(~last | can_accept(self.o)),
            step.eq(self.i.valid & self.i.ready),
        ]
        wrap  = modulo_counter(m, index, unit.elements, step)
        row    = rows(m, platform)
        before: Value = Const(0)                # whether the score comes before the entry above
        above  = (score, index)
        filled: Value = Const(1)                # whether the entry above is one of this vector's
        for rank in range(unit.k):
            held      = Signal.like(score, name=f"score_{rank}")
            held_at   = Signal(len(index), name=f"index_{rank}")
            next_at   = Signal(len(index), name=f"next_index_{rank}")
            here      = Signal(name=f"before_{rank}")
            full      = Signal(name=f"filled_{rank}")
            # strictly: an equal score later in the vector stays behind; a rank that is still empty
            # loses to all
            m.d.comb += [
                here.eq(~row.no_less(f"no_less_{rank}", held, score, full)),
                next_at.eq(Mux(here, Mux(before, above[1], index), held_at)),
            ]
            with m.If(step):
                m.d.sync += [
                    held.eq(Mux(here, Mux(before, above[0], score), held)),
                    held_at.eq(next_at),
                    full.eq(filled),
                ]
            with m.If(wrap):
                m.d.sync += full.eq(0)
            with m.If(step & last):
                m.d.sync += unit.o.view(self.o.payload)[rank].eq(next_at)
            before, above, filled = here, (held, held_at), full
        output_register(m, self.o, step & last)
        return m
