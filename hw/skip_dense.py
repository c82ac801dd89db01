"""The ``skip`` engine for a vector: each lane has a memory of its own, written and read by the same port."""

from amaranth import *
from amaranth.lib import memory

from hw.arithmetic import offset_binary
from hw.skip import Skip, SkipArray
from hw.stream import below

__all__ = ["SkipDense", "SkipVector"]


class SkipDense(Skip):
    """sum'[plane, row] of a dense layer: channels/banks cycles take the vector, ``program.cycles`` execute.

    The two do not overlap, so a lane's memory needs one port and half the LUTs of one with two: the ROM's first words
    hold the addresses to write.
    """

    pixels      = 1
    output_rows = 1
    kernel      = (1, 1)
    selects     = False

    @property
    def interval_cycles(self):
        return self.pixel_beats + self.program.cycles

    @property
    def preamble(self):
        lanes = self.program.pe * self.program.entries
        return [[beat << 2] * lanes for beat in range(self.pixel_beats)]

    def operands(self, graph, channel):
        steps  = self.interval_cycles
        issued = graph.chain(f"{self.name}.issue", channel, steps, range(self.pixel_beats), range(steps))
        return graph.chain(f"{self.name}.read", issued, steps, range(steps), range(self.pixel_beats, steps))

    def component(self):
        return SkipVector(self)


class SkipVector(SkipArray):
    """The circuit of :class:`SkipDense`. A word that writes takes a beat with it and goes no further than the memories."""

    def feed(self, m, rom, valid, ready, read):
        unit  = self._unit
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
            m.d.sync += [
                step.eq(Mux(step == unit.interval_cycles - 1, 0, step + 1)),
                computes.eq(~loads), beat.eq(self.i.payload),
            ]
        return computes, [[self._lane(m, rom, pe, lane, beat, read & ~computes, read) for lane in range(unit.program.entries)]
                          for pe in range(unit.program.pe)]

    def _lane(self, m, rom, pe, lane, beat, write, read):
        """The memory of a lane: the word that it read."""
        unit  = self._unit
        bits  = unit.source.dtype.bits
        entry = rom.data.word_select(pe * unit.program.entries + lane, unit.entry_bits)
        store = memory.Memory(shape=bits, depth=max(2, unit.pixel_beats), init=[])
        m.submodules[f"vector_{pe}_{lane}"] = store
        into, out = store.write_port(), store.read_port()
        m.d.comb += [
            into.addr.eq(entry[2:]), into.en.eq(write), into.data.eq(beat.word_select(lane // unit.program.ports, bits)),
            out.addr.eq(entry[2:]), out.en.eq(read),
        ]
        return out.data

    def operand(self, m, name, lane, pixel, select):
        return offset_binary(lane.as_signed() if self._unit.source.dtype.signed else lane)
