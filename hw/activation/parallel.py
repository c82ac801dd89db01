"""Behind the array: thresholds that make activation codes, or an integer bias that makes scores."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from amaranth import *

from tritforge.export.artifacts.rom import value_rom
from tritforge.export.ir.datatype import DataType
from tritforge.hw.cost.memory import rom
from tritforge.hw.cost.technology import Cost, counter_bits, no_less, reaches
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

    role = ""

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

    def _shared(self, technology):
        """What all rows share: valid, and where there is a ROM its words and the group."""
        constants = Cost() if self.rom is None else rom(technology, self.rom) + Cost(ff=counter_bits(max(2, self.passes)))
        return Cost(ff=1) + constants

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

    role = "thresholds"

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

    @property
    @abstractmethod
    def luts(self):
        """Six-input LUTs, estimated, to choose between the forms."""


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

    @property
    def luts(self):
        levels  = self.levels.shape[1]
        parity  = sum(_tree(levels >> bit) for bit in range(self.count_bits))
        compare = _tree(self.source.bits) if self.passes == 1 else -(-self.value_bits // 2)
        columns = self.pe * levels * self.value_bits if self.passes > 1 else 0          # of the ROM
        alike   = min(columns, 2 ** min(self.passes, 64) - 2)           # no more columns can differ
        return self.pe * self.pixels * (levels * compare + parity) + alike * -(-self.passes // 64)

    def cost(self, technology):
        """A register for each result, valid, and the ROM. A comparator a lane and level: with cells a LUT for two bits,
        eight bits a CARRY4; with constants a chain of gates from the lowest 1 up, five bits a LUT, or of few bits each bit
        of the code a function of the sum. The count of levels is a parity for each of its bits."""
        lanes  = self.pe * self.pixels
        levels = self.levels.shape[1]
        parity = lanes * sum(_tree(levels >> bit, technology.pins) for bit in range(self.count_bits))
        offset = lanes * self.target.bits * (self.code(0) != 0)
        shared = self._shared(technology)
        if self.passes == 1:
            codes   = [self._codes(levels) for levels in self.levels]
            varying = [_different(row, self.target.bits) for row in codes]
            pins    = technology.pins
            trees   = [min(self._trees(levels, pins), bits * _function(self.source.bits, pins))
                       for levels, bits in zip(self.levels, varying, strict=True)]
            ones    = any(np.bitwise_and.reduce(row) for row in codes)       # bits that are always 1 share a register
            single  = sum(tree for tree, bits in zip(trees, varying, strict=True) if bits < 2)
            return (shared + Cost(ff=self.pixels * sum(varying) + ones)
                    + technology.logic("constant levels", one=1, single=self.pixels * single,
                                       several=self.pixels * (sum(trees) - single), offset=offset))
        shared = shared + Cost(ff=self.o.payload_bits)
        width    = max(self.source.bits, self.value_bits)
        inverted = lanes * (self.source.signed)
        if technology.cells:
            return (shared + reaches(technology, width, lanes * levels)
                    + technology.logic("levels", one=1, parity=parity, offset=offset, inverted=inverted,
                                       counter=counter_bits(self.passes)))
        return (shared + no_less(technology, width, lanes * levels, "level")
                + technology.logic("levels", one=1, parity=parity, offset=offset, counter=counter_bits(self.passes)))

    def _trees(self, levels, pins):
        """LUTs of ``pins`` inputs of comparators with the constants ``levels`` [L] and of the parities of what they find."""
        inside = [int(bound) for bound in levels if 0 < bound < 1 << self.source.bits]
        chains = [self.source.bits + 1 - (bound & -bound).bit_length() for bound in inside]
        parities = [len(inside) >> bit for bit in range(len(inside).bit_length())]
        return sum(_tree(inputs, pins) for inputs in (*chains, *parities))

    def _codes(self, levels):
        """Every code of a row with the constants ``levels`` [L], as its bits."""
        sums = [0, *(int(bound) for bound in levels if 0 < bound < 1 << self.source.bits)]
        return np.array([self.code(int((levels <= total).sum())) for total in sums]) & (1 << self.target.bits) - 1

    def results(self, row, sums, words):
        def above(lane, total):
            if words is None:
                return [at_least(total, int(bound)) for bound in self.levels[lane // self.pixels]]
            return [row.at_least(f"lane_{lane}_level_{level}", total, bound) for level, bound in enumerate(words[lane])]

        return [self.code(reached(above(lane, total))) for lane, total in enumerate(sums)]


def _different(codes, bits):
    """Bits of ``codes`` that are neither constant nor equal to another one."""
    columns = {tuple(column) for column in (codes[:, None] >> np.arange(bits) & 1).T.tolist()}
    return sum(len(set(column)) > 1 for column in columns)


def _tree(inputs, pins=6):
    """LUTs of ``pins`` inputs that a function of ``inputs`` takes which is a chain, such as a parity."""
    return max(0, -(-(inputs - 1) // (pins - 1)))


def _function(inputs, pins):
    """LUTs of ``pins`` inputs that any function of so many inputs takes; the wide multiplexers behind them are free."""
    return 1 << max(0, inputs - pins)


@dataclass(frozen=True, kw_only=True, eq=False)
class BiasUnit(_SingleCycleUnit):
    """score = sum + values[row, 0]. One beat a cycle, latency 1.

    Parameters
    ----------
    value_bits : width of a bias in the ROM, two's complement.
    """

    value_bits: int

    role = "bias"

    def cost(self, technology):
        """A register for each result, valid, the ROM, and an adder a lane."""
        bias  = DataType(max(2, self.value_bits), signed=True)
        added = technology.adder(self.source, bias, self.target.bits) * (self.pe * self.pixels)
        return (self._shared(technology) + Cost(ff=self.o.payload_bits) + added
                + technology.logic("biases", one=1, counter=counter_bits(self.passes)))

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
        unit = self._unit
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
        unit = self._unit
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
