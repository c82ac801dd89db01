"""Weighted sum of planes that arrive in sequence, all additions of a plane in one cycle."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from amaranth import *
from amaranth.lib import wiring

from tritforge.hw.engines.planes_serial import PlanesUnit, SerialPlanesUnit, signed_digits
from tritforge.hw.stream.counter import modulo_counter
from tritforge.hw.stream.event_graph import Channel, EventGraph
from tritforge.hw.stream.unit import UnitComponent, below, can_accept, output_register
from tritforge.hw.targets.operators import Operators
from tritforge.hw.targets.rows import rows

__all__ = ["ParallelPlanes", "ParallelPlanesUnit", "combined"]


ROW = 3
"""Terms of a row of additions."""


class ParallelPlanesUnit(PlanesUnit):
    """A multiplier by constants without DSP: all additions of a plane in one cycle.

    Latency 1 after the last plane, interval 1 cycle per plane. Cost per lane: an adder for each one
    of a coefficient but the first, a multiplexer of the planes, and an accumulator.
    """

    @property
    def interval_cycles(self) -> int:
        """One cycle per plane."""
        return self.totals * len(self.coefficients)

    def schedule(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add a process that takes every plane and puts after the last one."""
        steps  = self.interval_cycles
        planes = len(self.coefficients)
        total = graph.chain(
            self.name, channel, steps, range(steps), range(planes - 1, steps, planes)
        )
        return replace(total, overwrites=total.put + 1)

    def component(self) -> wiring.Component:
        """Return the :class:`ParallelPlanes`."""
        return ParallelPlanes(self)


class ParallelPlanes(UnitComponent):
    """The circuit of :class:`ParallelPlanesUnit`; the output register is the accumulator.

    Latency 1 after the last plane, interval 1 cycle per plane.

    Members
    -------
    i : ``lanes`` sums per beat, plane 0 first.
    o : ``lanes`` totals per beat.
    """

    unit: ParallelPlanesUnit

    def elaborate(self, platform: object) -> Module:
        """A multiplier per plane and lane, and the accumulator."""
        unit  = self.unit
        m     = Module()
        built = getattr(platform, "target", None)
        row   = rows(m, platform) if built is not None and built.PLAIN_SUMS else Operators()
        width = unit.target.bits
        plane = Signal(below(len(unit.coefficients)))
        last  = plane == len(unit.coefficients) - 1
        step  = Signal()
        m.d.comb += [
            self.i.ready.eq(can_accept(self.o)),
            step.eq(self.i.valid & can_accept(self.o)),
        ]
        modulo_counter(m, plane, len(unit.coefficients), step)
        for lane in range(unit.lanes):
            total = self.o.payload.word_select(lane, width)
            value = self.i.payload.word_select(lane, unit.source.bits)
            product = Signal(width, name=f"product_{lane}")
            with m.Switch(plane):
                for index, coefficient in enumerate(unit.coefficients):
                    with m.Case(index):
                        m.d.comb += product.eq(
                            self._product(row, f"lane_{lane}_plane_{index}", value, coefficient)
                        )
            with m.If(step):
                m.d.sync += total.eq(
                    row.add(f"lane_{lane}", [product], width, so_far=total, clear=plane == 0)
                )
        output_register(m, self.o, step & last)
        return m

    def _product(self, row: Operators, name: str, value: Value, coefficient: int) -> Value:
        """``value`` times ``coefficient``: an adder tree of its shifts."""
        width = self.unit.target.bits
        terms = [
            Cat(Const(0, bit), value)[:width]
            for bit in range(coefficient.bit_length())
            if coefficient >> bit & 1
        ]
        while len(terms) > 1:
            groups = [terms[first:first + ROW] for first in range(0, len(terms), ROW)]
            terms = [
                group[0]
                if len(group) == 1
                else row.add(f"{name}_{len(terms)}_{number}", group, width)
                for number, group in enumerate(groups)
            ]
        return terms[0]


def combined(steps: npt.ArrayLike, **parameters: Any) -> PlanesUnit:
    """Return the unit that combines the planes.

    Serial if that saves adders and costs hardly any throughput.

    Parameters
    ----------
    steps : [results, J], cycles between planes; the serial form may lose a 64th of their sum.
    parameters : of either unit, without the name.
    """
    digits = [len(signed_digits(coefficient)) for coefficient in parameters["coefficients"]]
    if sum(digits) > len(digits) and np.maximum(steps, digits).sum() <= np.sum(steps) * 65 // 64:
        return SerialPlanesUnit(name="planes", **parameters)
    return ParallelPlanesUnit(name="combine", **parameters)
