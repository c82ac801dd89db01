"""Beats in waiting: a first-in first-out buffer between two stages."""

from dataclasses import dataclass

import numpy as np
from amaranth import *
from amaranth.lib import memory

from tritforge.hw.stream.counter import count
from tritforge.hw.stream.event_graph import Channel
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, below, can_accept, output_register

__all__ = ["Fifo", "FifoUnit"]


@dataclass(frozen=True, kw_only=True)
class FifoUnit(Unit):
    """A ring of ``depth`` beats in memory, and the register behind it. One beat a cycle on either side, latency 2.

    A place that is read in a cycle is free in the next, so ready does not depend on the stream behind. The memory
    has one registered read port, whose register is the output: it fits block RAM and distributed RAM, and synthesis
    chooses by size.

    Parameters
    ----------
    name : instance name.
    beats : what a beat carries.
    depth : beats in the memory, 1 or more.
    elements : elements of the tensor, a multiple of the lanes of a beat.

    Raises
    ------
    ValueError : ``depth`` is not positive.
    """

    name:     str
    beats:    Beats
    depth:    int
    elements: int

    def __post_init__(self):
        if not isinstance(self.depth, int) or self.depth < 1:
            raise ValueError(f"depth must be a positive int, not {self.depth!r}")

    @property
    def i(self):
        return self.beats

    @property
    def o(self):
        return self.beats

    @property
    def bits(self):
        """Bits of the memory."""
        return self.depth * self.beats.payload_bits

    @property
    def frame_beats(self):
        return self.elements // self.beats.lanes

    @property
    def interval_cycles(self):
        return self.frame_beats

    def schedule(self, graph, channel):
        write = graph.process(f"{self.name}.write", self.frame_beats, owner=self)
        read  = graph.process(f"{self.name}.read", self.frame_beats, owner=self)
        every = np.arange(write.steps)
        graph.take(channel, write, every)
        read.wait(write, every, 1)
        write.wait(read, every - self.depth, 1)
        return Channel(read, every)

    def component(self):
        return Fifo(self)


class Fifo(UnitComponent):
    """The circuit of :class:`FifoUnit`.

    Members
    -------
    i, o : beats as they are.
    """

    def elaborate(self, platform):
        unit = self._unit
        m    = Module()
        m.submodules.beats = beats = memory.Memory(shape=unit.beats.payload_bits, depth=max(2, unit.depth), init=[])
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
            count(m, port.addr, unit.depth, moves)
        m.d.sync += level.eq(level + taken - step)
        output_register(m, self.o, step)
        return m
