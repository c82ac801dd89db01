"""Conversion between two lane counts of the same tensor."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

from amaranth import *
from amaranth.lib import wiring

from tritforge.export.ir.datatype import DataType
from tritforge.hw.stream.counter import modulo_counter
from tritforge.hw.stream.event_graph import Channel, EventGraph
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, below, can_accept, output_register

__all__ = ["Downsizer", "Upsizer", "WidthConverterUnit", "resized"]


@dataclass(frozen=True, kw_only=True)
class WidthConverterUnit(Unit):
    """Convert ``i_lanes`` to ``o_lanes`` lanes, one a multiple of the other.

    Latency 1. Interval 1 cycle per narrow beat, ``ratio`` per wide one. Cost: a register of ratio -
    1 narrow beats and, towards fewer lanes, a ``ratio``:1 multiplexer per bit.

    Parameters
    ----------
    name : instance name.
    dtype : element type.
    i_lanes, o_lanes : lanes of input and output.
    elements : elements per frame, a multiple of both.

    Raises
    ------
    ValueError : the lane counts do not divide each other or ``elements``.
    """

    name:     str
    dtype:    DataType
    i_lanes:  int
    o_lanes:  int
    elements: int

    def __post_init__(self) -> None:
        wide, narrow = max(self.i_lanes, self.o_lanes), min(self.i_lanes, self.o_lanes)
        if wide % narrow or self.elements % wide:
            raise ValueError(
                f"i_lanes and o_lanes must divide each other and the {self.elements} elements, "
                f"not {self.i_lanes!r} and {self.o_lanes!r}"
            )

    @property
    def i(self) -> Beats:
        """``i_lanes`` elements."""
        return Beats(self.dtype, self.i_lanes)

    @property
    def o(self) -> Beats:
        """``o_lanes`` elements."""
        return Beats(self.dtype, self.o_lanes)

    @property
    def ratio(self) -> int:
        """Narrow beats per wide beat."""
        return max(self.i_lanes, self.o_lanes) // min(self.i_lanes, self.o_lanes)

    @property
    def interval_cycles(self) -> int:
        """One cycle per narrow beat."""
        return self.elements // min(self.i_lanes, self.o_lanes)

    @property
    def frame_beats(self) -> int:
        """elements / o_lanes."""
        return self.elements // self.o_lanes

    def schedule(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add a process with one step per narrow beat."""
        steps = self.interval_cycles
        every = range(steps)
        if self.i_lanes < self.o_lanes:
            return graph.chain(
                self.name, channel, steps, every, range(self.ratio - 1, steps, self.ratio)
            )
        return graph.chain(self.name, channel, steps, range(0, steps, self.ratio), every)

    def component(self) -> wiring.Component:
        """Return the :class:`Upsizer` or the :class:`Downsizer`."""
        return Upsizer(self) if self.i_lanes < self.o_lanes else Downsizer(self)



class Upsizer(UnitComponent):
    """Combine ``ratio`` narrow beats into a wide one: the earlier ones wait in a shift register.

    Latency 1, interval 1 cycle per input beat. Members as of
    :class:`tritforge.hw.stream.unit.UnitComponent`.
    """

    unit: WidthConverterUnit

    def elaborate(self, platform: object) -> Module:
        """Shift register, beat counter and output register."""
        m      = Module()
        ratio  = self.unit.ratio
        narrow = self.unit.i.payload_bits
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
        modulo_counter(m, number, ratio, step)
        with m.If(step & last):
            m.d.sync += self.o.payload.eq(beat)
        output_register(m, self.o, step & last)
        return m


class Downsizer(UnitComponent):
    """Split a wide beat into ``ratio`` narrow ones.

    Latency 1, interval 1 cycle per output beat. Cost: the later parts wait in a register, and a
    multiplexer selects one of them, a LUT6 per bit and three parts; a shift register would take a
    LUT per bit and part. It selects by the bits of the counter: a Switch on its values took 26 LUT4
    per bit for 16 parts in ECP5 instead of 15. Members as of
    :class:`tritforge.hw.stream.unit.UnitComponent`.
    """

    unit: WidthConverterUnit

    def elaborate(self, platform: object) -> Module:
        """Register of the later parts, multiplexer and output register."""
        m      = Module()
        ratio  = self.unit.ratio
        narrow = self.unit.o.payload_bits
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
        modulo_counter(m, number, ratio, step)
        with m.If(step):
            m.d.sync += self.o.payload.eq(chosen)
        with m.If(step & first):
            m.d.sync += held.eq(self.i.payload[narrow:])
        output_register(m, self.o, step)
        return m


def resized(
    name: str, dtype: DataType, lanes: int | None, wanted: int, elements: int
) -> list[Unit]:
    """Return the units that convert a stream from ``lanes`` to ``wanted`` lanes; none if they are
    equal.

    If neither divides the other, the conversion goes through their greatest common divisor.
    ``lanes`` None is a stream that accepts any width.
    """
    if lanes is None or lanes == wanted:
        return []
    common = gcd(lanes, wanted)
    units  = []
    if common not in (lanes, wanted):
        units.append(
            WidthConverterUnit(
                name=f"{name}_split", dtype=dtype, i_lanes=lanes, o_lanes=common, elements=elements
            )
        )
        lanes = common
    return [
        *units,
        WidthConverterUnit(
            name=name, dtype=dtype, i_lanes=lanes, o_lanes=wanted, elements=elements
        ),
    ]
