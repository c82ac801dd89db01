"""What the engine `skip` costs."""

import numpy as np

from tritforge.hw.cost.memory import Port, ram, rom
from tritforge.hw.cost.registry import cost_of
from tritforge.hw.cost.counters import counter_bits, going_around
from tritforge.hw.targets.cost import Cost
from tritforge.hw.engines.array.cost import dot_cost
from tritforge.hw.engines.skip.convolution import SkipConvolutionUnit
from tritforge.hw.engines.skip.dense import SkipDenseUnit
from tritforge.hw.engines.skip.permute import LanePermutationUnit
from tritforge.hw.engines.skip.reorder import ReorderBufferUnit


def _skip(unit, technology):
    """Registers: a nonzero that ends and one that starts a plane and valid of each stage, the codes of each lane,
    twice where operands are selected, and the accumulators, which are the output. A row of tritforge.hw.engines.array.dot for each pixel of
    each PE, and the ROM."""
    program   = unit.program
    codes     = program.pe * 2 * program.entries * (1 + unit.selects)
    registers = unit.stages + 2 * (unit.stages - 1) + 1 + codes + unit.o.payload_bits + 1
    return (Cost(ff=registers) + rom(technology, unit.rom)
            + dot_cost(unit.dot, technology, program.pe * unit.pixels)
            + technology.logic("skip", one=1, stages=unit.stages))


@cost_of(SkipDenseUnit)
def skip_dense(unit, technology):
    """Without overlap: the step, whether it computes, and the beat; a memory of one port for each lane. With overlap:
    beat, step, the halves and how many are full, the end; a block for each lane."""
    bits  = unit.source.dtype.bits
    lanes = unit.program.pe * unit.program.entries
    signs = lanes * unit.source.dtype.signed
    if unit.overlaps:
        counter = counter_bits(unit.pixel_beats, unit.program.cycles) + 3 + 4 + 1
        place   = (unit.pixel_beats - 1).bit_length()
        return (_skip(unit, technology) + Cost(ff=counter) + ram(technology, bits, 2 << place, block=True, copies=lanes)
                + technology.logic("skip vectors", one=1, counter=counter, signs=signs))
    counter = counter_bits(unit.interval_cycles) + 1
    return (_skip(unit, technology) + Cost(ff=counter + unit.i.payload_bits)
            + ram(technology, bits, max(2, unit.pixel_beats), Port.REGISTERED, copies=lanes)
            + technology.logic("skip vector", one=1, counter=counter, signs=signs))


def columns_read(unit):
    """How many columns of the input some pixel reads; synthesis keeps no memory for the others."""
    first = np.arange(unit.pixels)[:, None] * unit.window.stride[1] - unit.window.padding[1]
    read  = np.unique(first + np.arange(unit.kernel[1]) * unit.dilation[1])
    return int(((read >= 0) & (read < unit.source.width)).sum())


@cost_of(SkipConvolutionUnit)
def skip_convolution(unit, technology):
    """Registers: beat, column and row written, rows held, output row, step, rows arrived, where the output row and the
    read one begin, the rows that it leaves; with padding the offsets inside. For each lane a memory with an enable for
    each pixel, an address around the ring, and with a choice of operands its column and for each pixel a
    multiplexer of the kernel's columns and a register."""
    window  = unit.window
    program = unit.program
    bits    = unit.source.dtype.bits
    depth   = window.rows * unit.pixel_beats
    lanes   = program.pe * program.entries
    held    = window.rows.bit_length()
    ring    = counter_bits(depth)
    leaves  = _ones(window.releases(oy) for oy in range(unit.output_rows))
    counter = counter_bits(unit.pixel_beats, unit.source.width, unit.output_rows, program.cycles) + 2 * held + leaves
    inside  = sum(_ones(limits) for limits in unit.inside) if window.padding[0] else 0
    features = {"one": 1, "counter": counter, "ring": 3 * ring + inside, "addresses": lanes * ring,
                "width": unit.source.width, "signs": lanes * unit.pixels * unit.source.dtype.signed * (not unit.selects)}
    chosen = 0
    if unit.selects:
        chosen = lanes * (unit.pixels * bits + unit.kernel[1].bit_length())
        taps   = [sum(0 <= pixel * window.stride[1] + kx * unit.dilation[1] - window.padding[1] < unit.source.width
                      for kx in range(unit.kernel[1])) for pixel in range(unit.pixels)]
        pins   = unit.kernel[1].bit_length()
        features["mux"]    = lanes * bits * sum(-(-(tap + pins - 1) // 5) for tap in taps)
        features["inside"] = lanes * unit.offset_bits * (window.padding[0] > 0)
    whole = (unit.pixel_beats & -unit.pixel_beats).bit_length() - 1            # low bits of a row's address, which are 0
    return (_skip(unit, technology) + Cost(ff=counter + 3 * (ring - whole) + inside + chosen)
            + ram(technology, columns_read(unit) * bits, max(2, depth), block=depth > unit.lut_words, enables=columns_read(unit), copies=lanes)
            + technology.logic("skip rows", **{"mux": 0, "inside": 0, **features}))


@cost_of(LanePermutationUnit)
def lane_permutation(unit, technology):
    """A register for each bit, the beat and whether there was one, valid, the ROM, and for each bit a multiplexer of all
    lanes."""
    beats = len(unit.order)
    return (Cost(ff=unit.o.payload_bits + counter_bits(beats) + 2) + rom(technology, unit.rom)
            + technology.logic("permute", one=1, mux=unit.o.payload_bits * technology.multiplexer(unit.beats.lanes),
                               **going_around(beats)))


@cost_of(ReorderBufferUnit)
def reorder_buffer(unit, technology):
    """Registers: halves and how many are full, four counters, the pixel that is chosen, whether a word was read ahead, and
    valid. Each bank is a memory, and for each bit behind it a multiplexer of all pixels."""
    banks  = unit.program.outputs
    around = banks // unit.program.pe, unit.groups, unit.groups, unit.pixels
    return (Cost(ff=4 + counter_bits(*around, unit.pixels) + 2) + rom(technology, unit.rom)
            + ram(technology, unit.pixels * unit.dtype.bits, 2 << unit.address_bits) * banks
            + technology.logic("reorder", one=1, banks=banks, **going_around(*around),
                               mux=banks * unit.dtype.bits * technology.multiplexer(unit.pixels)))


def _ones(values):
    """Bits that are 1 in any of ``values``: the others need no register."""
    return np.bitwise_or.reduce(list(values)).item().bit_count()
