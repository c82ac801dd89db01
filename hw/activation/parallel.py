"""Behind the array: thresholds that make activation codes, or an integer bias that makes scores."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from amaranth import *

from tritforge.export.artifacts.rom import Role, value_rom
from tritforge.export.ir.datatype import DataType
from tritforge.hw.stream.event_graph import Channel
from tritforge.hw.stream.rom import Rom
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, below, can_accept, output_register
from tritforge.hw.targets.operators import at_least, reached
from tritforge.hw.targets.rows import rows
from tritforge.types import IntArray

__all__ = ["BiasUnit", "MultiCycleUnit", "MultiThresholdUnit", "ParallelThresholdsUnit", "PerChannel", "PerChannelUnit"]


@dataclass(frozen=True, kw_only=True, eq=False)
class PerChannelUnit(Unit):
    """A function of each row's sum with constants of its own.

    Parameters
    ----------
    name : instance name.  layer : name of the matrix layer, which names the ROM.
    values : int64 [M, L], constants of each row, already corrected (tritforge.hw.matrix.offset_binary).
    source, target : types of the sums and of the results.
    pe : rows a beat; divides M.
    vectors : vectors a frame, or as many groups of ``pixels`` vectors.
    pixels : vectors side by side, which share the constants: lane = row * pixels + pixel.
    """

    name:    str
    layer:   str
    values:  IntArray
    source:  DataType
    target:  DataType
    pe:      int
    vectors: int
    pixels:  int = 1

    role: ClassVar[Role]

    @property
    def i(self):
        return Beats(self.source, self.pe * self.pixels)

    @property
    def o(self):
        return Beats(self.target, self.pe * self.pixels)

    @property
    def passes(self):
        return len(self.values) // self.pe

    @property
    def frame_beats(self):
        return self.vectors * self.passes

    @property
    @abstractmethod
    def rom(self):
        """The image of the constants (tritforge.export.artifacts.rom.RomImage), or None where they are part of the circuit."""


class _SingleCycleUnit(PerChannelUnit):
    """One beat a cycle, latency 1."""

    @property
    def constants(self):
        """What the ROM holds, int64 [M, L]."""
        return self.values

    @property
    def rom(self):
        return value_rom(self.layer, self.role, self.constants, self.pe, self.value_bits)

    @property
    def interval_cycles(self):
        return self.frame_beats

    def schedule(self, graph, channel):
        return graph.chain(self.name, channel, self.interval_cycles, range(self.interval_cycles),
                           range(self.interval_cycles))

    def component(self):
        return PerChannel(self)

    @abstractmethod
    def results(self, row, sums, words):
        """Results of the ``sums`` of a beat.

        ``words`` has for each of them its constants, values of ``value_bits``, or is None where there is no ROM;
        ``row`` makes comparisons (tritforge.hw.targets.rows.rows).
        """


class MultiCycleUnit(PerChannelUnit):
    """Takes a beat into a register and works on it for :attr:`cycles`, the last of which puts the result and may take
    the next beat: ``cycles`` from beat to beat, ``cycles`` + 1 from a beat to its result."""

    @property
    @abstractmethod
    def cycles(self):
        """Cycles of work on a beat."""

    @property
    def interval_cycles(self):
        return self.frame_beats * self.cycles

    def schedule(self, graph, channel):
        load  = graph.process(f"{self.name}.load", self.frame_beats)
        work  = graph.process(f"{self.name}.work", self.interval_cycles)
        graph.take(channel, load, np.arange(load.steps))
        first   = np.arange(load.steps) * self.cycles
        work.wait(load, np.arange(load.steps), 1, at=first)
        load.wait(work, first - 1, 0)             # the beat is held until the last step of its work
        return Channel(work, first + self.cycles - 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class MultiThresholdUnit(PerChannelUnit):
    """code = target.minimum + number of l with sum >= values[row, l]; ``values`` unsigned, ascending in each row.

    Parameters
    ----------
    value_bits : width of a threshold.
    """

    value_bits: int

    role = Role.THRESHOLDS

    @property
    def always(self):
        """Levels that every sum of every row reaches: they cost nothing. One level is left in any case."""
        return min(int((self.values == 0).all(axis=0).sum()), self.values.shape[1] - 1)

    @property
    def levels(self):
        """The others, int64 [M, L]."""
        return self.values[:, self.always:]

    @property
    def count_bits(self):
        """Bits of a count of :attr:`levels`."""
        return self.levels.shape[1].bit_length()

    def code(self, count):
        """The code of a row that reaches ``count`` of :attr:`levels`."""
        return count + self.target.minimum + self.always


class ParallelThresholdsUnit(_SingleCycleUnit, MultiThresholdUnit):
    """All levels at once, a comparator for each. One beat a cycle, latency 1.

    With a single group of rows the thresholds are constants of the circuit and need no ROM.
    """

    @property
    def rom(self):
        return super().rom if self.passes > 1 else None

    @property
    def constants(self):
        return self.levels

    def results(self, row, sums, words):
        def above(lane, total):
            if words is None:
                return [at_least(total, int(bound)) for bound in self.levels[lane // self.pixels]]
            return [row.at_least(f"lane_{lane}_level_{level}", total, bound) for level, bound in enumerate(words[lane])]

        return [self.code(reached(above(lane, total))) for lane, total in enumerate(sums)]


@dataclass(frozen=True, kw_only=True, eq=False)
class BiasUnit(_SingleCycleUnit):
    """score = sum + values[row, 0]. One beat a cycle, latency 1.

    Parameters
    ----------
    value_bits : width of a bias in the ROM, two's complement.
    """

    value_bits: int

    role = Role.BIAS

    def results(self, row, sums, words):
        return [total + word[0].as_signed() for total, word in zip(sums, words, strict=True)]


class PerChannel(UnitComponent):
    """The circuit of both. Reads the constants of the next group of rows while the present one leaves, so that no
    cycle is lost.

    Members
    -------
    i : beats of ``pe`` rows of sums, row 0 first, ``pixels`` sums each.
    o : beats of as many results.
    """

    def elaborate(self, platform):
        unit = self.unit
        m    = Module()
        step = Signal()
        m.d.comb += [step.eq(self.i.valid & can_accept(self.o)), self.i.ready.eq(can_accept(self.o))]
        words = None if unit.rom is None else self._words(m, step)
        sums  = [unit.i.view(self.i.payload)[lane] for lane in range(unit.i.lanes)]
        results = unit.results(rows(m, platform), sums, words)
        view    = unit.o.view(self.o.payload)
        with m.If(step):
            m.d.sync += [view[number].eq(result) for number, result in enumerate(results)]
        output_register(m, self.o, step)
        return m

    def _words(self, m, step):
        """The constants of each lane of the beat that waits, which ``step`` takes."""
        unit = self.unit
        m.submodules.constants = rom = Rom(unit.rom)
        group     = Signal(below(unit.passes))
        following = Signal(below(unit.passes))
        m.d.comb += [
            following.eq(Mux(step, Mux(group == unit.passes - 1, 0, group + 1), group)),
            rom.address.eq(following),
            rom.enable.eq(1),
        ]
        m.d.sync += group.eq(following)
        values = unit.constants.shape[1]
        return [[rom.data.word_select(lane // unit.pixels * values + value, unit.value_bits) for value in range(values)]
                for lane in range(unit.i.lanes)]
