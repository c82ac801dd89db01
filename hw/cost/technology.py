"""What a component costs on an FPGA, before it is synthesised: a sum of what can be counted and of what is calibrated.

Every unit states its cost in closed form (:meth:`tritforge.hw.stream.unit.Unit.cost`). Registers, memories, ROM columns and rows made of
cells are counted from the parameters: what synthesis makes of them follows from rules. Logic between them, which synthesis
minimises, is a sum of features of the circuit, such as the bits of its counters, each times a number of LUTs that was
calibrated against synthesis (hw/cost/cost.json, written by benchmarks/estimator.py, which measures the error as well).
"""

import json
from dataclasses import dataclass, fields
from enum import Enum
from functools import cache
from importlib import resources
from typing import ClassVar

from tritforge.hw.targets.ecp5 import BEHIND, COMPARED, GATES, chain_luts
from tritforge.hw.targets.limits import MAX_GATE_COUNT
from tritforge.hw.targets.primitives import Primitives

__all__ = [
    "CALIBRATED",
    "CARRIED",
    "UNKNOWN",
    "Cost",
    "Family",
    "Technology",
    "adder_luts",
    "calibration",
    "choice_luts",
    "chosen",
    "counter_bits",
    "going_around",
    "larger",
    "mux_luts",
    "no_less",
    "reaches",
    "total",
]

CARRIED = 7
"""Bits from which a comparison of two signals is a chain of carries; a shorter one is gates alone."""


class Family(Enum):
    """Families of FPGAs that synthesis maps to, by the name that Yosys has for them."""

    XC7 = "xc7"
    """Artix-7, Kintex-7, Virtex-7, Zynq-7000: LUT6, CARRY4, blocks of 18 and 36 Kb."""

    XCUP = "xcup"
    """UltraScale+: LUT6; its CARRY8 is two CARRY4 to synthesis; blocks of 18 and 36 Kb."""

    ECP5 = "ecp5"
    """ECP5: LUT4, a carry cell CCU2C of two LUTs for two bits, blocks of 18 Kb."""


CALIBRATED = {
    Family.XC7:  ("lut", "sites", "carry"),
    Family.XCUP: ("lut", "sites", "carry"),
    Family.ECP5: ("lut", "carry"),
}
"""The fields of a cost to which features add."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Numbers of cells; None is unknown, and a sum with an unknown is unknown.

    Parameters
    ----------
    lut : LUTs as logic, left-over inverters among them, in ECP5 the two LUT4 of each CCU2C; not those of memories.
    sites : LUT6 that these need when two small ones share one (tritforge.reports.synth.netlist.lut_sites); None for families of LUT4.
    ff : flip-flops.
    carry : CARRY4, in ECP5 CCU2C.
    lutram : LUTs as memory.
    bram18 : blocks of 18 Kb; one of 36 Kb is two.
    dsp : multipliers.
    """

    lut:    float | None = 0
    sites:  float | None = 0
    ff:     float | None = 0
    carry:  float | None = 0
    lutram: float | None = 0
    bram18: float | None = 0
    dsp:    float | None = 0

    FIELDS: ClassVar[tuple[str, ...]]

    def __add__(self, other):
        return Cost(**{name: _sum(getattr(self, name), getattr(other, name)) for name in self.FIELDS})

    def __mul__(self, times):
        return Cost(**{name: _product(getattr(self, name), times) for name in self.FIELDS})

    @property
    def lut_total(self):
        """LUTs in whatever role."""
        return _sum(self.lut, self.lutram)


Cost.FIELDS = tuple(item.name for item in fields(Cost))


UNKNOWN = Cost(**dict.fromkeys(Cost.FIELDS))
"""Of what nothing is known."""


def _sum(left, right):
    return None if left is None or right is None else left + right


def _product(value, times):
    return None if value is None else value * times


def total(costs):
    """The sum of ``costs``."""
    result = Cost()
    for cost in costs:
        result = result + cost
    return result


@dataclass(frozen=True)
class Technology:
    """What a design is mapped to.

    Parameters
    ----------
    family : of FPGAs.
    primitives : what rows of additions are made of.
    """

    family:     Family     = Family.XC7
    primitives: Primitives = Primitives.XILINX7

    def __post_init__(self):
        cells = Primitives.ECP5 if self.family is Family.ECP5 else Primitives.XILINX7
        if self.primitives not in (Primitives.GENERIC, cells):
            raise ValueError(f"primitives must be generic or {cells.value} for {self.family.value}, not {self.primitives.value!r}")

    @property
    def cells(self):
        """Whether rows are made of cells of the device."""
        return self.primitives is not Primitives.GENERIC

    @property
    def key(self):
        """Name of the calibration. To synthesis logic of UltraScale+ is that of the 7 series: LUT6 and CARRY4."""
        return f"{'xc7' if self.family is Family.XCUP else self.family.value} {self.primitives.value}"

    @property
    def pins(self):
        """Inputs of a LUT."""
        return 4 if self.family is Family.ECP5 else 6

    @property
    def gates(self):
        """Bits up to which synthesis makes gates of a sum instead of a chain of carries."""
        return 4 if self.family is Family.ECP5 else 2

    def chain(self, bits):
        """LUTs of a chain of carries: a cell of the ECP5 is of two bits."""
        return bits + bits % 2 if self.family is Family.ECP5 else bits

    def rows(self, luts, count=1):
        """Cost of ``count`` rows of ``luts``: (of gates, of chains), the latter of two a CCU2C (tritforge.hw.targets.ecp5)."""
        few, chains = luts
        return Cost(lut=few + chains, sites=None, carry=chains // 2) * count

    def adder(self, left, right, width):
        """Cost of the sum of numbers of types ``left`` and ``right`` in ``width`` bits; its CARRY4 are calibrated."""
        if self.family is Family.ECP5:
            if left.bits + right.bits <= self.pins:             # each bit is a function of all of them
                return Cost(lut=width, sites=None)
            return Cost(lut=self.chain(width), sites=None, carry=self.chain(width) // 2)
        luts = adder_luts(left, right, width)
        return Cost(lut=luts, sites=luts)

    def choice(self, inputs):
        """Cost of a choice by a counter among so many inputs, for a bit."""
        luts = choice_lut4(inputs) if self.family is Family.ECP5 else choice_luts(inputs)
        return Cost(lut=luts, sites=luts)

    def multiplexer(self, inputs):
        """LUTs of a multiplexer of so many inputs by a register, for a bit."""
        return choice_lut4(inputs) if self.family is Family.ECP5 else mux_luts(inputs)

    def logic(self, component, **features):
        """What ``features`` of a ``component`` come to, of ``CALIBRATED``; None where nothing was calibrated."""
        weights = calibration()["components"].get(component, {}).get(self.key)
        fields_ = CALIBRATED[self.family]
        sites   = {} if "sites" in fields_ else {"sites": None}
        if weights is None:
            return Cost(**dict.fromkeys(fields_), **sites)
        return Cost(**{name: sum(weights[name][feature] * value for feature, value in features.items()) for name in fields_},
                    **sites)


@cache
def calibration():
    """What was calibrated: under ``components`` LUTs, sites and carries of each feature, {component: {technology: {field:
    {feature: number}}}}, and under ``error`` how far off they were, by technology."""
    return json.loads(resources.files("tritforge.hw.cost").joinpath("cost.json").read_text(encoding="utf-8"))


def counter_bits(*counts):
    """Flip-flops of counters that take as many values each; one with a single value has none."""
    return sum((count - 1).bit_length() for count in counts)


SMALL = 4
"""Bits up to which counters are counted by their width."""


def going_around(*counts):
    """Features of counters that take as many values each (tritforge.hw.stream.counter).

    Up to two bits are gates, each a LUT; of three and four bits each counter has a number of LUTs for itself, in the ECP5 gates
    too. Beyond, adding one takes a LUT or two however long the counter is, in the ECP5 the cells of a chain. One that goes back before its bits are full compares its end and resets its registers; the 1s at the low
    end of the last value are one input of the comparison, which the chain of carries has already.
    """
    longer = [count for count in counts if count > MAX_GATE_COUNT]
    early  = [count for count in longer if count & (count - 1)]
    zeros  = [(count & -count).bit_length() - 1 for count in early]
    widths = [(count - 1).bit_length() for count in longer]
    return {"short": counter_bits(*counts) - counter_bits(*longer), "of_3": widths.count(3), "of_4": widths.count(4),
            "long": sum(width > SMALL for width in widths), "counter": sum(width for width in widths if width > SMALL),
            "reset": len(early), "compared": counter_bits(*early) - sum(max(0, zero - 1) for zero in zeros)}


def no_less(technology, bits, count, component="no less", given=False):
    """Cost of ``count`` comparisons of two numbers of ``bits`` bits (tritforge.hw.targets.rows.rows), ``given`` one bit more: of cells of the 7
    series one LUT up to three bits and then one for two, of the ECP5 beyond ``BEHIND`` or ``COMPARED`` bits a chain; else up to ``CARRIED``
    bits gates, whose number each width has for itself in each ``component``."""
    if technology.primitives is Primitives.ECP5 and bits > (COMPARED if given else BEHIND):
        return technology.rows((0, chain_luts(bits + given)), count)
    bits += given
    if technology.primitives is Primitives.XILINX7:
        luts = 1 if bits <= 3 else -(-bits // 2)
        return Cost(lut=luts, sites=luts, carry=-(-luts // 4) * (bits > 3)) * count
    return technology.logic(component, **_by_width(bits, count))


def reaches(technology, bits, count):
    """Cost of ``count`` comparisons of unsigned numbers of ``bits`` bits made of cells (tritforge.hw.targets.rows.rows): of the 7 series a LUT
    for two bits, eight bits a CARRY4; of the ECP5 beyond ``GATES`` bits a chain, else gates."""
    if technology.primitives is Primitives.ECP5 and bits > GATES:
        return technology.rows((0, chain_luts(bits)), count)
    if technology.primitives is Primitives.ECP5:
        return technology.logic("level", **_by_width(bits, count))
    luts = count * -(-bits // 2)
    return Cost(lut=luts, sites=luts, carry=count * -(-bits // 8))


def chosen(technology, bits, count=1):
    """Cost of ``count`` choices between two numbers of ``bits`` bits: of cells of the 7 series one LUT for two bits."""
    luts = count * (-(-bits // 2) if technology.primitives is Primitives.XILINX7 else bits)
    return Cost(lut=luts, sites=None if technology.family is Family.ECP5 else luts)


def larger(technology, bits, count, most=BEHIND):
    """Cost of ``count`` choices of the larger one of two numbers of ``bits`` bits (tritforge.hw.targets.rows.rows): of cells one LUT up
    to two bits, else a comparison and a choice; gates, in the ECP5 up to ``most`` bits, and operators as for :func:`no_less`."""
    if not technology.cells or (technology.primitives is Primitives.ECP5 and bits <= most):
        return technology.logic("larger", **_by_width(bits, count))
    if bits <= 2:
        return Cost(lut=count, sites=count)
    return no_less(technology, bits, count) + chosen(technology, bits, count)


def _by_width(bits, count):
    widths = {f"of_{width}": count * (bits == width) for width in range(1, CARRIED)}
    return {**widths, "wide": count * (bits >= CARRIED), "bits": count * bits * (bits >= CARRIED)}


def adder_luts(left, right, width):
    """LUTs of the sum of numbers of types ``left`` and ``right`` in ``width`` bits: one for each pair of bits that meet.

    A signed operand's sign goes on, an unsigned one ends; a pair that comes again shares the LUT.
    """
    def place(dtype, bit):
        return min(bit, dtype.bits - 1) if dtype.signed or bit < dtype.bits else None

    pairs = {(place(left, bit), place(right, bit)) for bit in range(width)}
    return sum(None not in pair for pair in pairs)


_CHOICE_LUTS = (0, 0, 1, 1, 1, 3, 2, 3.4, 3, 5, 5.9, 4, 5, 4.7, 6, 7.2, 6.3, 6.1, 9.1, 8)
_CHOICE_LUT4 = (0, 0, 1, 2, 3, 4, 4, 5.3, 6, 8, 8, 10, 10, 12, 12.2, 12.3, 15, 24, 24.3, 26)


def choice_luts(inputs):
    """LUTs of a choice by a counter among so many inputs, for a bit, as synthesis makes it.

    Measured with tritforge.hw.stream.width_converter: what 4 to 16 bits take on the average, of 2 to 19 inputs. A LUT6 chooses one of four by two bits
    of the count, but what becomes of more inputs has no rule; beyond the table it is about a LUT for two of them.
    """
    return _CHOICE_LUTS[inputs] if inputs < len(_CHOICE_LUTS) else -(-inputs // 2)


def choice_lut4(inputs):
    """As :func:`choice_luts`, of LUT4, 4 to 32 bits: about one for each input but the first; of more than 16 inputs, which
    three LUTs one behind the other do not choose from, a third more than that."""
    return _CHOICE_LUT4[inputs] if inputs < len(_CHOICE_LUT4) else -(-4 * inputs // 3)


def mux_luts(inputs):
    """LUT6 of a multiplexer of so many inputs for a bit: four a LUT, and the wide multiplexers behind them are free."""
    return 0 if inputs < 2 else -(-inputs // 4)
