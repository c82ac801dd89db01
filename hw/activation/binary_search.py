"""MultiThreshold by binary search: one bit of the code per cycle, one comparator per channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from amaranth import *
from amaranth.lib import wiring

from tritforge.export.artifacts.rom import RomImage, value_rom
from tritforge.hw.activation.parallel import MultiCycleUnit, MultiThresholdUnit
from tritforge.hw.stream.rom import Rom
from tritforge.hw.stream.unit import UnitComponent, below, can_accept, output_register
from tritforge.hw.targets.rows import rows
from tritforge.types import IntArray

__all__ = ["BinarySearch", "BinarySearchUnit"]


@dataclass(frozen=True, kw_only=True, eq=False)
class BinarySearchUnit(MultiCycleUnit, MultiThresholdUnit):
    """MultiThreshold by binary search, most significant bit of the code first.

    Latency ``cycles`` + 1, interval ``cycles`` per beat, with one cycle per bit of the code. Cost:
    one comparator per channel, and a ROM of 2**cycles thresholds per channel. Each cycle sets the
    next bit in c and keeps it if sum >= threshold c.

    Parameters
    ----------
    never : int64 [M], a value that no sum of the channel reaches; fills the levels up to 2**cycles
        - 1.
    """

    never: IntArray

    @property
    def cycles(self) -> int:
        """Cycles of a search: the bits of a count."""
        return self.count_bits

    @property
    def constants(self) -> IntArray:
        """Threshold of each channel for each c, int64 [M, 2**cycles]; that of 0 is never read."""
        never = (1 << self.cycles) - 1 - self.levels.shape[1]
        return np.hstack(
            [
                np.zeros((len(self.levels), 1), np.int64),
                self.levels,
                np.repeat(self.never[:, None], never, axis=1),
            ]
        )

    @property
    def bound_bits(self) -> int:
        """Width of a threshold in the ROM in bits."""
        return max(self.value_bits, int(self.constants.max()).bit_length())

    @property
    def rom(self) -> RomImage:
        """The ROM image: one threshold of each of ``pe`` channels at address (pass, c)."""
        # [passes, c, pe]
        words = self.constants.reshape(self.passes, self.pe, -1).transpose(0, 2, 1)
        return value_rom(self.layer, self.role, words.reshape(-1, 1), self.pe, self.bound_bits)

    def component(self) -> wiring.Component:
        """Return the :class:`BinarySearch`."""
        return BinarySearch(self)


class BinarySearch(UnitComponent):
    """The circuit of :class:`BinarySearchUnit`.

    Latency ``cycles`` + 1, interval ``cycles`` per beat.

    Members
    -------
    i : ``pe`` sums, channel 0 in the low bits.
    o : ``pe`` codes.
    """

    unit: BinarySearchUnit

    def elaborate(self, platform: object) -> Module:
        """Sum registers, code registers, a comparator per channel, and the threshold ROM."""
        unit = self.unit
        m    = Module()
        row  = rows(m, platform)
        m.submodules.constants = rom = Rom(unit.rom, lanes=unit.pe)

        sums      = Signal.like(self.i.payload)
        # one-hot, the bit that is decided; 0: there are no sums
        turn      = Signal(unit.cycles)
        group     = Signal(below(unit.passes))
        following = Signal(below(unit.passes))
        load      = Signal()
        searching = Signal()
        finish    = Signal()
        start = 1 << unit.cycles - 1
        m.d.comb += [
            finish.eq(turn[0] & can_accept(self.o)),
            searching.eq(turn[1:].any()),
            self.i.ready.eq((turn == 0) | finish),
            load.eq(self.i.valid & self.i.ready),
            following.eq(Mux(finish, Mux(group == unit.passes - 1, 0, group + 1), group)),
            rom.enable.eq(load | searching),
        ]
        m.d.sync += group.eq(following)
        with m.If(load):
            m.d.sync += [sums.eq(self.i.payload), turn.eq(start)]
        with m.Elif(searching | finish):
            m.d.sync += turn.eq(turn >> 1)

        view      = unit.o.view(self.o.payload)
        addresses = []
        for number in range(unit.pe):
            count    = Signal(unit.cycles, name=f"count_{number}")        # c
            address  = Signal(unit.cycles, name=f"address_{number}")
            at_least = row.at_least(
                f"row_{number}",
                unit.i.view(sums)[number],
                rom.data.word_select(number, unit.bound_bits),
            )
            # but for bit 0
            decided  = Cat(Mux(turn[bit], at_least, count[bit]) for bit in range(1, unit.cycles))
            m.d.comb += address.eq(Mux(load, start, Cat(0, decided) | turn >> 1))
            with m.If(load | searching):
                m.d.sync += count.eq(address)
            with m.If(finish):
                m.d.sync += view[number].eq(unit.code(Cat(at_least, count[1:])))
            addresses += [address, following] if unit.passes > 1 else [address]
        m.d.comb += rom.address.eq(Cat(addresses))
        output_register(m, self.o, finish)
        return m
