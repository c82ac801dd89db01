"""Costs of activations: thresholds, biases and multipliers; and the LUTs by which a form is
chosen."""

from functools import singledispatch

import numpy as np

from tritforge.export.ir.datatype import DataType
from tritforge.hw.activation.binary_search import BinarySearchUnit
from tritforge.hw.activation.parallel import BiasUnit, ParallelThresholdsUnit
from tritforge.hw.activation.serial_multiply import SerialMultiplierUnit
from tritforge.hw.activation.time_shared import TimeSharedThresholdsUnit
from tritforge.hw.cost.counters import counter_bits
from tritforge.hw.cost.memory import rom
from tritforge.hw.cost.registry import cost_of
from tritforge.hw.targets.cost import Cost


def _constants(unit, target):
    """Valid and, where there is one, the ROM of the constants with its address."""
    if unit.rom is None:
        return Cost(ff=1)
    return Cost(ff=1) + (rom(target, unit.rom) + Cost(ff=counter_bits(max(2, unit.passes))))


@cost_of(ParallelThresholdsUnit)
def parallel_thresholds(unit, target):
    """Flip-flops: a code for each lane, valid.

    With a ROM: a comparator for each lane and threshold, and a parity tree for each bit of the
    count.

    Without: comparators with constants, each a chain of gates from the lowest 1 of its constant up;
    of a narrow sum each bit of the code is a table. Equal bits of a code share a flip-flop.
    """
    lanes  = unit.pe * unit.pixels
    offset = lanes * unit.target.bits * (unit.code(0) != 0)
    if unit.passes == 1:
        return _constants(unit, target) + _constant_thresholds(unit, target, offset)
    levels   = unit.levels.shape[1]
    width    = max(unit.source.bits, unit.value_bits)
    parities = sum(tree_luts(levels >> bit, target.LUT_INPUTS) for bit in range(unit.count_bits))
    features = {"one": 1, "parity": lanes * parities, "offset": offset,
                "counter": counter_bits(unit.passes)}
    if target.cells:
        compare = target.threshold_comparators(width, lanes * levels)
        features["inverted"] = lanes * unit.source.signed
    else:
        compare = target.comparators(width, lanes * levels, "level")
    return (_constants(unit, target) + Cost(ff=unit.o.payload_bits) + compare
            + target.logic("levels", **features))


def _constant_thresholds(unit, target, offset):
    """Cost of thresholds that are constants of the circuit; rows of one varying bit have LUTs
    apart."""
    pins  = target.LUT_INPUTS
    codes = [_codes(unit, levels) for levels in unit.levels]
    bits  = [_distinct_bits(row, unit.target.bits) for row in codes]
    table = _table_luts(unit.source.bits, pins)
    luts  = [min(_comparator_luts(unit, levels, pins), varying * table)
             for levels, varying in zip(unit.levels, bits, strict=True)]
    single  = sum(row for row, varying in zip(luts, bits, strict=True) if varying < 2)
    shared  = any(np.bitwise_and.reduce(row) for row in codes)   # a flip-flop for all constant ones
    return Cost(ff=unit.pixels * sum(bits) + shared) + target.logic(
        "constant levels", one=1, single=unit.pixels * single,
        several=unit.pixels * (sum(luts) - single), offset=offset)


def _inner(unit, levels):
    """The thresholds that some sums reach and others do not."""
    return [int(bound) for bound in levels if 0 < bound < 1 << unit.source.bits]


def _comparator_luts(unit, levels, pins):
    """LUTs of ``pins`` inputs of comparators with the constants ``levels`` [L] and of the count's
    parities."""
    inner    = _inner(unit, levels)
    chains   = [unit.source.bits + 1 - (bound & -bound).bit_length() for bound in inner]
    parities = [len(inner) >> bit for bit in range(len(inner).bit_length())]
    return sum(tree_luts(inputs, pins) for inputs in (*chains, *parities))


def _codes(unit, levels):
    """Every code of a row with the constants ``levels`` [L], as unsigned ints."""
    codes = [unit.code(int((levels <= total).sum())) for total in (0, *_inner(unit, levels))]
    return np.array(codes) & (1 << unit.target.bits) - 1


def _distinct_bits(codes, bits):
    """Count the bits of ``codes`` that are neither constant nor equal to a lower one."""
    columns = {tuple(column) for column in (codes[:, None] >> np.arange(bits) & 1).T.tolist()}
    return sum(len(set(column)) > 1 for column in columns)


def tree_luts(inputs, pins):
    """LUTs of ``pins`` inputs of an associative gate of ``inputs``, such as a parity:
    ceil((n-1)/(pins-1)).

    >>> tree_luts(1, 6), tree_luts(6, 6), tree_luts(7, 6)
    (0, 1, 2)
    """
    return max(0, -(-(inputs - 1) // (pins - 1)))


def _table_luts(inputs, pins):
    """LUTs of ``pins`` inputs of any function of ``inputs``; the wide multiplexers after them are
    free."""
    return 1 << max(0, inputs - pins)


@cost_of(BiasUnit)
def bias(unit, target):
    """Flip-flops: a result for each lane, valid. Logic: an adder for each lane."""
    dtype = DataType(max(2, unit.value_bits), signed=True)
    added = target.adder(unit.source, dtype, unit.target.bits) * (unit.pe * unit.pixels)
    return (_constants(unit, target) + Cost(ff=unit.o.payload_bits) + added
            + target.logic("biases", one=1, counter=counter_bits(unit.passes)))


@cost_of(TimeSharedThresholdsUnit)
def time_shared_thresholds(unit, target):
    """Flip-flops: the sums, the step counter with busy, the ROM's address, the codes of all steps
    but the last, the output codes, valid.

    Logic: a multiplexer of all steps for each bit of the sums of one step; for these sums
    comparators and parities as of parallel thresholds.
    """
    sums     = unit.pe * unit.at_a_time
    levels   = unit.levels.shape[1]
    width    = max(unit.source.bits, unit.value_bits)
    counter  = counter_bits(unit.cycles, max(2, unit.passes)) + 1
    stored   = sums * unit.target.bits * (unit.cycles - 1)
    parities = sum(tree_luts(levels >> bit, 6) for bit in range(unit.count_bits))
    features = {"one": 1, "counter": counter, "parity": sums * parities,
                "offset": sums * unit.target.bits * (unit.code(0) != 0)}
    found    = (Cost(ff=unit.i.payload_bits + counter + stored + unit.o.payload_bits + 1)
                + target.counter_multiplexer(unit.cycles) * (sums * unit.source.bits)
                + rom(target, unit.rom))
    if target.cells:
        return (found + target.threshold_comparators(width, sums * levels)
                + target.logic("turns", **features))
    return found + target.logic("turns", compared=sums * levels * width, **features)


@cost_of(BinarySearchUnit)
def binary_search(unit, target):
    """Flip-flops: the sums, the one-hot step, the counts but for their last bit, the ROM's pass,
    the codes, valid. Each row reads its part of a ROM word at an address of its own.

    Logic of each row: a comparator, and two gates for each bit of the count: its decision and the
    next address.
    """
    width    = max(unit.source.bits, unit.bound_bits)
    counter  = unit.cycles + counter_bits(unit.passes)
    counts   = unit.pe * (unit.cycles - 1)
    features = {"one": 1, "counter": counter, "decided": unit.pe * unit.cycles,
                "offset": unit.pe * unit.target.bits * (unit.code(0) != 0)}
    found    = (Cost(ff=unit.i.payload_bits + counter + counts + unit.o.payload_bits + 1)
                + rom(target, unit.rom, lanes=unit.pe))
    if target.cells:
        return (found + target.threshold_comparators(width, unit.pe)
                + target.logic("search", **features))
    return found + target.logic("search", compared=unit.pe * width, **features)


@cost_of(SerialMultiplierUnit)
def serial_multiplier(unit, target):
    """Flip-flops: the sums, the cycles left, the ROM's address, product and high part of the bias
    of each row, the codes, valid.

    Logic of each row: an adder of the product's bits, and one of the code's, which is then clamped.
    """
    counter    = unit.cycles.bit_length() + counter_bits(unit.passes * unit.steps)
    code       = max(unit.source.bits + 1, unit.high_bits) + 1
    rows       = unit.pe * (unit.source.bits + unit.high_bits)
    flip_flops = unit.i.payload_bits + counter + rows + unit.o.payload_bits + 1
    return (Cost(ff=flip_flops) + rom(target, unit.rom)
            + target.logic("requantize", one=1, counter=counter, product=unit.pe * unit.source.bits,
                           code=unit.pe * code, target=unit.o.payload_bits))


@singledispatch
def planned_luts(unit, target):
    """LUTs by which the form of an activation is chosen: those of its cost, whatever its constants
    are.

    So the choice does not depend on trained values: no ROM column counts as constant or as a copy.
    Only LUTs count, because forms of several cycles trade flip-flops for LUTs: with exact ROMs,
    LeNet-5 with 32 rows would pay 691 flip-flops for 116 LUT.

    Raises
    ------
    TypeError : ``unit`` has no form to choose.
    """
    raise TypeError(f"{type(unit).__name__} has no form to choose")


@planned_luts.register
def _(unit: BiasUnit, target):
    return unit.pe


@planned_luts.register
def _(unit: ParallelThresholdsUnit, target):
    levels  = unit.levels.shape[1]
    parity  = sum(tree_luts(levels >> bit, target.LUT_INPUTS) for bit in range(unit.count_bits))
    compare = (tree_luts(unit.source.bits, target.LUT_INPUTS) if unit.passes == 1
               else target.threshold_comparators(unit.value_bits, 1).lut)
    columns = unit.pe * levels * unit.value_bits if unit.passes > 1 else 0
    unequal = min(columns, 2 ** min(unit.passes, 64) - 2)            # more columns would be copies
    words   = unequal * _rom_luts(target, unit.passes)
    return unit.pe * unit.pixels * (levels * compare + parity) + words


@planned_luts.register
def _(unit: TimeSharedThresholdsUnit, target):
    levels  = unit.levels.shape[1]
    choice  = unit.source.bits * target.counter_multiplexer(unit.cycles).lut
    compare = levels * target.threshold_comparators(unit.value_bits, 1).lut + unit.count_bits
    words   = levels * unit.value_bits * _rom_luts(target, unit.passes)
    return unit.pe * (unit.at_a_time * (choice + compare) + words)


@planned_luts.register
def _(unit: BinarySearchUnit, target):
    state   = 2 * unit.cycles                                        # shared by all rows; measured
    compare = target.threshold_comparators(unit.bound_bits, 1).lut
    words   = unit.bound_bits * _rom_luts(target, unit.passes << unit.cycles)
    return state + unit.pe * (compare + unit.cycles + words)


@planned_luts.register
def _(unit: SerialMultiplierUnit, target):
    adders = unit.source.bits + 1 + max(unit.source.bits, unit.high_bits) + 1
    state  = 2 * unit.steps.bit_length() + (unit.passes * unit.steps).bit_length()
    words  = 3 * _rom_luts(target, unit.passes * unit.steps)
    return state + unit.pe * (adders + unit.target.bits + 3 + words)


def _rom_luts(target, depth):
    """LUTs of a column of a ROM of ``depth`` words."""
    return -(-depth // target.lut_words)
