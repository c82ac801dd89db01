"""Lanes of a beat in another order, which depends on the beat."""

from dataclasses import dataclass

from amaranth import *

from tritforge.export.artifacts.rom import Role, RomImage
from tritforge.hw.stream.rom import Rom, read_ahead
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, can_accept, output_register
from tritforge.types import IntArray

__all__ = ["LanePermutation", "LanePermutationUnit", "permuted"]


@dataclass(frozen=True, kw_only=True, eq=False)
class LanePermutationUnit(Unit):
    """``o[lane] = i[order[beat mod period][lane]]``. One beat a cycle, latency 1; ``lanes`` multiplexers.

    Parameters
    ----------
    name : instance name, and the role of the ROM image with the orders.  layer : the layer it belongs to.
    beats : what it takes and puts.
    order : [period, lanes], a permutation for each beat of a period.
    periods : periods a frame.
    """

    name:    str
    layer:   str
    beats:   Beats
    order:   IntArray
    periods: int

    @property
    def i(self):
        return self.beats

    @property
    def o(self):
        return self.beats

    @property
    def interval_cycles(self):
        return self.frame_beats

    @property
    def frame_beats(self):
        return self.periods * len(self.order)

    @property
    def select_bits(self):
        """Width of a lane's number in the ROM."""
        return max(1, (self.beats.lanes - 1).bit_length())

    @property
    def rom(self):
        """The orders, one word a beat; lane l at bit l * select_bits."""
        words = tuple(sum(int(source) << at * self.select_bits for at, source in enumerate(order)) for order in self.order)
        return RomImage(self.layer, Role(self.name), self.beats.lanes * self.select_bits, words)

    def schedule(self, graph, channel):
        return graph.chain(self.name, channel, self.frame_beats, range(self.frame_beats), range(self.frame_beats))

    def component(self):
        return LanePermutation(self)


class LanePermutation(UnitComponent):
    """The circuit of :class:`LanePermutationUnit`. Reads the order of the next beat while the present one leaves.

    Members
    -------
    i, o : beats of ``lanes`` elements.
    """

    def elaborate(self, platform):
        unit = self.unit
        m    = Module()
        m.submodules.order = order = Rom(unit.rom)
        step = Signal()
        m.d.comb += [step.eq(self.i.valid & can_accept(self.o)), self.i.ready.eq(can_accept(self.o))]
        read_ahead(m, order, len(unit.order), step)
        with m.If(step):
            m.d.sync += self.o.payload.eq(Cat(
                self.i.payload.word_select(order.data.word_select(lane, unit.select_bits), unit.i.dtype.bits)
                for lane in range(unit.i.lanes)))
        output_register(m, self.o, step)
        return m


def permuted(name, layer, beats, order, periods):
    """The unit in a list, none where every beat keeps its order."""
    if (order == range(beats.lanes)).all():
        return []
    return [LanePermutationUnit(name=name, layer=layer, beats=beats, order=order, periods=periods)]
