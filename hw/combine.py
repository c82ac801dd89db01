"""The planes of a layer joined: sums times their coefficients, all additions of a plane in one cycle."""

from dataclasses import replace

import numpy as np
from amaranth import *

from hw.arithmetic import add_all
from hw.cost import Cost, counter_bits
from hw.counter import count
from hw.planes import JoinedPlanes, Planes, signed_digits
from hw.stream import UnitComponent, below, output_register, room

__all__ = ["Combine", "CombinePlanes", "combined"]


class Combine(JoinedPlanes):
    """All additions of a plane in one cycle: a coefficient costs an adder for each of its ones but the first, and no
    DSP. One beat a cycle, latency 1 behind the last plane's."""

    @property
    def interval_cycles(self):
        return self.totals * len(self.coefficients)

    def schedule(self, graph, channel):
        steps  = self.interval_cycles
        planes = len(self.coefficients)
        total  = graph.chain(self.name, channel, steps, range(steps), range(planes - 1, steps, planes))
        return replace(total, spoils=total.put + 1)

    def cost(self, technology):
        """Registers: the plane, the totals, valid. An adder of ``target`` bits for each one of a coefficient but the first,
        and one more for each plane but the first; then a multiplexer of the planes."""
        adders = [coefficient.bit_count() - (index == 0) for index, coefficient in enumerate(self.coefficients)]
        bits   = self.lanes * self.target.bits
        return Cost(ff=counter_bits(len(self.coefficients)) + self.o.payload_bits + 1) + technology.logic(
            "combine", one=1, adders=bits * sum(adders), mux=bits)

    def component(self):
        return CombinePlanes(self)


class CombinePlanes(UnitComponent):
    """The circuit of :class:`Combine`; the total grows in the output register itself.

    Members
    -------
    i : beats of sums, plane 0 first.
    o : beats of totals.
    """

    def elaborate(self, platform):
        unit  = self._unit
        m     = Module()
        plane = Signal(below(len(unit.coefficients)))
        last  = plane == len(unit.coefficients) - 1
        step  = Signal()
        m.d.comb += [self.i.ready.eq(room(self.o)), step.eq(self.i.valid & room(self.o))]
        count(m, plane, len(unit.coefficients), step)
        with m.If(step):
            for lane in range(unit.lanes):
                total = self.o.payload.word_select(lane, unit.target.bits)
                value = self.i.payload.word_select(lane, unit.source.bits)
                with m.Switch(plane):
                    for index, coefficient in enumerate(unit.coefficients):
                        shifted = [value << bit for bit in range(coefficient.bit_length()) if coefficient >> bit & 1]
                        with m.Case(index):
                            m.d.sync += total.eq(add_all(shifted if index == 0 else [*shifted, total]))
        output_register(m, self.o, step & last)
        return m


def combined(steps, **parameters):
    """What joins the planes: a digit a cycle (hw.planes) where that saves additions and hardly costs time.

    Parameters
    ----------
    steps : [results, J], cycles from plane to plane; a 64th of them all may be lost.
    parameters : of either unit, but for the name.
    """
    digits = [len(signed_digits(coefficient)) for coefficient in parameters["coefficients"]]
    if sum(digits) > len(digits) and np.maximum(steps, digits).sum() <= np.sum(steps) * 65 // 64:
        return Planes(name="planes", **parameters)
    return Combine(name="combine", **parameters)
