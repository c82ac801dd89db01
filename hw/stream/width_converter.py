"""Change of lane count between two streams of the same tensor."""

from dataclasses import dataclass
from math import gcd

from amaranth import *

from tritforge.export.ir.datatype import DataType
from tritforge.hw.stream.counter import count
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, below, can_accept, output_register

__all__ = ["Downsizer", "Upsizer", "WidthConverterUnit", "resized"]


@dataclass(frozen=True, kw_only=True)
class WidthConverterUnit(Unit):
    """Lane count ``i_lanes`` to ``o_lanes``, one a multiple of the other. Latency 1, one wide beat per
    ``ratio`` narrow ones, one narrow beat a cycle.

    Parameters
    ----------
    name, dtype : instance name and element type.
    i_lanes, o_lanes : lanes before and behind.
    elements : elements of the tensor, a multiple of both.

    Raises
    ------
    ValueError : the lane counts do not divide each other or the tensor.
    """

    name:     str
    dtype:    DataType
    i_lanes:  int
    o_lanes:  int
    elements: int

    def __post_init__(self):
        wide, narrow = max(self.i_lanes, self.o_lanes), min(self.i_lanes, self.o_lanes)
        if wide % narrow or self.elements % wide:
            raise ValueError(f"i_lanes and o_lanes must divide each other and the {self.elements} elements, "
                             f"not {self.i_lanes!r} and {self.o_lanes!r}")

    @property
    def i(self):
        return Beats(self.dtype, self.i_lanes)

    @property
    def o(self):
        return Beats(self.dtype, self.o_lanes)

    @property
    def ratio(self):
        return max(self.i_lanes, self.o_lanes) // min(self.i_lanes, self.o_lanes)

    @property
    def interval_cycles(self):
        return self.elements // min(self.i_lanes, self.o_lanes)

    @property
    def frame_beats(self):
        return self.elements // self.o_lanes

    def schedule(self, graph, channel):
        steps = self.interval_cycles
        every = range(steps)
        if self.i_lanes < self.o_lanes:
            return graph.chain(self.name, channel, steps, every, range(self.ratio - 1, steps, self.ratio))
        return graph.chain(self.name, channel, steps, range(0, steps, self.ratio), every)

    def component(self):
        return Upsizer(self) if self.i_lanes < self.o_lanes else Downsizer(self)



class Upsizer(UnitComponent):
    """``ratio`` narrow beats make a wide one: the earlier ones wait in a shift register."""

    def elaborate(self, platform):
        m      = Module()
        ratio  = self._unit.ratio
        narrow = self._unit.i.payload_bits
        held   = Signal(narrow * (ratio - 1))
        number = Signal(below(ratio))
        last   = number == ratio - 1
        step   = Signal()
        beat   = Cat(held, self.i.payload)
        m.d.comb += [
            self.i.ready.eq(~last | can_accept(self.o)),
            step.eq(self.i.valid & self.i.ready),
        ]
        with m.If(step):
            m.d.sync += held.eq(beat[narrow:])
        count(m, number, ratio, step)
        with m.If(step & last):
            m.d.sync += self.o.payload.eq(beat)
        output_register(m, self.o, step & last)
        return m


class Downsizer(UnitComponent):
    """A wide beat makes ``ratio`` narrow ones: the later ones wait, and a multiplexer takes them, a LUT6 for three of
    them and a bit; a shift register would take a LUT for each. It chooses by the bits of the count: told apart by its
    values, as in a Switch, 16 of them took 26 LUT4 a bit in ECP5 in place of 15."""

    def elaborate(self, platform):
        m      = Module()
        ratio  = self._unit.ratio
        narrow = self._unit.o.payload_bits
        held   = Signal(narrow * (ratio - 1))
        chosen = Signal(narrow)
        number = Signal(below(ratio))
        first  = number == 0
        step   = Signal()
        m.d.comb += [
            step.eq((~first | self.i.valid) & can_accept(self.o)),
            self.i.ready.eq(first & can_accept(self.o)),
            chosen.eq(Cat(self.i.payload[:narrow], held).word_select(number, narrow)),
        ]
        count(m, number, ratio, step)
        with m.If(step):
            m.d.sync += self.o.payload.eq(chosen)
        with m.If(step & first):
            m.d.sync += held.eq(self.i.payload[narrow:])
        output_register(m, self.o, step)
        return m


def resized(name, dtype, lanes, wanted, elements):
    """Units that change a stream of ``lanes`` elements a beat into one of ``wanted``; none where nothing is to do.

    By way of a common divisor where neither divides the other. ``lanes`` None is a stream that takes any width.
    """
    if lanes is None or lanes == wanted:
        return []
    common = gcd(lanes, wanted)
    units  = []
    if common not in (lanes, wanted):
        units.append(WidthConverterUnit(name=f"{name}_split", dtype=dtype, i_lanes=lanes, o_lanes=common, elements=elements))
        lanes = common
    return [*units, WidthConverterUnit(name=name, dtype=dtype, i_lanes=lanes, o_lanes=wanted, elements=elements)]
