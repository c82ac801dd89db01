"""What activations cost: thresholds, biases and multipliers."""

import numpy as np

from tritforge.export.ir.datatype import DataType
from tritforge.hw.activation.binary_search import BinarySearchUnit
from tritforge.hw.activation.parallel import BiasUnit, ParallelThresholdsUnit, tree_luts
from tritforge.hw.activation.serial_multiply import SerialMultiplierUnit
from tritforge.hw.activation.time_shared import TimeSharedThresholdsUnit
from tritforge.hw.cost.memory import rom
from tritforge.hw.cost.registry import cost_of
from tritforge.hw.cost.technology import Cost, counter_bits, no_less, reaches


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
    parity = lanes * sum(tree_luts(levels >> bit, technology.pins) for bit in range(unit.count_bits))
    offset = lanes * unit.target.bits * (unit.code(0) != 0)
    shared = _shared(unit, technology)
    if unit.passes == 1:
        codes   = [_codes(unit, levels) for levels in unit.levels]
        varying = [_different(row, unit.target.bits) for row in codes]
        pins    = technology.pins
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
        return (shared + reaches(technology, width, lanes * levels)
                + technology.logic("levels", one=1, parity=parity, offset=offset, inverted=inverted,
                                   counter=counter_bits(unit.passes)))
    return (shared + no_less(technology, width, lanes * levels, "level")
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
        return shared + reaches(technology, width, sums * levels) + technology.logic("turns", **common)
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
        return registers + words + reaches(technology, width, unit.pe) + technology.logic("search", **common)
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


def _different(codes, bits):
    """Bits of ``codes`` that are neither constant nor equal to another one."""
    columns = {tuple(column) for column in (codes[:, None] >> np.arange(bits) & 1).T.tolist()}
    return sum(len(set(column)) > 1 for column in columns)


def _function(inputs, pins):
    """LUTs of ``pins`` inputs that any function of so many inputs takes; the wide multiplexers behind them are free."""
    return 1 << max(0, inputs - pins)
