"""Thresholds by binary search: a bit of the code a cycle, with one comparator for each row."""

from dataclasses import dataclass

import numpy as np
from amaranth import *

from tritforge.export.artifacts.rom import value_rom
from tritforge.hw.activation.parallel import MultiCycleUnit, MultiThresholdUnit
from tritforge.hw.stream.rom import Rom
from tritforge.hw.stream.unit import UnitComponent, below, can_accept, output_register
from tritforge.hw.targets.rows import rows
from tritforge.types import IntArray

__all__ = ["BinarySearch", "BinarySearchUnit"]


@dataclass(frozen=True, kw_only=True, eq=False)
class BinarySearchUnit(MultiCycleUnit, MultiThresholdUnit):
    """The codes of :class:`tritforge.hw.activation.parallel.MultiThresholdUnit`, the top bit first: c = the bits found so far and a 1; it stays where
    sum >= threshold c.

    The ROM has one threshold of each row at an address (group of rows, c).

    Parameters
    ----------
    never : int64 [M], a value that no sum of the row reaches: thresholds of the counts up to the next power of two.
    """

    never: IntArray

    @property
    def cycles(self):
        """Cycles of a search: the bits of a count."""
        return self.count_bits

    @property
    def constants(self):
        """Threshold of each row [M] for each c [2**cycles]; that of 0 is never read."""
        never = (1 << self.cycles) - 1 - self.levels.shape[1]
        return np.hstack([np.zeros((len(self.levels), 1), np.int64), self.levels, np.repeat(self.never[:, None], never, axis=1)])

    @property
    def bound_bits(self):
        """Width of a threshold in the ROM."""
        return max(self.value_bits, int(self.constants.max()).bit_length())

    @property
    def rom(self):
        words = self.constants.reshape(self.passes, self.pe, -1).transpose(0, 2, 1)     # [passes, c, pe]
        return value_rom(self.layer, self.role, words.reshape(-1, 1), self.pe, self.bound_bits)

    @property
    def luts(self):
        depth = self.passes << self.cycles
        state = 2 * self.cycles                              # what all rows share, as measured
        return state + self.pe * (-(-self.bound_bits // 2) + self.cycles + self.bound_bits * -(-depth // 64))

    def component(self):
        return BinarySearch(self)


class BinarySearch(UnitComponent):
    """The circuit of :class:`BinarySearchUnit`.

    Members
    -------
    i : beats of ``pe`` sums, row 0 first.
    o : beats of ``pe`` codes.
    """

    def elaborate(self, platform):
        unit = self._unit
        m    = Module()
        row  = rows(m, platform)
        m.submodules.constants = rom = Rom(unit.rom, lanes=unit.pe)

        sums      = Signal.like(self.i.payload)
        turn      = Signal(unit.cycles)                     # one-hot, the bit that is decided; 0: there are no sums
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
            at_least = row.at_least(f"row_{number}", unit.i.view(sums)[number], rom.data.word_select(number, unit.bound_bits))
            decided  = Cat(Mux(turn[bit], at_least, count[bit]) for bit in range(1, unit.cycles))     # but for bit 0
            m.d.comb += address.eq(Mux(load, start, Cat(0, decided) | turn >> 1))
            with m.If(load | searching):
                m.d.sync += count.eq(address)
            with m.If(finish):
                m.d.sync += view[number].eq(unit.code(Cat(at_least, count[1:])))
            addresses += [address, following] if unit.passes > 1 else [address]
        m.d.comb += rom.address.eq(Cat(addresses))
        output_register(m, self.o, finish)
        return m
