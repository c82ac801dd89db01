"""Time-multiplexed thresholds: few comparators serve all pixels of a row, one after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth import *
from amaranth.lib import wiring

from tritforge.export.artifacts.rom import RomImage, value_rom
from tritforge.hw.activation.parallel import MultiCycleUnit, MultiThresholdUnit
from tritforge.hw.stream.rom import Rom
from tritforge.hw.stream.unit import UnitComponent, below, can_accept, output_register
from tritforge.hw.targets.operators import reached
from tritforge.hw.targets.rows import rows

__all__ = ["TimeSharedThresholds", "TimeSharedThresholdsUnit", "time_shared"]


@dataclass(frozen=True, kw_only=True, eq=False)
class TimeSharedThresholdsUnit(MultiCycleUnit, MultiThresholdUnit):
    """The codes of :class:`tritforge.hw.activation.parallel.MultiThresholdUnit`, time-multiplexed.

    Latency ``cycles`` + 1, interval ``cycles`` = pixels / at_a_time per beat. Cost: one comparator
    per channel, level and pixel of ``at_a_time``, and a ``cycles``:1 multiplexer per bit of their
    sums.

    Parameters
    ----------
    at_a_time : pixels of each channel per cycle; divides ``pixels``, and is smaller.
    """

    at_a_time: int

    @property
    def cycles(self) -> int:
        """Cycles per beat, pixels / at_a_time."""
        return self.pixels // self.at_a_time

    @property
    def rom(self) -> RomImage:
        """The ROM image of the thresholds, ``pe`` channels per word."""
        return value_rom(self.layer, self.role, self.levels, self.pe, self.value_bits)

    def component(self) -> wiring.Component:
        """Return the :class:`TimeSharedThresholds`."""
        return TimeSharedThresholds(self)


class TimeSharedThresholds(UnitComponent):
    """The circuit of :class:`TimeSharedThresholdsUnit`.

    Latency ``cycles`` + 1, interval ``cycles`` per beat.

    Members
    -------
    i : ``pe`` channels of ``pixels`` sums each.
    o : as many codes.
    """

    unit: TimeSharedThresholdsUnit

    def elaborate(self, platform: object) -> Module:
        """Sum and code registers, and the comparators that all pixels share."""
        unit = self.unit
        m    = Module()
        row  = rows(m, platform)
        m.submodules.constants = rom = Rom(unit.rom)

        sums      = Signal.like(self.i.payload)
        busy      = Signal()
        turn      = Signal(below(unit.cycles))
        group     = Signal(below(unit.passes))
        following = Signal(below(unit.passes))
        load      = Signal()
        finish    = Signal()
        last      = turn == unit.cycles - 1
        m.d.comb += [
            finish.eq(busy & last & can_accept(self.o)),
            self.i.ready.eq(~busy | finish),
            load.eq(self.i.valid & self.i.ready),
            following.eq(Mux(finish, Mux(group == unit.passes - 1, 0, group + 1), group)),
            rom.address.eq(following), rom.enable.eq(1),
        ]
        m.d.sync += [group.eq(following), busy.eq(load | (busy & ~finish))]
        with m.If(load):
            m.d.sync += sums.eq(self.i.payload)
        with m.If(finish):
            m.d.sync += turn.eq(0)
        with m.Elif(busy & ~last):
            m.d.sync += turn.eq(turn + 1)

        bits   = unit.target.bits
        levels = unit.levels.shape[1]
        codes  = []                                      # of a beat, once the last turn has come
        for number in range(unit.pe):
            bounds = [
                rom.data.word_select(number * levels + level, unit.value_bits)
                for level in range(levels)
            ]
            made   = []                                  # codes of this turn
            for pixel in range(unit.at_a_time):
                total = Signal(unit.source.bits, name=f"sum_{number}_{pixel}")
                lanes = range(
                    number * unit.pixels + pixel, (number + 1) * unit.pixels, unit.at_a_time
                )
                m.d.comb += total.eq(Cat(sums.word_select(lane, unit.source.bits) for lane in lanes)
                                     .word_select(turn, unit.source.bits))
                count = reached([row.at_least(f"lane_{number}_{pixel}_level_{level}", total, bound)
                                 for level, bound in enumerate(bounds)])
                made.append(unit.code(count)[:bits])
            # of the turns before
            held = Signal((unit.cycles - 1) * unit.at_a_time * bits, name=f"codes_{number}")
            with m.If(busy & ~last):
                m.d.sync += held.eq(Cat(held, *made)[len(Cat(made)):])
            codes += [held, *made]
        with m.If(finish):
            m.d.sync += self.o.payload.eq(Cat(codes))
        output_register(m, self.o, finish)
        return m


def time_shared(pause: int, **parameters: Any) -> list[TimeSharedThresholdsUnit]:
    """Return all time-shared units of at most ``pause`` cycles per beat, fewest cycles first."""
    pixels = parameters["pixels"]
    return [TimeSharedThresholdsUnit(name="turns", at_a_time=pixels // turns, **parameters)
            for turns in range(2, min(pause, pixels) + 1) if pixels % turns == 0]
