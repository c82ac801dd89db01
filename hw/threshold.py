"""Behind the array: thresholds that make activation codes, or an integer bias that makes scores."""

from abc import abstractmethod
from dataclasses import dataclass

from amaranth import *

from export.datatype import DataType
from export.ir import IntArray
from export.rom import value_rom
from hw.arithmetic import add_all
from hw.rom import Rom
from hw.stream import Beats, Unit, UnitComponent, below, output_register, room

__all__ = ["Biases", "PerRow", "Thresholds"]


@dataclass(frozen=True, kw_only=True, eq=False)
class _PerRow(Unit):
    """A function of each row's sum with constants of its own from a ROM. One beat a cycle, latency 1.

    Parameters
    ----------
    name : instance name.  layer : name of the matrix layer, which names the ROM.
    values : int64 [M, L], constants of each row, already corrected (export.correction).
    value_bits : width of a constant in the ROM.
    source, target : types of the sums and of the results.
    pe : rows a beat; divides M.
    vectors : vectors a frame, or as many groups of ``pixels`` vectors.
    pixels : vectors side by side, which share the constants: lane = row * pixels + pixel.
    """

    name:       str
    layer:      str
    values:     IntArray
    value_bits: int
    source:     DataType
    target:     DataType
    pe:         int
    vectors:    int
    pixels:     int = 1

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
    def interval_cycles(self):
        return self.vectors * self.passes

    @property
    def frame_beats(self):
        return self.interval_cycles

    @property
    def rom(self):
        return value_rom(self.layer, self.role, self.values, self.pe, self.value_bits)

    def schedule(self, graph, channel):
        return graph.chain(self.name, channel, self.interval_cycles, range(self.interval_cycles),
                           range(self.interval_cycles))

    def component(self):
        return PerRow(self)

    @abstractmethod
    def result(self, total, constants):
        """The row's result from its sum and its constants (values of the circuit, ``value_bits`` each)."""


class Thresholds(_PerRow):
    """code = target.minimum + number of l with sum >= values[row, l]: one comparator a level, and their count."""

    role = "thresholds"

    def result(self, total, constants):
        return add_all(total >= constant for constant in constants) + self.target.minimum


class Biases(_PerRow):
    """score = sum + values[row, 0]."""

    role = "bias"

    def result(self, total, constants):
        return total + constants[0].as_signed()


class PerRow(UnitComponent):
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
        m.submodules.constants = rom = Rom(unit.rom)
        group     = Signal(below(unit.passes))
        following = Signal(below(unit.passes))
        step   = Signal()
        levels = unit.values.shape[1]
        m.d.comb += [
            step.eq(self.i.valid & room(self.o)),
            self.i.ready.eq(room(self.o)),
            following.eq(Mux(step, Mux(group == unit.passes - 1, 0, group + 1), group)),
            rom.address.eq(following),
            rom.enable.eq(1),
        ]
        m.d.sync += group.eq(following)
        with m.If(step):
            for row in range(unit.pe):
                constants = [rom.data.word_select(row * levels + level, unit.value_bits)
                             for level in range(levels)]
                for lane in range(row * unit.pixels, (row + 1) * unit.pixels):
                    m.d.sync += unit.o.view(self.o.payload)[lane].eq(unit.result(unit.i.view(self.i.payload)[lane], constants))
        output_register(m, self.o, step)
        return m
