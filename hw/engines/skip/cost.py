"""Cost of the engine ``skip``, and of the units that reorder its results."""

from collections.abc import Iterable

import numpy as np

from tritforge.hw.cost.counters import counter_bits, counter_features
from tritforge.hw.cost.memory import Port, ram, rom
from tritforge.hw.cost.registry import cost_of
from tritforge.hw.engines.array.cost import dot_cost
from tritforge.hw.engines.skip.convolution import SkipConvolutionUnit
from tritforge.hw.engines.skip.dense import SkipDenseUnit
from tritforge.hw.engines.skip.engine import SkipUnit
from tritforge.hw.engines.skip.permute import LanePermutationUnit
from tritforge.hw.engines.skip.reorder import ReorderBufferUnit
from tritforge.hw.targets.cost import Cost
from tritforge.hw.targets.target import Target


def _execution(unit: SkipUnit, target: Target) -> Cost:
    """Cost of what both kinds share: the schedule's ROM and the dot products of every PE and pixel.

    Flip-flops: valid, first and last of each stage; the codes of every lane, twice where operands
    are selected; the accumulators, which are the output, and valid.
    """
    program    = unit.program
    codes      = program.pe * 2 * program.entries * (1 + unit.selects)
    flip_flops = unit.stages + 2 * (unit.stages - 1) + 1 + codes + unit.o.payload_bits + 1
    return (Cost(ff=flip_flops) + rom(target, unit.rom)
            + dot_cost(unit.dot, target, program.pe * unit.pixels)
            + target.logic("skip", one=1, stages=unit.stages))


@cost_of(SkipDenseUnit)
def skip_dense(unit: SkipDenseUnit, target: Target) -> Cost:
    """A memory for each lane.

    Flip-flops without overlap: the step counter, whether it computes, the input beat. With overlap:
    the beat and step counters, which half is written and read, how many are full, valid, and the
    end of a vector.
    """
    bits  = unit.source.dtype.bits
    lanes = unit.program.pe * unit.program.entries
    signs = lanes * unit.source.dtype.signed
    if unit.overlaps:
        counter = counter_bits(unit.pixel_beats, unit.program.cycles) + 3 + 4 + 1
        depth   = 2 << (unit.pixel_beats - 1).bit_length()
        return (_execution(unit, target) + Cost(ff=counter)
                + ram(target, bits, depth, block=True, copies=lanes)
                + target.logic("skip vectors", one=1, counter=counter, signs=signs))
    counter = counter_bits(unit.interval_cycles) + 1
    return (_execution(unit, target) + Cost(ff=counter + unit.i.payload_bits)
            + ram(target, bits, max(2, unit.pixel_beats), Port.REGISTERED, copies=lanes)
            + target.logic("skip vector", one=1, counter=counter, signs=signs))


def columns_read(unit: SkipConvolutionUnit) -> int:
    """Columns of the input that some pixel reads; synthesis removes the memory of the others."""
    first = np.arange(unit.pixels)[:, None] * unit.window.stride[1] - unit.window.padding[1]
    read  = np.unique(first + np.arange(unit.kernel[1]) * unit.dilation[1])
    return int(((read >= 0) & (read < unit.source.width)).sum())


@cost_of(SkipConvolutionUnit)
def skip_convolution(unit: SkipConvolutionUnit, target: Target) -> Cost:
    """A memory for each lane, a ring of input rows with a write enable for each column.

    Flip-flops: beat and column written, output row, step; rows in the ring, twice; rows that an
    output row frees; three ring addresses (written, first of the output row, read) and, with
    padding, the range of offsets inside the image. Where operands are selected, for each lane the
    kernel column and a register for each pixel. Logic: of each lane an address on the ring, and for
    each pixel a multiplexer of the kernel columns.
    """
    window  = unit.window
    program = unit.program
    bits    = unit.source.dtype.bits
    depth   = window.rows * unit.pixel_beats
    lanes   = program.pe * program.entries
    address = counter_bits(depth)
    counter = (counter_bits(unit.pixel_beats, unit.source.width, unit.output_rows, program.cycles)
               + 2 * window.rows.bit_length()
               + _varying_bits(window.releases(oy) for oy in range(unit.output_rows)))
    inside  = sum(_varying_bits(limits) for limits in unit.inside) if window.padding[0] else 0
    signs   = lanes * unit.pixels * unit.source.dtype.signed * (not unit.selects)
    fixed   = (unit.pixel_beats & -unit.pixel_beats).bit_length() - 1     # zeros of an address
    flip_flops = counter + 3 * (address - fixed) + inside
    mux = offsets = 0
    if unit.selects:
        flip_flops += lanes * (unit.pixels * bits + unit.kernel[1].bit_length())
        selectors   = sum(_selector_luts(unit, pixel) for pixel in range(unit.pixels))
        mux         = lanes * bits * selectors
        offsets     = lanes * unit.offset_bits * (window.padding[0] > 0)
    read = columns_read(unit)
    return (_execution(unit, target) + Cost(ff=flip_flops)
            + ram(target, read * bits, max(2, depth), block=depth > unit.lut_words, enables=read,
                  copies=lanes)
            + target.logic("skip rows", one=1, counter=counter, ring=3 * address + inside,
                           addresses=lanes * address, width=unit.source.width, signs=signs, mux=mux,
                           inside=offsets))


def _selector_luts(unit: SkipConvolutionUnit, pixel: int) -> int:
    """LUT6 of a chain, for a bit, that selects one of the kernel columns inside the image for
    ``pixel``."""
    first   = pixel * unit.window.stride[1] - unit.window.padding[1]
    columns = [first + kx * unit.dilation[1] for kx in range(unit.kernel[1])]
    data    = sum(0 <= column < unit.source.width for column in columns)
    return -(-(data + unit.kernel[1].bit_length() - 1) // 5)


def _varying_bits(values: Iterable[int]) -> int:
    """Bits that are 1 in any of ``values``: the others need no flip-flop."""
    return np.bitwise_or.reduce(list(values)).item().bit_count()


@cost_of(LanePermutationUnit)
def lane_permutation(unit: LanePermutationUnit, target: Target) -> Cost:
    """Flip-flops: the payload, the beat counter, whether a beat is there, valid.

    Logic: a multiplexer of all lanes for each bit, selected by the ROM.
    """
    beats = len(unit.order)
    mux   = unit.o.payload_bits * target.multiplexer(unit.beats.lanes)
    return (Cost(ff=unit.o.payload_bits + counter_bits(beats) + 2) + rom(target, unit.rom)
            + target.logic("permute", one=1, mux=mux, **counter_features(beats)))


@cost_of(ReorderBufferUnit)
def reorder_buffer(unit: ReorderBufferUnit, target: Target) -> Cost:
    """A memory for each bank.

    Flip-flops: which half is written and read, how many are full, four counters, the pixel
    selected, whether a word was read ahead, valid. Logic: a multiplexer of all pixels for each bit
    of each bank.
    """
    banks    = unit.program.outputs
    counters = banks // unit.program.pe, unit.groups, unit.groups, unit.pixels
    mux      = banks * unit.dtype.bits * target.multiplexer(unit.pixels)
    return (Cost(ff=4 + counter_bits(*counters, unit.pixels) + 2) + rom(target, unit.rom)
            + ram(target, unit.pixels * unit.dtype.bits, 2 << unit.address_bits) * banks
            + target.logic("reorder", one=1, banks=banks, mux=mux, **counter_features(*counters)))
