"""Rows that finish in an order of their own, whole output rows at a time, become pixels in raster order."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from amaranth import *
from amaranth.lib import memory

from tritforge.export.artifacts.rom import Role, RomImage
from tritforge.export.ir.datatype import DataType
from tritforge.hw.matrix.skip_schedule import Schedule
from tritforge.hw.stream.counter import modulo_counter
from tritforge.hw.stream.event_graph import Channel
from tritforge.hw.stream.rom import Rom, read_ahead
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, below, can_accept, output_register

__all__ = ["ReorderBuffer", "ReorderBufferUnit"]


@dataclass(frozen=True, kw_only=True)
class ReorderBufferUnit(Unit):
    """Channel (pass, PE) of all the pixels of an output row comes in; pixel after pixel goes out, channels in order.

    Two halves: an output row is written while the one before leaves. Beat g of a row goes to the banks and the
    address of tritforge.hw.matrix.skip_schedule.Schedule.places; a beat that leaves takes one channel from every bank, in the order of
    the banks (tritforge.hw.engines.skip.permute restores the channels'). (M/pe) beats a row in, pixels * M/outputs out, a beat a cycle on
    either side.

    Parameters
    ----------
    name : instance name, and the role of the ROM image with the addresses.  layer : the layer it belongs to.
    program : the schedule, which says where each row is.
    dtype : type of an element.
    pixels : pixels of an output row.  rows : output rows a frame.
    """

    name:    str
    layer:   str
    program: Schedule
    dtype:   DataType
    pixels:  int
    rows:    int

    @property
    def i(self):
        return Beats(self.dtype, self.program.pe * self.pixels)

    @property
    def o(self):
        return Beats(self.dtype, self.program.outputs)

    @property
    def passes(self):
        """Beats of an output row that come in."""
        return len(self.program.rows)

    @property
    def groups(self):
        """Addresses of a bank, and beats of a pixel that go out."""
        return self.program.rows.size // self.program.outputs

    @property
    def row_beats(self):
        """Beats of an output row that go out."""
        return self.pixels * self.groups

    @property
    def interval_cycles(self):
        return self.rows * max(self.passes, self.row_beats)

    @property
    def frame_beats(self):
        return self.rows * self.row_beats

    @cached_property
    def addresses(self):
        """[groups, banks]: where each bank has its channel of a group."""
        bank, address = self.program.places
        table = np.empty((self.groups, self.program.outputs), dtype=np.int64)
        table[np.arange(len(bank)) // self.program.outputs, bank] = address
        return table

    @property
    def order(self):
        """[groups, banks]: the bank of each channel of a group."""
        return self.program.places[0].reshape(self.groups, self.program.outputs)

    @property
    def moves_nothing(self):
        """Whether what goes out is what came in."""
        straight = np.arange(self.groups)[:, None]
        return self.pixels == 1 and self.program.pe == self.program.outputs and bool((self.addresses == straight).all())

    @property
    def address_bits(self):
        return max(1, (self.groups - 1).bit_length())

    @property
    def rom(self):
        """The addresses: a word a group, bank b's at bit b * address_bits."""
        words = tuple(sum(int(address) << bank * self.address_bits for bank, address in enumerate(group))
                      for group in self.addresses)
        return RomImage(self.layer, Role(self.name), self.program.outputs * self.address_bits, words)

    def schedule(self, graph, channel):
        write = graph.process(f"{self.name}.write", self.rows * self.passes)
        read  = graph.process(f"{self.name}.read", self.rows * self.row_beats)
        graph.take(channel, write, np.arange(write.steps))
        rows  = np.arange(self.rows)
        read.wait(write, np.repeat((rows + 1) * self.passes - 1, self.row_beats), 1)
        left  = (rows - 1) * self.row_beats - 1                          # the step behind which the row two before is gone
        write.wait(read, np.repeat(left, self.passes), 1)
        return Channel(read, np.arange(read.steps))

    def component(self):
        return ReorderBuffer(self)


class ReorderBuffer(UnitComponent):
    """The circuit of :class:`ReorderBufferUnit`.

    Members
    -------
    i : beats of ``pe`` channels of ``pixels`` elements each.
    o : beats of ``outputs`` channels of a pixel, lane = bank.
    """

    def elaborate(self, platform):
        unit   = self.unit
        m      = Module()
        pe     = unit.program.pe
        blocks = unit.program.outputs // pe
        bits   = unit.dtype.bits
        m.submodules.addresses = addresses = Rom(unit.rom)

        filled  = Signal(range(3))                       # halves that hold a whole output row
        written = Signal()
        emptied = Signal()
        m.d.sync += filled.eq(filled + written - emptied)

        # Writing: the passes of an output row fill address after address, ``blocks`` passes each.
        write_half = Signal()
        block      = Signal(below(blocks))
        address    = Signal(below(unit.groups))
        taken      = Signal()
        block_last, address_last = block == blocks - 1, address == unit.groups - 1
        m.d.comb += [
            self.i.ready.eq(filled != 2),
            taken.eq(self.i.valid & self.i.ready),
            written.eq(taken & block_last & address_last),
        ]
        modulo_counter(m, address, unit.groups, modulo_counter(m, block, blocks, taken))
        with m.If(written):
            m.d.sync += write_half.eq(~write_half)

        # Reading: pixel after pixel, group after group; the ROM has the group's addresses a cycle ahead.
        read_half = Signal()
        pixel     = Signal(below(unit.pixels))
        chosen    = Signal(below(unit.pixels))
        step      = Signal()
        group_last, pixel_last = read_ahead(m, addresses, unit.groups, step), pixel == unit.pixels - 1
        m.d.comb += [
            step.eq((filled != 0) & can_accept(self.o)),
            emptied.eq(step & group_last & pixel_last),
        ]
        with m.If(step):
            m.d.sync += chosen.eq(pixel)
        modulo_counter(m, pixel, unit.pixels, step & group_last)
        with m.If(emptied):
            m.d.sync += read_half.eq(~read_half)

        for bank in range(unit.program.outputs):
            store = memory.Memory(shape=unit.pixels * bits, depth=2 << unit.address_bits, init=[])
            m.submodules[f"bank_{bank}"] = store
            write, read = store.write_port(), store.read_port()
            at = addresses.data.word_select(bank, unit.address_bits)
            m.d.comb += [
                write.addr.eq(Cat(address[:unit.address_bits], write_half)),
                write.data.eq(self.i.payload.word_select(bank % pe, unit.pixels * bits)),
                write.en.eq(taken & (block == bank // pe)),
                read.addr.eq(Cat(at, read_half)), read.en.eq(step),
                self.o.payload.word_select(bank, bits).eq(read.data.word_select(chosen, bits)),
            ]
        output_register(m, self.o, step)
        return m
