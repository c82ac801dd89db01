"""Permutation of the lanes of a beat, which depends on the beat."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth import *
from amaranth.lib import wiring

from tritforge.export.artifacts.rom import Role, RomImage
from tritforge.hw.stream.event_graph import Channel, EventGraph
from tritforge.hw.stream.rom import Rom, read_ahead
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, can_accept, output_register
from tritforge.types import IntArray

__all__ = ["LanePermutation", "LanePermutationUnit", "permuted"]


@dataclass(frozen=True, kw_only=True, eq=False)
class LanePermutationUnit(Unit):
    """``o[lane] = i[order[beat mod period][lane]]``.

    Latency 1, interval 1 cycle per beat. Cost: a lanes:1 multiplexer per output bit, and a ROM.

    Parameters
    ----------
    name : instance name, and the role of the ROM image of the orders.
    layer : the layer that it belongs to.
    beats : content of a beat.
    order : [period, lanes], a permutation for each beat of a period.
    periods : periods per frame.
    """

    name:    str
    layer:   str
    beats:   Beats
    order:   IntArray
    periods: int

    @property
    def i(self) -> Beats:
        """``beats``."""
        return self.beats

    @property
    def o(self) -> Beats:
        """``beats``, permuted."""
        return self.beats

    @property
    def interval_cycles(self) -> int:
        """One cycle per beat."""
        return self.frame_beats

    @property
    def frame_beats(self) -> int:
        """periods * period."""
        return self.periods * len(self.order)

    @property
    def select_bits(self) -> int:
        """Width of a lane number in the ROM, in bits."""
        return max(1, (self.beats.lanes - 1).bit_length())

    @property
    def rom(self) -> RomImage:
        """The ROM image of the orders, one word per beat; lane l at bit l * select_bits."""
        words = tuple(
            sum(int(source) << at * self.select_bits for at, source in enumerate(order))
            for order in self.order
        )
        return RomImage(self.layer, Role(self.name), self.beats.lanes * self.select_bits, words)

    def schedule(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add a process with one step per beat."""
        return graph.chain(
            self.name, channel, self.frame_beats, range(self.frame_beats), range(self.frame_beats)
        )

    def component(self) -> wiring.Component:
        """Return the :class:`LanePermutation`."""
        return LanePermutation(self)


class LanePermutation(UnitComponent):
    """The circuit of :class:`LanePermutationUnit`. Latency 1, interval 1 cycle per beat.

    The ROM reads the order of the next beat while the present one leaves.

    Members
    -------
    i, o : ``lanes`` elements per beat.
    """

    unit: LanePermutationUnit

    def elaborate(self, platform: object) -> Module:
        """The order ROM, a multiplexer per lane, and the output register."""
        unit = self.unit
        m    = Module()
        m.submodules.order = order = Rom(unit.rom)
        step = Signal()
        m.d.comb += [
            step.eq(self.i.valid & can_accept(self.o)),
            self.i.ready.eq(can_accept(self.o)),
        ]
        read_ahead(m, order, len(unit.order), step)
        with m.If(step):
            m.d.sync += self.o.payload.eq(
                Cat(
                    self.i.payload.word_select(
                        order.data.word_select(lane, unit.select_bits), unit.i.dtype.bits
                    )
                    for lane in range(unit.i.lanes)
                )
            )
        output_register(m, self.o, step)
        return m


def permuted(name: str, layer: str, beats: Beats, order: IntArray, periods: int) -> list[Unit]:
    """Return the permutation in a list; an empty list if every beat keeps its order.

    Parameters as of :class:`LanePermutationUnit`.
    """
    if (order == range(beats.lanes)).all():
        return []
    return [LanePermutationUnit(name=name, layer=layer, beats=beats, order=order, periods=periods)]
