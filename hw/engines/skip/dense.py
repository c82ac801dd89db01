"""The ``skip`` engine for a dense layer: each lane has its own memory of the vector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from amaranth import *
from amaranth.lib import memory, wiring

from tritforge.hw.engines.skip.engine import SkipArray, SkipUnit
from tritforge.hw.stream.counter import modulo_counter
from tritforge.hw.stream.event_graph import Channel, EventGraph
from tritforge.hw.stream.rom import Rom
from tritforge.hw.stream.unit import below
from tritforge.hw.targets.operators import lane_bits

__all__ = ["SkipDenseOverlapped", "SkipDenseSingle", "SkipDenseUnit"]


class SkipDenseUnit(SkipUnit):
    """sum'[plane, row] of a dense layer, one nonzero per lane and cycle.

    ``pixel_beats`` cycles load the vector, ``program.cycles`` execute. If a lane's part of the
    vector fits into one LUT per bit, the two do not overlap: a single-port memory takes half the
    LUTs of one with two ports, and the first ROM words hold the write addresses. A larger part is a
    block RAM with two ports, which holds two vectors: the next one arrives during execution.
    Interval: the sum of the two in the first case, the larger in the second.
    """

    pixels      = 1
    output_rows = 1
    kernel      = (1, 1)
    dilation    = (1, 1)
    selects     = False

    @property
    def overlaps(self) -> bool:
        """Whether the next vector arrives while one is executed."""
        return self.pixel_beats > self.lut_words

    @property
    def interval_cycles(self) -> int:
        """Load plus execution, or the larger of them if they overlap."""
        if self.overlaps:
            return max(self.pixel_beats, self.program.cycles)
        return self.pixel_beats + self.program.cycles

    @property
    def preamble(self) -> list[list[int]]:
        """Write addresses of the vector's beats; none with overlap."""
        if self.overlaps:
            return []
        lanes = self.program.pe * self.program.entries
        return [[*[beat << 2] * lanes, 0] for beat in range(self.pixel_beats)]

    def operands(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add the processes that load the vector, issue the program, and read the memories."""
        if self.overlaps:
            every  = range(self.program.cycles)
            write  = graph.process(f"{self.name}.write", self.pixel_beats)
            issue  = graph.process(f"{self.name}.issue", self.program.cycles)
            graph.take(channel, write, np.arange(write.steps))
            issue.wait(write, [self.pixel_beats - 1], 1, at=[0])
            read = graph.chain(
                f"{self.name}.read",
                Channel(issue, np.arange(issue.steps)),
                self.program.cycles,
                every,
                every,
            )
            # that half is free: two frames before
            write.wait(read.producer, [-self.program.cycles - 1], 1, at=[0])
            return read
        steps  = self.interval_cycles
        issued = graph.chain(
            f"{self.name}.issue", channel, steps, range(self.pixel_beats), range(steps)
        )
        return graph.chain(
            f"{self.name}.read", issued, steps, range(steps), range(self.pixel_beats, steps)
        )

    def component(self) -> wiring.Component:
        """Return the :class:`SkipDenseOverlapped` or the :class:`SkipDenseSingle`."""
        return SkipDenseOverlapped(self) if self.overlaps else SkipDenseSingle(self)


class _SkipDense(SkipArray):
    """A memory per lane; a dense layer has one pixel, which selects nothing."""

    unit: SkipDenseUnit

    def operand(self, m: Module, name: str, lane: Any, pixel: int, select: Value) -> Value:
        """The word of the lane in offset binary."""
        return lane_bits(lane, self.unit.source.dtype)

    def _lanes(
        self, m: Module, rom: Rom, name: str, depth: int, *, write: Value, word: Value, read: Value,
        addresses: Callable[[Value], tuple[Value, Value]], attrs: dict[str, str] | None = None,
    ) -> list[list[Value]]:
        """Build the memory of each lane; return the word that each reads, by PE and lane.

        Parameters
        ----------
        name : of the memories, before the numbers of PE and lane.
        depth : words of a memory.
        write, word : whether the beat ``word`` is written; a lane stores its bank's element of it.
        read : whether the memories are read.
        addresses : from the address in a nonzero to those of writing and reading.
        """
        unit = self.unit
        bits = unit.source.dtype.bits
        lanes: list[list[Value]] = []
        for pe in range(unit.program.pe):
            lanes.append([])
            for lane in range(unit.program.entries):
                entry = rom.data.word_select(pe * unit.program.entries + lane, unit.entry_bits)
                store = memory.Memory(shape=bits, depth=depth, init=[], attrs=attrs)
                m.submodules[f"{name}_{pe}_{lane}"] = store
                into, out = store.write_port(), store.read_port()
                write_address, read_address = addresses(entry[2:])
                m.d.comb += [
                    into.addr.eq(write_address), into.en.eq(write),
                    into.data.eq(word.word_select(lane // unit.program.ports, bits)),
                    out.addr.eq(read_address), out.en.eq(read),
                ]
                lanes[-1].append(out.data)
        return lanes


class SkipDenseSingle(_SkipDense):
    """The circuit of :class:`SkipDenseUnit` without overlap. Members as of :class:`SkipArray`.

    A ROM word that writes takes a beat with it and goes no further than the memories.
    """

    def feed(
        self, m: Module, rom: Rom, valid: Signal, ready: Signal, read: Value
    ) -> tuple[Value, list[list[Any]]]:
        """Issue the load words, then the program; read the lane memories."""
        unit  = self.unit
        step  = Signal(below(unit.interval_cycles))
        loads = step < unit.pixel_beats
        issue = Signal()
        m.d.comb += [
            issue.eq((~loads | self.i.valid) & ready),
            self.i.ready.eq(loads & ready),
            rom.address.eq(step), rom.enable.eq(issue),
        ]
        beat     = Signal.like(self.i.payload)
        computes = Signal()
        with m.If(ready):
            m.d.sync += valid.eq(issue)
        with m.If(issue):
            m.d.sync += [computes.eq(~loads), beat.eq(self.i.payload)]
        modulo_counter(m, step, unit.interval_cycles, issue)
        return computes, self._lanes(
            m, rom, "vector", max(2, unit.pixel_beats), write=read & ~computes, word=beat,
            read=read, addresses=lambda address: (address, address),
        )


class SkipDenseOverlapped(_SkipDense):
    """The circuit of :class:`SkipDenseUnit` with overlap: ping-pong memories.

    Members as of :class:`SkipArray`.
    """

    def feed(
        self, m: Module, rom: Rom, valid: Signal, ready: Signal, read: Value
    ) -> tuple[Value, list[list[Any]]]:
        """Write one half of each memory, issue the program, and read the other half."""
        unit      = self.unit
        beat      = Signal(below(unit.pixel_beats))
        step      = Signal(below(unit.program.cycles))
        # that is written, that is issued, that is read
        halves    = Signal(3)
        held      = Signal(range(3))                     # whole vectors that are still read
        arrived   = Signal(range(3))                     # and those that are still issued
        taken     = Signal()
        arrives   = Signal()
        issue     = Signal()
        issued    = Signal()                             # the last step of a vector is issued,
        ends      = Signal()                             # and waits to be read
        beat_last = beat == unit.pixel_beats - 1
        step_last = step == unit.program.cycles - 1
        m.d.comb += [
            self.i.ready.eq(held != 2),
            taken.eq(self.i.valid & self.i.ready), arrives.eq(taken & beat_last),
            issue.eq((arrived != 0) & ready), issued.eq(issue & step_last),
            rom.address.eq(step), rom.enable.eq(issue),
        ]
        m.d.sync += [
            held.eq(held + arrives - (read & ends)),
            arrived.eq(arrived + arrives - issued),
        ]
        modulo_counter(m, beat, unit.pixel_beats, taken)
        modulo_counter(m, step, unit.program.cycles, issue)
        with m.If(taken):
            m.d.sync += halves[0].eq(halves[0] ^ beat_last)
        with m.If(ready):
            m.d.sync += valid.eq(issue)
        with m.If(issue):
            m.d.sync += [
                halves[1].eq(halves[1] ^ step_last),
                halves[2].eq(halves[1]),
                ends.eq(step_last),
            ]

        place = (unit.pixel_beats - 1).bit_length()
        return Const(1), self._lanes(
            m, rom, "vectors", 2 << place, write=taken, word=self.i.payload, read=read,
            addresses=lambda address: (Cat(beat[:place], halves[0]), Cat(address, halves[2])),
            attrs={"ram_style": "block"},
        )
