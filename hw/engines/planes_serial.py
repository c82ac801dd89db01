"""Behind an engine whose planes follow one another: the sum of the planes, each times its coefficient."""

from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from amaranth import *

from tritforge.export.ir.datatype import DataType
from tritforge.hw.stream.counter import modulo_counter
from tritforge.hw.stream.event_graph import Channel
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, below, can_accept, output_register

__all__ = ["PlanesUnit", "SerialPlanes", "SerialPlanesUnit", "signed_digits"]


def signed_digits(number):
    """The nonzero digits of ``number``, (position, +1 or -1), lowest first: as few as possible, no two neighbours.

    Source: G. W. Reitwiesner, "Binary arithmetic", Advances in Computers 1, 1960 (the non-adjacent form).

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
    """sum over planes j of coefficients[j] * sum_j: the beats of J planes, one behind the other, become one.

    Parameters
    ----------
    name : instance name.
    source : type of the sums of one plane, unsigned.
    target : type of the total, unsigned; it must hold every one.
    coefficients : J positive ints.
    lanes : sums a beat.
    totals : beats put a frame.
    """

    name:         str
    source:       DataType
    target:       DataType
    coefficients: tuple[int, ...]
    lanes:        int
    totals:       int

    @property
    def i(self):
        return Beats(self.source, self.lanes)

    @property
    def o(self):
        return Beats(self.target, self.lanes)

    @property
    def frame_beats(self):
        return self.totals


class SerialPlanesUnit(PlanesUnit):
    """A shift-add for each nonzero digit of each coefficient (:func:`signed_digits`), one a cycle: D cycles a total with
    D digits in all. The sums of a plane wait in a register, so that they are hidden wherever the planes come at
    distances of as many cycles as they have digits. One cycle from a plane to its first digit, one from its last
    digit to the total.
    """

    @property
    def digits(self):
        """For each plane its digits."""
        return [signed_digits(coefficient) for coefficient in self.coefficients]

    @property
    def ends(self):
        """Steps of a result, counted from its first, that add the last digit of each plane."""
        return [end - 1 for end in accumulate(len(digits) for digits in self.digits)]

    @property
    def interval_cycles(self):
        return self.totals * (self.ends[-1] + 1)

    def schedule(self, graph, channel):
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

    def component(self):
        return SerialPlanes(self)


class SerialPlanes(UnitComponent):
    """The circuit of :class:`SerialPlanesUnit`. A row has a register for the plane, shifted from digit to digit, and the result
    itself to add to.

    Members
    -------
    i : beats of sums, plane behind plane.
    o : beats of results.
    """

    def elaborate(self, platform):
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
            operand = Signal(width, name=f"operand_{number}")      # the plane times two to the digit's position
            with m.If(load), m.Switch(plane):
                for shift, planes in lowest:
                    with m.Case(*planes):
                        m.d.sync += operand.eq(sums << shift)
            with m.Elif(add), m.Switch(step):
                for shift, numbers in farther:
                    with m.Case(*numbers):
                        m.d.sync += operand.eq(operand << shift)
            total = self.o.payload.word_select(number, width)
            with m.If(add):                                        # as an operator: with cells it takes more LUTs
                m.d.sync += total.eq(Mux(step == 0, 0, total) + (operand ^ subtract.replicate(width)) + subtract)
        output_register(m, self.o, add & (step == steps - 1))
        return m


def _by_value(pairs):
    """(value, key) pairs as [(value, every key that has it)], by value."""
    values = {}
    for value, key in pairs:
        values.setdefault(value, []).append(key)
    return sorted(values.items())
