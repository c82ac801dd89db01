"""Requantization with a bit-serial multiplier: one bit of the constants per cycle, no DSP."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from amaranth import *
from amaranth.lib import wiring

from tritforge.export.artifacts.rom import Role, RomImage, value_rom
from tritforge.hw.activation.parallel import MultiCycleUnit
from tritforge.hw.stream.counter import modulo_counter
from tritforge.hw.stream.rom import Rom
from tritforge.hw.stream.unit import UnitComponent, below, can_accept, output_register
from tritforge.types import IntArray

__all__ = ["SerialMultiplier", "SerialMultiplierUnit"]


@dataclass(frozen=True, kw_only=True, eq=False)
class SerialMultiplierUnit(MultiCycleUnit):
    """code = clamp((multiplier * sum + bias) >> shift) to the range of ``target``, rounded down.

    With bias = high * 2**steps + low and bit j of multiplier and low in cycle j,

        product = 0;  ``steps`` times:
        product = (product + (multiplier bit ? sum : 0) + low bit) >> 1

    leaves product = (multiplier * sum + low) >> steps, which is never wider than a sum, and code =
    clamp(product + high). Latency ``steps`` + 2, interval ``steps`` + 1 cycles per beat. Cost: one
    adder and one clamp per channel, and a ROM with three bits per channel and step: of multiplier,
    low and high.

    Parameters
    ----------
    values : int64 [M, 2], multiplier and bias of each channel, corrected for offset binary sums
        (tritforge.hw.matrix.offset_binary); 0 <= multiplier < 2**shift.
    shift : at least 0.
    """

    shift: int

    role = Role.REQUANTIZE

    @property
    def _high(self) -> IntArray:
        """The bias in whole codes, clamped to its useful range: product is 0..source.maximum."""
        lowest = self.target.minimum - self.source.maximum
        return np.clip(self.values[:, 1] >> self.shift, lowest, self.target.maximum)

    @property
    def high_bits(self) -> int:
        """Width of high in bits, two's complement."""
        return 1 + max(int(value if value >= 0 else ~value).bit_length() for value in self._high)

    @property
    def steps(self) -> int:
        """Bits of the multiplier; more if high is wider, as it is stored in the same words."""
        return max(self.shift, self.high_bits)

    @property
    def cycles(self) -> int:
        """Cycles per beat, ``steps`` + 1."""
        return self.steps + 1

    @property
    def rom(self) -> RomImage:
        """The ROM image: at address (pass, step), three bits for each of ``pe`` channels."""
        # the same function with larger constants
        spare = self.steps - self.shift
        low   = (self.values[:, 1] & (1 << self.shift) - 1) << spare
        high  = (self._high & (1 << self.high_bits) - 1) << self.steps - self.high_bits
        step  = np.arange(self.steps)
        # [M, steps] each
        parts = [number[:, None] >> step & 1 for number in (self.values[:, 0] << spare, low, high)]
        words = (
            (parts[0] | parts[1] << 1 | parts[2] << 2)
            .reshape(self.passes, self.pe, self.steps)
            .transpose(0, 2, 1)
        )
        return value_rom(self.layer, self.role, words.reshape(-1, 1), self.pe, 3)

    def component(self) -> wiring.Component:
        """Return the :class:`SerialMultiplier`."""
        return SerialMultiplier(self)


class SerialMultiplier(UnitComponent):
    """The circuit of :class:`SerialMultiplierUnit`.

    Latency ``cycles`` + 1, interval ``cycles`` per beat.

    Members
    -------
    i : ``pe`` sums, channel 0 in the low bits.
    o : ``pe`` codes.
    """

    unit: SerialMultiplierUnit

    def elaborate(self, platform: object) -> Module:
        """Sum registers, ROM of constant bits, a shift-add multiplier with clamp per channel."""
        unit = self.unit
        m    = Module()
        m.submodules.constants = rom = Rom(unit.rom)

        sums   = Signal.like(self.i.payload)
        # cycles of work on them; 0: there are none
        left   = Signal(below(unit.cycles + 1))
        load     = Signal()
        multiply = Signal()
        finish   = Signal()
        m.d.comb += [
            multiply.eq(left > 1),
            finish.eq((left == 1) & can_accept(self.o)),
            self.i.ready.eq((left == 0) | finish),
            load.eq(self.i.valid & self.i.ready),
            rom.enable.eq(load | (left > 2)),               # the bits of the next step
        ]
        modulo_counter(m, rom.address, unit.rom.depth, rom.enable)
        with m.If(load):
            m.d.sync += [sums.eq(self.i.payload), left.eq(unit.cycles)]
        with m.Elif(multiply | finish):
            m.d.sync += left.eq(left - 1)

        view = unit.o.view(self.o.payload)
        for number in range(unit.pe):
            bit_of_multiplier, bit_of_low, bit_of_high = rom.data.word_select(number, 3)
            product = Signal(unit.source.bits, name=f"product_{number}")
            high    = Signal(signed(unit.high_bits), name=f"high_{number}")
            total   = Signal(unit.source.bits + 1, name=f"total_{number}")
            code = Signal(
                signed(max(unit.source.bits + 1, unit.high_bits) + 1), name=f"code_{number}"
            )
            m.d.comb += [
                total.eq(
                    product + Mux(bit_of_multiplier, unit.i.view(sums)[number], 0) + bit_of_low
                ),
                code.eq(product + high),
            ]
            with m.If(load):
                m.d.sync += product.eq(0)
            with m.Elif(multiply):
                m.d.sync += [product.eq(total >> 1), high.eq(Cat(high[1:], bit_of_high))]
            with m.If(finish):
                m.d.sync += view[number].eq(
                    Mux(code < unit.target.minimum, unit.target.minimum,
                        Mux(code > unit.target.maximum, unit.target.maximum, code)))
        output_register(m, self.o, finish)
        return m
