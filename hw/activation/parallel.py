"""Per-channel functions of an engine's sums, one beat per cycle: MultiThreshold and bias."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy as np
from amaranth import *
from amaranth.lib import wiring

from tritforge.export.artifacts.rom import Role, RomImage, value_rom
from tritforge.export.ir.datatype import DataType
from tritforge.hw.stream.event_graph import Channel, EventGraph
from tritforge.hw.stream.rom import Rom
from tritforge.hw.stream.unit import Beats, Unit, UnitComponent, below, can_accept, output_register
from tritforge.hw.targets.operators import Operators, at_least, reached
from tritforge.hw.targets.rows import rows
from tritforge.types import IntArray

__all__ = [
    "BiasUnit",
    "MultiCycleUnit",
    "MultiThresholdUnit",
    "ParallelThresholdsUnit",
    "PerChannel",
    "PerChannelUnit",
]


Count = TypeVar("Count", int, Value)
"""A number of levels: an int, or a value of the circuit."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PerChannelUnit(Unit):
    """result = f(sum, constants of its channel), for ``pe`` channels of ``pixels`` pixels per beat.

    Parameters
    ----------
    name : instance name.
    layer : name of the matrix layer, which names the ROM image.
    values : int64 [M, L], constants of each channel, corrected for offset binary sums
        (tritforge.hw.matrix.offset_binary).
    source, target : types of the sums and of the results.
    pe : channels per beat; divides M.
    vectors : vectors per frame; with several ``pixels``, groups of ``pixels`` vectors.
    pixels : pixels side by side that share the constants: lane = channel * pixels + pixel.
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
    def i(self) -> Beats:
        """pe * pixels sums."""
        return Beats(self.source, self.pe * self.pixels)

    @property
    def o(self) -> Beats:
        """pe * pixels results."""
        return Beats(self.target, self.pe * self.pixels)

    @property
    def passes(self) -> int:
        """Beats of a vector, M / pe."""
        return len(self.values) // self.pe

    @property
    def frame_beats(self) -> int:
        """vectors * passes."""
        return self.vectors * self.passes

    @property
    @abstractmethod
    def rom(self) -> RomImage | None:
        """The ROM image of the constants; None if they are part of the circuit."""


class _SingleCycleUnit(PerChannelUnit):
    """One beat per cycle, latency 1."""

    value_bits: int

    @property
    def constants(self) -> IntArray:
        """Content of the ROM, int64 [M, L]."""
        return self.values

    @property
    def rom(self) -> RomImage | None:
        """The ROM image of ``constants``, ``pe`` channels per word."""
        return value_rom(self.layer, self.role, self.constants, self.pe, self.value_bits)

    @property
    def interval_cycles(self) -> int:
        """One cycle per beat."""
        return self.frame_beats

    def schedule(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add a process with one step per beat."""
        return graph.chain(self.name, channel, self.interval_cycles, range(self.interval_cycles),
                           range(self.interval_cycles))

    def component(self) -> wiring.Component:
        """Return the :class:`PerChannel`."""
        return PerChannel(self)

    @abstractmethod
    def results(
        self, row: Operators, sums: Sequence[Value], words: Sequence[Sequence[Value]]
    ) -> list[Value]:
        """Return the results of the ``sums`` of a beat.

        Parameters
        ----------
        row : adder and comparator primitives (tritforge.hw.targets.rows).
        sums : one value per lane.
        words : for each lane its constants of ``value_bits`` bits; empty without ROM.
        """


class MultiCycleUnit(PerChannelUnit):
    """A beat is loaded into a register and processed for ``cycles`` cycles.

    Latency ``cycles`` + 1; interval ``cycles`` per beat: the last cycle puts the result and may
    load the next beat.
    """

    @property
    @abstractmethod
    def cycles(self) -> int:
        """Cycles per beat."""

    @property
    def interval_cycles(self) -> int:
        """``cycles`` per beat."""
        return self.frame_beats * self.cycles

    def schedule(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add a process that loads beats and one that works on them."""
        load  = graph.process(f"{self.name}.load", self.frame_beats)
        work  = graph.process(f"{self.name}.work", self.interval_cycles)
        graph.take(channel, load, np.arange(load.steps))
        first   = np.arange(load.steps) * self.cycles
        work.wait(load, np.arange(load.steps), 1, at=first)
        load.wait(work, first - 1, 0)             # the beat is held until the last step of its work
        return Channel(work, first + self.cycles - 1)


@dataclass(frozen=True, kw_only=True, eq=False)
class MultiThresholdUnit(PerChannelUnit):
    """MultiThreshold: code = target.minimum + number of l with sum >= values[channel, l].

    Parameters
    ----------
    values : unsigned, ascending in each channel.
    value_bits : width of a threshold in bits.
    """

    value_bits: int

    role = Role.THRESHOLDS

    @property
    def always(self) -> int:
        """Number of levels that every sum reaches, which cost nothing; one level always remains."""
        return min(int((self.values == 0).all(axis=0).sum()), self.values.shape[1] - 1)

    @property
    def levels(self) -> IntArray:
        """The other levels, int64 [M, L]."""
        return self.values[:, self.always:]

    @property
    def count_bits(self) -> int:
        """Width of a count of ``levels`` in bits."""
        return self.levels.shape[1].bit_length()

    def code(self, count: Count) -> Count:
        """Return the code of a channel whose sum reaches ``count`` of ``levels``."""
        return count + self.target.minimum + self.always


class ParallelThresholdsUnit(_SingleCycleUnit, MultiThresholdUnit):
    """MultiThreshold with all levels at once.

    Latency 1, interval 1 cycle per beat. Cost: one comparator per lane and level, and a parity per
    bit of the code. With a single pass the thresholds are constants of the circuit and need no ROM.
    """

    @property
    def rom(self) -> RomImage | None:
        """The ROM image of the thresholds; None with a single pass."""
        return super().rom if self.passes > 1 else None

    @property
    def constants(self) -> IntArray:
        """``levels``."""
        return self.levels

    def results(
        self, row: Operators, sums: Sequence[Value], words: Sequence[Sequence[Value]]
    ) -> list[Value]:
        """Compare each sum with all its levels and count those reached."""
        def above(lane: int, total: Value) -> list[Value]:
            if not words:
                return [at_least(total, int(bound)) for bound in self.levels[lane // self.pixels]]
            return [
                row.at_least(f"lane_{lane}_level_{level}", total, bound)
                for level, bound in enumerate(words[lane])
            ]

        return [self.code(reached(above(lane, total))) for lane, total in enumerate(sums)]


@dataclass(frozen=True, kw_only=True, eq=False)
class BiasUnit(_SingleCycleUnit):
    """score = sum + values[channel, 0].

    Latency 1, interval 1 cycle per beat. Cost: one adder per lane and the ROM.

    Parameters
    ----------
    value_bits : width of a bias in the ROM in bits, two's complement.
    """

    value_bits: int

    role = Role.BIAS

    def results(
        self, row: Operators, sums: Sequence[Value], words: Sequence[Sequence[Value]]
    ) -> list[Value]:
        """Add the bias of each lane."""
        return [total + word[0].as_signed() for total, word in zip(sums, words, strict=True)]


class PerChannel(UnitComponent):
    """The circuit of :class:`ParallelThresholdsUnit` and :class:`BiasUnit`.

    Latency 1, interval 1 cycle per beat: the ROM reads the constants of the next beat while the
    present one leaves.

    Members
    -------
    i : ``pe`` channels of ``pixels`` sums, channel 0 in the low bits.
    o : as many results.
    """

    unit: _SingleCycleUnit

    def elaborate(self, platform: object) -> Module:
        """ROM, per-lane functions and output register."""
        unit = self.unit
        m    = Module()
        step = Signal()
        m.d.comb += [
            step.eq(self.i.valid & can_accept(self.o)),
            self.i.ready.eq(can_accept(self.o)),
        ]
        image = unit.rom
        words = [] if image is None else self._words(m, image, step)
        sums  = [unit.i.view(self.i.payload)[lane] for lane in range(unit.i.lanes)]
        results = unit.results(rows(m, platform), sums, words)
        view    = unit.o.view(self.o.payload)
        with m.If(step):
            m.d.sync += [view[number].eq(result) for number, result in enumerate(results)]
        output_register(m, self.o, step)
        return m

    def _words(self, m: Module, image: RomImage, step: Value) -> list[list[Value]]:
        """Constants of each lane of the next beat, which ``step`` accepts."""
        unit = self.unit
        m.submodules.constants = rom = Rom(image)
        group     = Signal(below(unit.passes))
        following = Signal(below(unit.passes))
        m.d.comb += [
            following.eq(Mux(step, Mux(group == unit.passes - 1, 0, group + 1), group)),
            rom.address.eq(following),
            rom.enable.eq(1),
        ]
        m.d.sync += group.eq(following)
        values = unit.constants.shape[1]
        return [
            [
                rom.data.word_select(lane // unit.pixels * values + value, unit.value_bits)
                for value in range(values)
            ]
            for lane in range(unit.i.lanes)
        ]
