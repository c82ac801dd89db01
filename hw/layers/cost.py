"""Costs of layers without weights: windows, pooling, addition, argmax, top k."""

import math

from tritforge.export.ir.datatype import DataType
from tritforge.hw.cost.counters import counter_bits, counter_features
from tritforge.hw.cost.memory import Port, ram
from tritforge.hw.cost.registry import cost_of
from tritforge.hw.layers.add import AdderUnit
from tritforge.hw.layers.argmax import RunningArgMaxUnit
from tritforge.hw.layers.line_window import LineBufferUnit
from tritforge.hw.layers.pool import WindowPoolUnit
from tritforge.hw.layers.reduction import Reduction
from tritforge.hw.layers.sliding_pool import SlidingPoolUnit
from tritforge.hw.layers.subsample import SubsamplerUnit
from tritforge.hw.layers.top_k import TopKSorterUnit
from tritforge.hw.layers.window import SlidingWindowUnit
from tritforge.hw.targets.cost import Cost, total
from tritforge.hw.targets.limits import MAX_GATE_COUNT
from tritforge.hw.targets.target import Target


@cost_of(AdderUnit)
def adder(unit: AdderUnit, target: Target) -> Cost:
    """Flip-flops: the sums and valid. Logic: an adder for each lane."""
    return (Cost(ff=unit.o.payload_bits + 1)
            + target.adder(unit.left, unit.right, unit.o.dtype.bits) * unit.lanes
            + target.logic("add", one=1, lanes=unit.lanes))


@cost_of(RunningArgMaxUnit)
def running_arg_max(unit: RunningArgMaxUnit, target: Target) -> Cost:
    """Flip-flops: index of the beat's first lane, whether a beat came before, best score and index,
    the output index, valid.

    Logic: ``lanes - 1`` comparators, each selecting the larger score, find the best of a beat; one
    more compares it with the best so far and selects the index. The lane number is added to the
    index of the first lane, unless it is just its low bits.
    """
    bits, index = unit.dtype.bits, unit.o.dtype.bits
    flag  = unit.steps > MAX_GATE_COUNT                      # "a beat came before" is a flip-flop
    low   = _trailing_zeros(unit.lanes) if flag else 0           # bits of the index that stay 0
    first = index - low if unit.steps > 1 else 0
    lane  = (unit.lanes - 1).bit_length()
    added = unit.steps > 1 and unit.lanes != 1 << lane
    tree  = (target.comparators(bits, unit.lanes - 1) + target.selectors(bits, unit.lanes - 1)
             if target.cells else target.maxima(bits, unit.lanes - 1))
    return (Cost(ff=first + bits + 2 * index + 1 + flag) + tree
            + target.comparators(bits, 1, enable=True) + target.selectors(index)
            + target.logic("largest", one=1, lane=lane, added=added * lane,
                           **counter_features(unit.steps)))


@cost_of(TopKSorterUnit)
def top_k_sorter(unit: TopKSorterUnit, target: Target) -> Cost:
    """Flip-flops: score, index and valid of each rank, the output indices, the element counter,
    valid.

    Logic of each rank: a comparator, and a multiplexer of three scores and indices (the new one,
    its own, that of the rank above); of the first rank two.
    """
    index = counter_bits(unit.elements)
    bits  = unit.dtype.bits
    return (Cost(ff=unit.k * (bits + 2 * index + 1) + index + 1)
            + target.comparators(bits, unit.k, enable=True)
            + target.logic("best", one=1, ranks=unit.k, score=(unit.k - 1) * bits,
                           index=(unit.k - 1) * index, **counter_features(unit.elements)))


@cost_of(SlidingWindowUnit)
def sliding_window(unit: SlidingWindowUnit, target: Target) -> Cost:
    """A memory of ``rows`` image rows, addressed as a ring.

    Flip-flops: those of :func:`_window_flip_flops`, whether the beat is padding, valid.
    Logic: counters; ring addresses, which wrap by subtraction where the depth is no power of two; a
    gate for each bit that padding sets to 0.
    """
    counting, ring = _window_flip_flops(unit)
    depth  = unit.rows * unit.row_beats
    padded = max(unit.padding) > 0
    rows   = (ring - counter_bits(depth)) * (unit.extent[0] > 1)
    return (Cost(ff=counting + ring + 2)
            + ram(target, unit.i.payload_bits, max(2, depth), zeros=unread_address_bits(unit))
            + target.logic("window", one=1, counter=counting, ring=ring,
                           around=ring * (depth.bit_count() > 1), rows=rows,
                           columns=counter_bits(unit.extent[1]), strided=max(unit.stride) > 1,
                           padded=padded, blanked=unit.i.payload_bits * padded))


def _window_flip_flops(unit: SlidingWindowUnit) -> tuple[int, int]:
    """Flip-flops of a sliding window, without low bits that never change.

    Returns
    -------
    counting : of the counters: rows in the ring, beat of the row, beat of the window; position of
        the window down and along the image; row and column of the kernel.
    ring : of three ring addresses: written, first of the window, first of the kernel row.
    """
    height, width = unit.output_size
    depth    = unit.rows * unit.row_beats
    extent   = unit.extent[1] * unit.pixel_beats
    together = (unit.blocks, unit.dilation[1]) == (1, 1)             # a kernel row is contiguous
    beat     = extent if together else unit.pixel_beats // unit.blocks
    counting = counter_bits(unit.row_beats, beat, unit.extent[0]) + unit.rows.bit_length()
    if not together:
        counting += counter_bits(unit.kernel[1], extent, unit.pixel_beats if unit.blocks > 1 else 1)
    if height > 1:
        last      = max(unit.tensor.height, (height - 1) * unit.stride[0] + unit.extent[0])
        counting += _position_bits(unit.padding[0], last, unit.stride[0])
    if width > 1:
        step      = unit.stride[1] * unit.pixel_beats
        last      = max(unit.row_beats, (width - 1) * step + extent)
        counting += _position_bits(unit.padding[1] * unit.pixel_beats, last, step)
    address = counter_bits(depth)
    first   = address - _trailing_zeros(_row_steps(unit))
    row     = first
    if unit.extent[0] > 1:                                # synthesis keeps one of the constant bits
        row = address - max(0, _trailing_zeros(unit.row_beats) - 1)
    if width * unit.vector_beats == 1:
        row = 0                                           # the first row of the window itself
    return counting, address + first + row


def _position_bits(before: int, last: int, step: int) -> int:
    """Flip-flops of a position that moves by ``step`` from ``-before`` to ``last``, with its
    sign."""
    return max(before - 1, last).bit_length() + (before > 0) - _trailing_zeros(step)


def _row_steps(unit: SlidingWindowUnit) -> int:
    """Common divisor, in words, of all steps of the window's first row around the ring."""
    releases = (unit.releases(oy) for oy in range(unit.output_size[0]))
    return math.gcd(unit.rows, *releases) * unit.row_beats


def unread_address_bits(unit: SlidingWindowUnit) -> int:
    """Mask of the bits that are 0 in every address that a sliding window reads: where the kernel is
    one column wide, or one row high, and moves by several."""
    step    = unit.stride[1] * unit.pixel_beats * (unit.output_size[1] > 1)
    columns = _zero_bits(math.gcd(unit.row_beats, step), unit.pixel_beats)
    rows    = _zero_bits(_row_steps(unit), unit.row_beats)
    return (unit.extent[1] == 1) * columns | (unit.extent[0] == 1) * rows


def _zero_bits(step: int, below: int) -> int:
    """Mask of the bits that are 0 in every sum of a multiple of ``step`` and a number <
    ``below``."""
    return max(0, (step & -step) - (1 << (below - 1).bit_length()))


def _trailing_zeros(number: int) -> int:
    return (number & -number).bit_length() - 1


@cost_of(LineBufferUnit)
def line_buffer(unit: LineBufferUnit, target: Target) -> Cost:
    """A single-port memory of the rows above the newest.

    Flip-flops: position and phase of each axis where they matter, the columns of the shift
    register, the output window, valid. Logic: the counters, and a gate for each bit that padding
    sets to 0: of the input, of the rows read, and of the older columns, which are cleared after a
    row.
    """
    axes        = (unit.rows, unit.columns)
    down, along = (axis.stride > 1 or axis.first > 0 or axis.steps > axis.extent for axis in axes)
    matters     = (down or max(unit.padding), down or along or unit.rows.reach)
    counted     = [axis for axis, counts in zip(axes, matters, strict=True) if counts]
    counter     = counter_bits(*(size for axis in counted for size in (axis.steps, axis.stride)))
    pixel       = unit.i.payload_bits
    column      = unit.kernel[0] * pixel
    above       = pixel * unit.rows.reach
    memory      = Cost()
    if unit.rows.reach:
        memory = ram(target, above, max(2, unit.columns.extent), Port.SHARED)
    past    = any(axis.steps != axis.extent for axis in axes)        # steps without an input pixel
    cleared = column * max(0, unit.columns.reach - 1) * (unit.padding[1] > 0)
    blanked = pixel * past + above * (max(unit.padding) > 0) + cleared
    return (Cost(ff=counter + unit.columns.reach * column + unit.o.payload_bits + 1) + memory
            + target.logic("line window", one=1, counter=counter, blanked=blanked))


@cost_of(WindowPoolUnit)
def window_pool(unit: WindowPoolUnit, target: Target) -> Cost:
    """A single-port memory of the running results of a row of windows.

    Flip-flops: five counters (position in the window and in the image, beat), the window down and
    along, the address, the result, valid. Logic of each lane: a running maximum or sum.
    """
    height, width, _ = unit.tensor.shape
    rows, columns    = unit.output_size
    depth    = max(2, columns * unit.pixel_beats)
    counters = *unit.size, unit.pixel_beats, width, height
    windows  = counter_bits(rows + 1, columns + 1)
    address  = counter_bits(depth)
    return (Cost(ff=counter_bits(*counters) + windows + address + unit.o.payload_bits + 1)
            + ram(target, unit.o.payload_bits, depth, Port.SHARED)
            + target.logic("pool", one=1, windows=windows, address=address,
                           **counter_features(*counters))
            + running_reduction_cost(unit.reduction, target, unit.o.dtype.bits, unit.lanes))


@cost_of(SlidingPoolUnit)
def sliding_pool(unit: SlidingPoolUnit, target: Target) -> Cost:
    """Single-port memories of the earlier elements of a row and of a column; registers where a
    memory would have one word.

    Flip-flops: position and phase of both axes, beat, address, the results, valid. Logic of each
    lane: the elements of a row are reduced, then those of a column; a gate for each bit that the
    border replaces by the neutral element. Operators absorb a part of these gates.
    """
    positions = sum(steps.bit_length() for steps in unit.scanned) + counter_bits(*unit.stride)
    columns   = unit.output_size[1] * unit.pixel_beats
    address   = counter_bits(columns)
    stages    = ((unit.size[1], unit.i, unit.pixel_beats), (unit.size[0], unit.row, columns))
    stored    = [(beats.payload_bits * (size - 1), depth)
                 for size, beats, depth in stages if size > 1]
    registers = sum(bits for bits, depth in stored if depth == 1)
    border    = sum(min(size - 1, padding) * beats.payload_bits for size, padding, beats
                    in zip(unit.size, unit.padding, (unit.row, unit.i), strict=True))
    blanked   = unit.i.payload_bits * (unit.scanned != unit.tensor.shape[:2])
    gates     = 0
    if target.cells:
        gates, border, blanked = border + blanked, 0, 0
    counters = positions + counter_bits(unit.pixel_beats) + address
    return (Cost(ff=counters + unit.o.payload_bits + 1 + registers, lut=gates, sites=gates)
            + total(ram(target, bits, depth, Port.SHARED) for bits, depth in stored if depth > 1)
            + target.logic("sliding pool", one=1, address=address,
                           edge=border * (unit.reduction is Reduction.SUM),
                           lowest=border * (unit.reduction is Reduction.MAX), blanked=blanked,
                           **counter_features(*unit.scanned, unit.pixel_beats))
            + reduction_cost(unit.reduction, target, unit.tensor.dtype, unit.size[1],
                             unit.row.dtype.bits, unit.lanes)
            + reduction_cost(unit.reduction, target, unit.row.dtype, unit.size[0],
                             unit.o.dtype.bits, unit.lanes))


def running_reduction_cost(reduction: Reduction, target: Target, bits: int, count: int) -> Cost:
    """Cost of ``count`` accumulations in ``bits`` bits, restarted for each window
    (Reduction.accumulate)."""
    if reduction is Reduction.MAX:
        return target.running_maxima(bits, count)
    if target.cells:
        return target.accumulated([bits], bits) * count
    return _summed(target, running=count * bits)


def reduction_cost(reduction: Reduction, target: Target, source: DataType, terms: int, width: int,
                   count: int) -> Cost:
    """Cost of ``count`` reductions of ``terms`` elements of type ``source`` to one of ``width``
    bits.

    A maximum is a tree of pairs; a sum is a tree of rows of three or two operands
    (Reduction.reduce).
    """
    if reduction is Reduction.MAX:
        return target.maxima(source.bits, count * (terms - 1))
    bits, found = width if source.signed else source.bits, Cost()
    while terms > 1:
        threes, left = divmod(terms, 3)
        twos = left // 2
        if target.cells:
            found += target.sum([bits] * 2, width) * (count * twos)
            found += target.sum([bits] * 3, width) * (count * threes)
        else:
            found += _summed(target, two=count * twos * min(bits, width),
                             three=count * threes * min(bits + 1, width))
        terms = threes + twos + left % 2
        bits  = min(bits + 2, width)
    return found


def _summed(target: Target, two: int = 0, three: int = 0, running: int = 0) -> Cost:
    """Cost of additions by operators, in bits: of two and of three operands, and of
    accumulators."""
    return target.logic("summed", two=two, three=three, running=running)


@cost_of(SubsamplerUnit)
def subsampler(unit: SubsamplerUnit, target: Target) -> Cost:
    """Flip-flops: the beat counter where channels of 0 are inserted, position and phase of each
    axis along which pixels are dropped, the payload, valid.

    Logic: gates of their own for dropping pixels, for dropping pixels of several beats, for
    inserting channels, and for both.
    """
    strided  = unit.stride != (1, 1)
    edge     = unit.before + unit.after > 0
    counters = [*unit.stride]
    if strided or unit.output_beats > unit.pixel_beats:
        counters.append(unit.output_beats)
    if strided:
        counters.append(unit.tensor.width)
    if unit.stride[0] > 1:
        counters.append(unit.tensor.height)
    return Cost(ff=counter_bits(*counters) + unit.o.payload_bits + 1) + target.logic(
        "subsample", one=1, strided=int(strided), edge=int(edge),
        beats=int(strided and unit.output_beats > 1), both=int(strided and edge),
        **counter_features(*counters))
