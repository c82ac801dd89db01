"""What activations cost: thresholds, biases and multipliers."""

from functools import singledispatch

import numpy as np

from tritforge.export.ir.datatype import DataType
from tritforge.hw.activation.binary_search import BinarySearchUnit
from tritforge.hw.activation.parallel import BiasUnit, ParallelThresholdsUnit
from tritforge.hw.activation.serial_multiply import SerialMultiplierUnit
from tritforge.hw.activation.time_shared import TimeSharedThresholdsUnit
from tritforge.hw.cost.memory import rom
from tritforge.hw.cost.registry import cost_of
from tritforge.hw.cost.counters import counter_bits
from tritforge.hw.targets.cost import Cost


def _shared(unit, technology):
    """What all rows share: valid, and where there is a ROM its words and the group."""
    constants = Cost() if unit.rom is None else rom(technology, unit.rom) + Cost(ff=counter_bits(max(2, unit.passes)))
    return Cost(ff=1) + constants


@cost_of(ParallelThresholdsUnit)
def parallel_thresholds(unit, technology):
    """A register for each result, valid, and the ROM. A comparator a lane and level: with cells a LUT for two bits,
    eight bits a CARRY4; with constants a chain of gates from the lowest 1 up, five bits a LUT, or of few bits each bit
    of the code a function of the sum. The count of levels is a parity for each of its bits."""
    lanes  = unit.pe * unit.pixels
    levels = unit.levels.shape[1]
    parity = lanes * sum(tree_luts(levels >> bit, technology.LUT_INPUTS) for bit in range(unit.count_bits))
    offset = lanes * unit.target.bits * (unit.code(0) != 0)
    shared = _shared(unit, technology)
    if unit.passes == 1:
        codes   = [_codes(unit, levels) for levels in unit.levels]
        varying = [_different(row, unit.target.bits) for row in codes]
        pins    = technology.LUT_INPUTS
        trees   = [min(_trees(unit, levels, pins), bits * _function(unit.source.bits, pins))
                   for levels, bits in zip(unit.levels, varying, strict=True)]
        ones    = any(np.bitwise_and.reduce(row) for row in codes)       # bits that are always 1 share a register
        single  = sum(tree for tree, bits in zip(trees, varying, strict=True) if bits < 2)
        return (shared + Cost(ff=unit.pixels * sum(varying) + ones)
                + technology.logic("constant levels", one=1, single=unit.pixels * single,
                                   several=unit.pixels * (sum(trees) - single), offset=offset))
    shared = shared + Cost(ff=unit.o.payload_bits)
    width    = max(unit.source.bits, unit.value_bits)
    inverted = lanes * (unit.source.signed)
    if technology.cells:
        return (shared + technology.reaches(width, lanes * levels)
                + technology.logic("levels", one=1, parity=parity, offset=offset, inverted=inverted,
                                   counter=counter_bits(unit.passes)))
    return (shared + technology.no_less(width, lanes * levels, "level")
            + technology.logic("levels", one=1, parity=parity, offset=offset, counter=counter_bits(unit.passes)))


def _trees(unit, levels, pins):
    """LUTs of ``pins`` inputs of comparators with the constants ``levels`` [L] and of the parities of what they find."""
    inside = [int(bound) for bound in levels if 0 < bound < 1 << unit.source.bits]
    chains = [unit.source.bits + 1 - (bound & -bound).bit_length() for bound in inside]
    parities = [len(inside) >> bit for bit in range(len(inside).bit_length())]
    return sum(tree_luts(inputs, pins) for inputs in (*chains, *parities))


def _codes(unit, levels):
    """Every code of a row with the constants ``levels`` [L], as its bits."""
    sums = [0, *(int(bound) for bound in levels if 0 < bound < 1 << unit.source.bits)]
    return np.array([unit.code(int((levels <= total).sum())) for total in sums]) & (1 << unit.target.bits) - 1


@cost_of(BiasUnit)
def bias(unit, technology):
    """A register for each result, valid, the ROM, and an adder a lane."""
    bias  = DataType(max(2, unit.value_bits), signed=True)
    added = technology.adder(unit.source, bias, unit.target.bits) * (unit.pe * unit.pixels)
    return (_shared(unit, technology) + Cost(ff=unit.o.payload_bits) + added
            + technology.logic("biases", one=1, counter=counter_bits(unit.passes)))


@cost_of(TimeSharedThresholdsUnit)
def time_shared_thresholds(unit, technology):
    """Registers: the sums, busy, turn and group, the codes of all turns but the last, the codes, valid. For each bit of
    the sums of a turn a choice among all turns; a comparator for each of these sums and level, and the parities
    of tritforge.hw.activation.parallel."""
    sums     = unit.pe * unit.at_a_time
    levels   = unit.levels.shape[1]
    width    = max(unit.source.bits, unit.value_bits)
    counter  = counter_bits(unit.cycles, max(2, unit.passes)) + 1
    parity   = sums * sum(-(-((levels >> bit) - 1) // 5) for bit in range(unit.count_bits) if levels >> bit)
    held     = sums * unit.target.bits * (unit.cycles - 1)
    chosen   = technology.choice(unit.cycles) * (sums * unit.source.bits)
    common   = {"one": 1, "counter": counter, "parity": parity,
                "offset": sums * unit.target.bits * (unit.code(0) != 0)}
    shared   = Cost(ff=unit.i.payload_bits + counter + held + unit.o.payload_bits + 1) + chosen + rom(technology, unit.rom)
    if technology.cells:
        return shared + technology.reaches(width, sums * levels) + technology.logic("turns", **common)
    return shared + technology.logic("turns", compared=sums * levels * width, **common)


@cost_of(BinarySearchUnit)
def binary_search(unit, technology):
    """Registers: the sums, a bit of the turn for each cycle and of each count for all but one, the group, the codes and valid; the ROM,
    each row's part read at an address of its own. A comparator a row, with cells a LUT for two bits, and for each
    bit of a count what decides it and what is the next address."""
    width    = max(unit.source.bits, unit.bound_bits)
    counter  = unit.cycles + counter_bits(unit.passes)
    registers = Cost(ff=unit.i.payload_bits + counter + unit.pe * (unit.cycles - 1) + unit.o.payload_bits + 1)
    common   = {"one": 1, "counter": counter, "decided": unit.pe * unit.cycles,
                "offset": unit.pe * unit.target.bits * (unit.code(0) != 0)}
    words    = rom(technology, unit.rom, lanes=unit.pe)
    if technology.cells:
        return registers + words + technology.reaches(width, unit.pe) + technology.logic("search", **common)
    return registers + words + technology.logic("search", compared=unit.pe * width, **common)


@cost_of(SerialMultiplierUnit)
def serial_multiplier(unit, technology):
    """Registers: the sums, the cycles left, a product and the bias's high part of each row, the codes, the ROM's
    address, valid. An adder of a product's bits and one of a code's, whose range is limited."""
    counter = unit.cycles.bit_length() + counter_bits(unit.passes * unit.steps)
    code    = max(unit.source.bits + 1, unit.high_bits) + 1
    return (Cost(ff=unit.i.payload_bits + counter + unit.pe * (unit.source.bits + unit.high_bits) + unit.o.payload_bits + 1)
            + rom(technology, unit.rom)
            + technology.logic("requantize", one=1, counter=counter, product=unit.pe * unit.source.bits,
                               code=unit.pe * code, target=unit.o.payload_bits))


@singledispatch
def planned_luts(unit, technology):
    """LUTs by which the forms of an activation are chosen: those of its cost, but of whatever constants it is trained to,
    so that the circuit does not depend on them: no column of a ROM is constant or comes twice.

    It is a count of LUTs alone. Forms of several cycles save LUTs for flip-flops, and exact counts of their ROMs would pay
    several flip-flops for each LUT (LeNet-5, 32 rows: 116 LUT for 691).
    """
    raise TypeError(f"{type(unit).__name__} has no form to choose")


@planned_luts.register
def _(unit: BiasUnit, technology):
    return unit.pe


@planned_luts.register
def _(unit: ParallelThresholdsUnit, technology):
    levels  = unit.levels.shape[1]
    parity  = sum(tree_luts(levels >> bit, technology.LUT_INPUTS) for bit in range(unit.count_bits))
    compare = (tree_luts(unit.source.bits, technology.LUT_INPUTS) if unit.passes == 1
               else technology.reaches(unit.value_bits, 1).lut)
    columns = unit.pe * levels * unit.value_bits if unit.passes > 1 else 0
    alike   = min(columns, 2 ** min(unit.passes, 64) - 2)               # no more columns can differ
    return unit.pe * unit.pixels * (levels * compare + parity) + alike * _rom_luts(technology, unit.passes)


@planned_luts.register
def _(unit: TimeSharedThresholdsUnit, technology):
    levels  = unit.levels.shape[1]
    choice  = unit.source.bits * technology.choice(unit.cycles).lut
    compare = levels * technology.reaches(unit.value_bits, 1).lut + unit.count_bits
    return unit.pe * (unit.at_a_time * (choice + compare) + levels * unit.value_bits * _rom_luts(technology, unit.passes))


@planned_luts.register
def _(unit: BinarySearchUnit, technology):
    state   = 2 * unit.cycles                                           # what all rows share, as measured
    compare = technology.reaches(unit.bound_bits, 1).lut
    words   = unit.bound_bits * _rom_luts(technology, unit.passes << unit.cycles)
    return state + unit.pe * (compare + unit.cycles + words)


@planned_luts.register
def _(unit: SerialMultiplierUnit, technology):
    adders = unit.source.bits + 1 + max(unit.source.bits, unit.high_bits) + 1
    state  = 2 * unit.steps.bit_length() + (unit.passes * unit.steps).bit_length()
    words  = 3 * _rom_luts(technology, unit.passes * unit.steps)
    return state + unit.pe * (adders + unit.target.bits + 3 + words)


def _rom_luts(technology, depth):
    """LUTs of a column of a ROM of ``depth`` words."""
    return -(-depth // technology.lut_words)


def tree_luts(inputs, pins):
    """LUTs of ``pins`` inputs that a function of ``inputs`` takes which is a chain, such as a parity."""
    return max(0, -(-(inputs - 1) // (pins - 1)))


def _different(codes, bits):
    """Bits of ``codes`` that are neither constant nor equal to another one."""
    columns = {tuple(column) for column in (codes[:, None] >> np.arange(bits) & 1).T.tolist()}
    return sum(len(set(column)) > 1 for column in columns)


def _function(inputs, pins):
    """LUTs of ``pins`` inputs that any function of so many inputs takes; the wide multiplexers behind them are free."""
    return 1 << max(0, inputs - pins)
