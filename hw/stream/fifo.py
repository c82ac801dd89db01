"""A first-in first-out buffer between two stages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from amaranth import *
from amaranth.lib import memory, wiring

from tritforge.hw.stream.counter import modulo_counter
from tritforge.hw.stream.event_graph import Channel, EventGraph
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, below, can_accept, output_register

__all__ = ["Fifo", "FifoUnit"]


@dataclass(frozen=True, kw_only=True)
class FifoUnit(Unit):
    """A ring buffer of ``depth`` beats and an output register.

    Latency 2; one beat per cycle on either side. Cost: a memory of depth * payload bits, two
    addresses and a level counter.

    A place that is read in a cycle is free in the next, so ``i.ready`` does not depend on
    ``o.ready``. The memory has one registered read port, whose register is the output register: it
    maps to block RAM or distributed RAM, and synthesis chooses by size.

    Parameters
    ----------
    name : instance name.
    beats : content of a beat.
    depth : beats in the memory, 1 or more.
    elements : elements of the tensor, a multiple of the lanes.

    Raises
    ------
    ValueError : ``depth`` is not a positive int.
    """

    name:     str
    beats:    Beats
    depth:    int
    elements: int

    def __post_init__(self) -> None:
        if not isinstance(self.depth, int) or self.depth < 1:
            raise ValueError(f"depth must be a positive int, not {self.depth!r}")

    @property
    def i(self) -> Beats:
        """``beats``."""
        return self.beats

    @property
    def o(self) -> Beats:
        """``beats``, unchanged."""
        return self.beats

    @property
    def bits(self) -> int:
        """Size of the memory in bits."""
        return self.depth * self.beats.payload_bits

    @property
    def frame_beats(self) -> int:
        """elements / lanes."""
        return self.elements // self.beats.lanes

    @property
    def interval_cycles(self) -> int:
        """One cycle per beat."""
        return self.frame_beats

    def schedule(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add a writer and a reader that wait for each other."""
        write = graph.process(f"{self.name}.write", self.frame_beats, owner=self)
        read  = graph.process(f"{self.name}.read", self.frame_beats, owner=self)
        every = np.arange(write.steps)
        graph.take(channel, write, every)
        read.wait(write, every, 1)
        write.wait(read, every - self.depth, 1)
        return Channel(read, every)

    def component(self) -> wiring.Component:
        """Return the :class:`Fifo`."""
        return Fifo(self)


class Fifo(UnitComponent):
    """The circuit of :class:`FifoUnit`: o = i, in order. Latency 2, interval 1 cycle per beat."""

    unit: FifoUnit

    def elaborate(self, platform: object) -> Module:
        """Memory, write and read address, and the level that gates both sides."""
        unit = self.unit
        m    = Module()
        m.submodules.beats = beats = memory.Memory(
            shape=unit.beats.payload_bits, depth=max(2, unit.depth), init=[]
        )
        read, write = beats.read_port(), beats.write_port()
        level = Signal(below(unit.depth + 1))
        taken, step = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(level != unit.depth),
            taken.eq(self.i.valid & self.i.ready),
            step.eq((level != 0) & can_accept(self.o)),
            write.data.eq(self.i.payload),
            write.en.eq(taken),
            read.en.eq(step),
            self.o.payload.eq(read.data),
        ]
        for port, moves in ((write, taken), (read, step)):
            modulo_counter(m, port.addr, unit.depth, moves)
        m.d.sync += level.eq(level + taken - step)
        output_register(m, self.o, step)
        return m
