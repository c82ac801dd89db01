"""Weighted sum of planes that arrive in sequence, one digit of a coefficient per cycle."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from amaranth import *
from amaranth.lib import wiring

from tritforge.export.ir.datatype import DataType
from tritforge.hw.stream.counter import modulo_counter
from tritforge.hw.stream.event_graph import Channel, EventGraph
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, below, can_accept, output_register

__all__ = ["PlanesUnit", "SerialPlanes", "SerialPlanesUnit", "signed_digits"]


def signed_digits(number: int) -> list[tuple[int, int]]:
    """Return the nonzero digits of ``number`` as (position, +1 or -1), lowest first.

    No two of them are adjacent (the non-adjacent form).
    Source: G. W. Reitwiesner, "Binary arithmetic", Advances in Computers 1, 1960.

    >>> signed_digits(7), signed_digits(5)
    ([(0, -1), (3, 1)], [(0, 1), (2, 1)])
    """
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(f"number must be an int, not {number!r}")
    if number < 1:
        raise ValueError(f"number must be positive, not {number!r}")
    digits, position = [], 0
    while number:
        if number % 2:
            digit   = 2 - number % 4
            number -= digit
            digits.append((position, digit))
        number   //= 2
        position  += 1
    return digits


@dataclass(frozen=True, kw_only=True)
class PlanesUnit(Unit):
    """total = sum over planes j of coefficients[j] * sum_j, of the beats of J planes in sequence.

    Parameters
    ----------
    name : instance name.
    source : type of the sums of one plane, unsigned.
    target : type of the total, unsigned, wide enough for every total.
    coefficients : J positive ints.
    lanes : sums per beat.
    totals : output beats per frame.
    """

    name:         str
    source:       DataType
    target:       DataType
    coefficients: tuple[int, ...]
    lanes:        int
    totals:       int

    @property
    def i(self) -> Beats:
        """``lanes`` sums of a plane."""
        return Beats(self.source, self.lanes)

    @property
    def o(self) -> Beats:
        """``lanes`` totals."""
        return Beats(self.target, self.lanes)

    @property
    def frame_beats(self) -> int:
        """``totals``."""
        return self.totals


class SerialPlanesUnit(PlanesUnit):
    """One shift-add per cycle for each nonzero digit of each coefficient (:func:`signed_digits`).

    Interval D cycles per total, with D digits of all coefficients; latency 1 from a plane to its
    first digit, and 1 from its last digit to the total. Cost: one adder per lane. The sums of a
    plane wait in a register, so the digits cost no time if planes are as many cycles apart as they
    have digits.
    """

    @property
    def digits(self) -> list[list[tuple[int, int]]]:
        """Signed digits of each coefficient."""
        return [signed_digits(coefficient) for coefficient in self.coefficients]

    @property
    def ends(self) -> list[int]:
        """Step of a total, from its first, that adds the last digit of each plane."""
        return [end - 1 for end in accumulate(len(digits) for digits in self.digits)]

    @property
    def interval_cycles(self) -> int:
        """One cycle per digit."""
        return self.totals * (self.ends[-1] + 1)

    def schedule(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add a process that loads planes and one that adds digits."""
        steps = self.ends[-1] + 1                                  # of a result
        load  = graph.process(f"{self.name}.load", self.totals * len(self.coefficients))
        add   = graph.process(f"{self.name}.add", self.interval_cycles)
        graph.take(channel, load, np.arange(load.steps))
        result  = np.arange(add.steps // steps)[:, None] * steps
        last    = (result + np.array(self.ends)[None]).ravel()     # of every plane of a frame
        first   = np.concatenate(([0], last[:-1] + 1))
        add.wait(load, np.arange(load.steps), 1, at=first)
        load.wait(add, np.concatenate(([-1], last[:-1])), 0)
        put = (result + steps - 1).ravel()
        return Channel(add, put, overwrites=put + 1)

    def component(self) -> wiring.Component:
        """Return the :class:`SerialPlanes`."""
        return SerialPlanes(self)


class SerialPlanes(UnitComponent):
    """The circuit of :class:`SerialPlanesUnit`. Interval 1 cycle per digit.

    Per lane, a register shifts the plane from digit to digit, and the output register accumulates.

    Members
    -------
    i : ``lanes`` sums per beat, the planes of a total in sequence.
    o : ``lanes`` totals per beat.
    """

    unit: SerialPlanesUnit

    def elaborate(self, platform: object) -> Module:
        """Plane and digit counters, a shift register and an add/subtract accumulator per lane."""
        unit  = self.unit
        m     = Module()
        width = unit.target.bits
        steps = unit.ends[-1] + 1
        plane = Signal(below(len(unit.coefficients)))              # that comes next
        step  = Signal(below(steps))                               # that is added next
        held  = Signal()                                           # a plane waits for its digits
        load, add, done = Signal(), Signal(), Signal()
        m.d.comb += [
            add.eq(held & can_accept(self.o)),
            done.eq(add & Cat(step == end for end in unit.ends).any()),
            self.i.ready.eq(~held | done),
            load.eq(self.i.valid & self.i.ready),
        ]
        m.d.sync += held.eq(load | (held & ~done))
        modulo_counter(m, plane, len(unit.coefficients), load)
        modulo_counter(m, step, steps, add)

        digits  = [digit for digits in unit.digits for digit in digits]
        lowest  = _by_value((digits[0][0], number) for number, digits in enumerate(unit.digits))
        farther = _by_value((after[0] - before[0], number) for number, (before, after)
                            in enumerate(pairwise(digits)) if number not in unit.ends)
        negative = [step == number for number, (_, sign) in enumerate(digits) if sign < 0]
        subtract = Cat(negative).any() if negative else Const(0, 1)
        for number in range(unit.lanes):
            sums    = self.i.payload.word_select(number, unit.source.bits)
            # the plane times two to the digit's position
            operand = Signal(width, name=f"operand_{number}")
            with m.If(load), m.Switch(plane):
                for shift, planes in lowest:
                    with m.Case(*planes):
                        m.d.sync += operand.eq(sums << shift)
            with m.Elif(add), m.Switch(step):
                for shift, numbers in farther:
                    with m.Case(*numbers):
                        m.d.sync += operand.eq(operand << shift)
            total = self.o.payload.word_select(number, width)
            # as an operator: with cells it takes more LUTs
            with m.If(add):
                m.d.sync += total.eq(
                    Mux(step == 0, 0, total) + (operand ^ subtract.replicate(width)) + subtract
                )
        output_register(m, self.o, add & (step == steps - 1))
        return m


def _by_value(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, list[int]]]:
    """Group (value, key) pairs as [(value, keys)], sorted by value."""
    values = {}
    for value, key in pairs:
        values.setdefault(value, []).append(key)
    return sorted(values.items())
