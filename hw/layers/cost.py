"""What layers without weights cost: windows, pooling, addition, argmax."""

import math

from tritforge.hw.cost.memory import Port, ram
from tritforge.hw.cost.registry import cost_of
from tritforge.hw.cost.counters import counter_bits, going_around
from tritforge.hw.targets.cost import Cost, total
from tritforge.hw.layers.add import AdderUnit
from tritforge.hw.layers.argmax import RunningArgMaxUnit
from tritforge.hw.layers.line_window import LineBufferUnit
from tritforge.hw.layers.pool import WindowPoolUnit
from tritforge.hw.layers.reduction import Reduction
from tritforge.hw.layers.sliding_pool import SlidingPoolUnit
from tritforge.hw.layers.subsample import SubsamplerUnit
from tritforge.hw.layers.top_k import TopKSorterUnit
from tritforge.hw.layers.window import SlidingWindowUnit
from tritforge.hw.targets.limits import MAX_GATE_COUNT


@cost_of(AdderUnit)
def adder(unit, technology):
    """A register for each bit of the sums, valid, and the adders."""
    return (Cost(ff=unit.o.payload_bits + 1) + technology.adder(unit.left, unit.right, unit.o.dtype.bits) * unit.lanes
            + technology.logic("add", one=1, lanes=unit.lanes))


@cost_of(RunningArgMaxUnit)
def running_arg_max(unit, technology):
    """Registers: the index of the beat's first lane, whether there was one, the best score and its index, the index put
    and valid. Each of ``lanes`` comparisons chooses between two scores, but for the last one, which chooses between two
    indexes. The lane's number is made of the other comparisons, and added to the index unless it is the low bits of it."""
    index = unit.o.dtype.bits
    low   = (unit.lanes & -unit.lanes).bit_length() - 1 if unit.steps > MAX_GATE_COUNT else 0   # bits that stay 0
    first = index - low if unit.steps > 1 else 0
    lane  = (unit.lanes - 1).bit_length()
    added = unit.steps > 1 and unit.lanes != 1 << lane
    return (Cost(ff=first + unit.dtype.bits + 2 * index + 1 + (unit.steps > MAX_GATE_COUNT))
            + technology.logic("largest", one=1, lane=lane, added=added * lane, **going_around(unit.steps))
            + technology.no_less(unit.dtype.bits, 1, given=True) + technology.chosen(index)
            + (technology.no_less(unit.dtype.bits, unit.lanes - 1) + technology.chosen(unit.dtype.bits, unit.lanes - 1)
               if technology.cells else technology.larger(unit.dtype.bits, unit.lanes - 1)))


@cost_of(TopKSorterUnit)
def top_k_sorter(unit, technology):
    """Registers: score and index of each rank and whether it has them, the indexes put, the one that counts, and valid.
    Each rank compares a score and chooses one of three scores and indexes, the first one of two."""
    index = counter_bits(unit.elements)
    bits  = unit.dtype.bits
    return Cost(ff=unit.k * (bits + 2 * index + 1) + index + 1) + technology.logic(
        "best", one=1, ranks=unit.k, score=(unit.k - 1) * bits, index=(unit.k - 1) * index,
        **going_around(unit.elements)) + technology.no_less(bits, unit.k, given=True)


def _counters(unit):
    """Flip-flops of the counters and addresses, one behind the other: (those that count, those around the ring)."""
    height, width = unit.output_size
    depth    = unit.rows * unit.row_beats
    together = (unit.blocks, unit.dilation[1]) == (1, 1)
    extent   = unit.extent[1] * unit.pixel_beats
    beat     = extent if together else unit.pixel_beats // unit.blocks
    counting = counter_bits(unit.row_beats, beat) + unit.rows.bit_length()
    if not together:
        counting += counter_bits(unit.kernel[1], extent, unit.pixel_beats if unit.blocks > 1 else 1)
    if height > 1:
        y_limit   = max(unit.tensor.height, (height - 1) * unit.stride[0] + unit.extent[0])
        counting += max(unit.padding[0] - 1, y_limit).bit_length() + (unit.padding[0] > 0) - _even(unit.stride[0])
    if width > 1:
        first     = unit.padding[1] * unit.pixel_beats
        step      = unit.stride[1] * unit.pixel_beats
        x_limit   = max(unit.row_beats, (width - 1) * step + extent)
        counting += max(first - 1, x_limit).bit_length() + (first > 0) - _even(step)
    counting += counter_bits(unit.extent[0])
    start = counter_bits(depth) - _even(_moves(unit))
    row   = start
    if unit.extent[0] > 1:                               # of low bits that never change synthesis misses the highest
        row = counter_bits(depth) - max(0, _even(unit.row_beats) - 1)
    if width * unit.vector_beats == 1:
        row = 0                                          # the oldest row itself
    return counting, counter_bits(depth) + start + row


def _moves(unit):
    """Words of the ring of which every move of its oldest row is a multiple."""
    return math.gcd(unit.rows, *(unit.releases(oy) for oy in range(unit.output_size[0]))) * unit.row_beats


def unread_address_bits(unit):
    """Bits that are 0 in every address that is read, as a mask: where a kernel of one column, or of one row, moves by
    several."""
    step    = unit.stride[1] * unit.pixel_beats * (unit.output_size[1] > 1)
    columns = _always_0(math.gcd(unit.row_beats, step), unit.pixel_beats)       # and no padding: it is below the extent
    rows    = _always_0(_moves(unit), unit.row_beats)
    return (unit.extent[1] == 1) * columns | (unit.extent[0] == 1) * rows


@cost_of(SlidingWindowUnit)
def sliding_window(unit, technology):
    """Registers, without low bits that never change: the counters (rows held, beat of the row, beat; the window's row and
    column; the kernel row's), three addresses around the ring (write, oldest row, row), whether the beat is
    padding, valid; and the memory. Logic: to count, to add on the ring, where its length is no power of two to take that off again, and a gate for each bit
    that may be padding."""
    counting, ring = _counters(unit)
    depth  = unit.rows * unit.row_beats
    around = depth.bit_count() > 1
    rows   = (ring - counter_bits(depth)) * (unit.extent[0] > 1)
    return (Cost(ff=counting + ring + 2)
            + ram(technology, unit.i.payload_bits, max(2, unit.rows * unit.row_beats), zeros=unread_address_bits(unit))
            + technology.logic("window", one=1, counter=counting, ring=ring, around=ring * around, rows=rows,
                               columns=counter_bits(unit.extent[1]),
                               strided=max(unit.stride) > 1, padded=max(unit.padding) > 0,
                               blanked=unit.i.payload_bits * (max(unit.padding) > 0)))


@cost_of(LineBufferUnit)
def line_buffer(unit, technology):
    """Registers: position and phase of each axis that matters, the columns that were seen, the window and valid; the
    rows are a memory of one port. Logic counts, and blanks what lies in the padding: a gate for each bit that arrives
    or is read, and for each bit of an older column, which is emptied behind a row."""
    axes    = (unit.rows, unit.columns)
    down, along = (axis.stride > 1 or axis.first > 0 or axis.steps > axis.extent for axis in axes)
    matters  = (down or max(unit.padding), down or along or unit.rows.reach)
    counted  = [axis for axis, counts in zip(axes, matters, strict=True) if counts]
    counters = counter_bits(*(axis.steps for axis in counted), *(axis.stride for axis in counted))
    pixel    = unit.i.payload_bits
    seen     = unit.kernel[0] * pixel
    padded   = max(unit.padding) > 0
    memory   = Cost()
    if unit.rows.reach:
        memory = ram(technology, pixel * unit.rows.reach, max(2, unit.columns.extent), Port.SHARED)
    kept     = seen * max(0, unit.columns.reach - 1) * (unit.padding[1] > 0)  # the newest is blanked as it is seen
    past     = any(axis.steps != axis.extent for axis in axes)
    return (Cost(ff=counters + unit.columns.reach * seen + unit.o.payload_bits + 1) + memory
            + technology.logic("line window", one=1, counter=counters,
                               blanked=pixel * past + pixel * unit.rows.reach * padded + kept))


@cost_of(WindowPoolUnit)
def window_pool(unit, technology):
    """Registers: seven counters, the result and valid. The running results are a memory of one port. Each lane
    combines two elements: the larger one, or their sum."""
    height, width, _ = unit.tensor.shape
    columns  = width // unit.size[1]
    around   = *unit.size, unit.pixel_beats, width, height
    windows  = counter_bits(height // unit.size[0] + 1, columns + 1)
    address  = counter_bits(max(2, columns * unit.pixel_beats))
    return (Cost(ff=counter_bits(*around) + windows + address + unit.o.payload_bits + 1)
            + ram(technology, unit.o.payload_bits, max(2, columns * unit.pixel_beats), Port.SHARED)
            + technology.logic("pool", one=1, windows=windows, address=address, **going_around(*around))
            + running_reduction_cost(unit.reduction, technology, unit.o.dtype.bits, unit.lanes))


@cost_of(SlidingPoolUnit)
def sliding_pool(unit, technology):
    """Registers: position and phase of both axes, beat and address, the results and valid. What came before in a row
    and in a column are memories of one port, or registers for a single beat. Each lane combines the elements of a row,
    then of a column; a gate makes each bit of the edge the neutral element."""
    positions = sum(scanned.bit_length() for scanned in unit.scanned) + counter_bits(*unit.stride)
    columns   = unit.output_size[1] * unit.pixel_beats
    address   = counter_bits(unit.pixel_beats) + counter_bits(columns)
    kept      = [(beats.payload_bits * (size - 1), depth) for size, beats, depth
                 in ((unit.size[1], unit.i, unit.pixel_beats), (unit.size[0], unit.row, columns)) if size > 1]
    registers = positions + address + unit.o.payload_bits + 1 + sum(bits for bits, depth in kept if depth == 1)
    edge      = sum(min(size - 1, padding) * beats.payload_bits for size, padding, beats
                    in zip(unit.size, unit.padding, (unit.row, unit.i), strict=True))
    blanked   = unit.i.payload_bits * (unit.scanned != unit.tensor.shape[:2])
    gates     = 0
    if technology.cells:                            # operators take part of these gates in, cells none
        gates, edge, blanked = edge + blanked, 0, 0
    return (Cost(ff=registers, lut=gates, sites=gates)
            + total(ram(technology, bits, depth, Port.SHARED) for bits, depth in kept if depth > 1)
            + technology.logic("sliding pool", one=1, address=counter_bits(columns),
                               edge=edge * (unit.reduction is Reduction.SUM), lowest=edge * (unit.reduction is Reduction.MAX),
                               blanked=blanked,
                               **going_around(*unit.scanned, unit.pixel_beats))
            + reduction_cost(unit.reduction, technology, unit.tensor.dtype, unit.size[1], unit.row.dtype.bits, unit.lanes)
            + reduction_cost(unit.reduction, technology, unit.row.dtype, unit.size[0], unit.o.dtype.bits, unit.lanes))


@cost_of(SubsamplerUnit)
def subsampler(unit, technology):
    """Registers: the beat where there are channels of 0, position and phase of the axes along which pixels are left out,
    the payload and valid. Leaving out pixels, by several beats of each, and putting in channels of 0 each have gates of
    their own, and both together."""
    strided, edge = unit.stride != (1, 1), unit.before + unit.after > 0
    counters = [*([unit.output_beats] if strided or unit.output_beats > unit.pixel_beats else []), *unit.stride,
                *([unit.tensor.width] if strided else []), *([unit.tensor.height] if unit.stride[0] > 1 else [])]
    return Cost(ff=counter_bits(*counters) + unit.o.payload_bits + 1) + technology.logic(
        "subsample", one=1, **going_around(*counters), strided=int(strided), edge=int(edge),
        beats=int(strided and unit.output_beats > 1), both=int(strided and edge))


def _always_0(step, below):
    """Bits that are 0 in every sum of a multiple of ``step`` and a number ``below``, as a mask."""
    return max(0, (step & -step) - (1 << (below - 1).bit_length()))


def _even(step):
    """Low bits of what moves by ``step`` that never change."""
    return (step & -step).bit_length() - 1


def running_reduction_cost(reduction, technology, bits, count):
    """What Reduction.accumulate takes for ``count`` numbers of ``bits`` bits: a comparison has a bit more, to start anew."""
    if reduction is Reduction.MAX:
        return technology.running_larger(bits, count)
    return technology.accumulated([bits], bits) * count if technology.cells else _summed(technology, running=count * bits)


def reduction_cost(reduction, technology, source, terms, width, count):
    """What it takes to make ``terms`` elements of type ``source`` one of ``width`` bits, ``count`` times: the larger one
    of two, or a sum of two or three, of which cells take a LUT a bit and one more where there are three."""
    if reduction is Reduction.MAX:
        return technology.larger(source.bits, count * (terms - 1))
    bits, found = width if source.signed else source.bits, Cost()
    while terms > 1:
        threes, left = divmod(terms, 3)
        twos = left // 2
        if technology.cells:
            found += technology.sum([bits] * 2, width) * (count * twos) + technology.sum([bits] * 3, width) * (count * threes)
        else:
            found += _summed(technology, count * twos * min(bits, width), count * threes * min(bits + 1, width))
        terms = threes + twos + left % 2
        bits  = min(bits + 2, width)
    return found


def _summed(technology, two=0, three=0, running=0):
    """Sums of two and of three numbers by operators, and those that go on, in bits."""
    return technology.logic("summed", two=two, three=three, running=running)
