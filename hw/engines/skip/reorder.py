"""Reorder buffer of the ``skip`` engine: from rows in finishing order to raster order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from amaranth import *
from amaranth.lib import memory, wiring

from tritforge.export.artifacts.rom import Role, RomImage
from tritforge.export.ir.datatype import DataType
from tritforge.hw.matrix.skip_schedule import Schedule
from tritforge.hw.stream.counter import modulo_counter
from tritforge.hw.stream.event_graph import Channel, EventGraph
from tritforge.hw.stream.rom import Rom, read_ahead
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, below, can_accept, output_register
from tritforge.types import IntArray

__all__ = ["ReorderBuffer", "ReorderBufferUnit"]


@dataclass(frozen=True, kw_only=True)
class ReorderBufferUnit(Unit):
    """Channel by channel of all pixels of an output row in; pixel by pixel out, channels in order.

    A ping-pong buffer: one output row is written while the previous one leaves. Interval per output
    row: the larger of M/pe input beats and pixels * M/outputs output beats. Cost: ``outputs``
    memory banks and a pixels:1 multiplexer per bit. Beat g of a row goes to the banks and the
    address of tritforge.hw.matrix.skip_schedule.Schedule.places; an output beat takes one channel
    of every bank, in the order of the banks (tritforge.hw.engines.skip.permute restores that of the
    channels).

    Parameters
    ----------
    name : instance name, and the role of the ROM image of the addresses.
    layer : the layer that it belongs to.
    program : the schedule, which places the rows.
    dtype : element type.
    pixels : pixels of an output row.
    rows : output rows per frame.
    """

    name:    str
    layer:   str
    program: Schedule
    dtype:   DataType
    pixels:  int
    rows:    int

    @property
    def i(self) -> Beats:
        """``pe`` channels of ``pixels`` elements each."""
        return Beats(self.dtype, self.program.pe * self.pixels)

    @property
    def o(self) -> Beats:
        """``outputs`` channels of a pixel; lane = bank."""
        return Beats(self.dtype, self.program.outputs)

    @property
    def passes(self) -> int:
        """Input beats per output row."""
        return len(self.program.rows)

    @property
    def groups(self) -> int:
        """Addresses of a bank, and output beats per pixel."""
        return self.program.rows.size // self.program.outputs

    @property
    def row_beats(self) -> int:
        """Output beats per output row."""
        return self.pixels * self.groups

    @property
    def interval_cycles(self) -> int:
        """rows * max(passes, row_beats)."""
        return self.rows * max(self.passes, self.row_beats)

    @property
    def frame_beats(self) -> int:
        """rows * row_beats."""
        return self.rows * self.row_beats

    @cached_property
    def addresses(self) -> IntArray:
        """Address of each group's channel in each bank, [groups, banks]."""
        bank, address = self.program.places
        table = np.empty((self.groups, self.program.outputs), dtype=np.int64)
        table[np.arange(len(bank)) // self.program.outputs, bank] = address
        return table

    @property
    def order(self) -> IntArray:
        """Bank of each channel of a group, [groups, banks]."""
        return self.program.places[0].reshape(self.groups, self.program.outputs)

    @property
    def moves_nothing(self) -> bool:
        """Whether the output equals the input."""
        straight = np.arange(self.groups)[:, None]
        return (
            self.pixels == 1
            and self.program.pe == self.program.outputs
            and bool((self.addresses == straight).all())
        )

    @property
    def address_bits(self) -> int:
        """Width of a bank's address in the ROM, in bits."""
        return max(1, (self.groups - 1).bit_length())

    @property
    def rom(self) -> RomImage:
        """The ROM image of the addresses, one word per group; bank b at bit b * address_bits."""
        words = tuple(
            sum(int(address) << bank * self.address_bits for bank, address in enumerate(group))
            for group in self.addresses
        )
        return RomImage(
            self.layer, Role(self.name), self.program.outputs * self.address_bits, words
        )

    def schedule(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add a writer and a reader, each an output row ahead of the other at most."""
        write = graph.process(f"{self.name}.write", self.rows * self.passes)
        read  = graph.process(f"{self.name}.read", self.rows * self.row_beats)
        graph.take(channel, write, np.arange(write.steps))
        rows  = np.arange(self.rows)
        read.wait(write, np.repeat((rows + 1) * self.passes - 1, self.row_beats), 1)
        # last read of the output row two before, which used the same half
        left  = (rows - 1) * self.row_beats - 1
        write.wait(read, np.repeat(left, self.passes), 1)
        return Channel(read, np.arange(read.steps))

    def component(self) -> wiring.Component:
        """Return the :class:`ReorderBuffer`."""
        return ReorderBuffer(self)


class ReorderBuffer(UnitComponent):
    """The circuit of :class:`ReorderBufferUnit`. Interval 1 cycle per beat on either side.

    Members
    -------
    i : ``pe`` channels of ``pixels`` elements per beat.
    o : ``outputs`` channels of a pixel per beat; lane = bank.
    """

    unit: ReorderBufferUnit

    def elaborate(self, platform: object) -> Module:
        """Write and read counters of the two halves, the address ROM, and the banks."""
        unit = self.unit
        m    = Module()
        m.submodules.addresses = addresses = Rom(unit.rom)

        filled  = Signal(range(3))                       # halves that hold a whole output row
        written = Signal()
        emptied = Signal()
        m.d.sync += filled.eq(filled + written - emptied)
        write_at, block, taken   = self._write(m, filled, written)
        read_half, chosen, step = self._read(m, addresses, filled, emptied)

        pe   = unit.program.pe
        bits = unit.dtype.bits
        for bank in range(unit.program.outputs):
            store = memory.Memory(shape=unit.pixels * bits, depth=2 << unit.address_bits, init=[])
            m.submodules[f"bank_{bank}"] = store
            write, read = store.write_port(), store.read_port()
            at = addresses.data.word_select(bank, unit.address_bits)
            m.d.comb += [
                write.addr.eq(write_at),
                write.data.eq(self.i.payload.word_select(bank % pe, unit.pixels * bits)),
                write.en.eq(taken & (block == bank // pe)),
                read.addr.eq(Cat(at, read_half)), read.en.eq(step),
                self.o.payload.word_select(bank, bits).eq(read.data.word_select(chosen, bits)),
            ]
        output_register(m, self.o, step)
        return m

    def _write(self, m: Module, filled: Value, written: Signal) -> tuple[Value, Signal, Signal]:
        """Accept beats and drive ``written``; return write address, bank block, and acceptance.

        The passes of an output row fill address after address, ``blocks`` passes each.
        """
        unit       = self.unit
        blocks     = unit.program.outputs // unit.program.pe
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
        return Cat(address[:unit.address_bits], write_half), block, taken

    def _read(
        self, m: Module, addresses: Rom, filled: Value, emptied: Signal
    ) -> tuple[Signal, Signal, Signal]:
        """Step through the output and drive ``emptied``; return half, pixel of the data, and step.

        Pixel after pixel, group after group; the ROM has the group's addresses a cycle ahead.
        """
        unit      = self.unit
        read_half = Signal()
        pixel     = Signal(below(unit.pixels))
        chosen    = Signal(below(unit.pixels))
        step      = Signal()
        group_last, pixel_last = (
            read_ahead(m, addresses, unit.groups, step),
            pixel == unit.pixels - 1,
        )
        m.d.comb += [
            step.eq((filled != 0) & can_accept(self.o)),
            emptied.eq(step & group_last & pixel_last),
        ]
        with m.If(step):
            m.d.sync += chosen.eq(pixel)
        modulo_counter(m, pixel, unit.pixels, step & group_last)
        with m.If(emptied):
            m.d.sync += read_half.eq(~read_half)
        return read_half, chosen, step
