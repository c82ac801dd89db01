"""Cost of the engine ``array``, and of the dot products that the engine ``skip`` has too."""

from tritforge.hw.cost.counters import counter_bits, counter_features
from tritforge.hw.cost.memory import ram, weights_rom
from tritforge.hw.cost.registry import cost_of
from tritforge.hw.engines.array.dot import DotShape
from tritforge.hw.engines.array.engine import MacArrayUnit
from tritforge.hw.engines.array.ternary_dot import TernaryShape
from tritforge.hw.matrix.bit_heap import RowKind
from tritforge.hw.targets.cost import Cost, total
from tritforge.hw.targets.target import Target


@cost_of(MacArrayUnit)
def mac_array(unit: MacArrayUnit, target: Target) -> Cost:
    """Flip-flops: beat, pass and ROM address counters; valid and, where a pass has several beats,
    first and last of each stage; the vector's beat; the accumulators, which are the output, and
    valid.

    With several passes the vector is a memory: a read address with its valid, first and last, one
    of which is the address itself where a vector has two beats. The weights' ROM with its decoders
    and ``pe`` dot products are the rest; control is little.
    """
    counters = unit.vector_beats, unit.passes, unit.rom_depth
    flags    = 0 if unit.vector_beats == 1 else 2
    stages   = (1 + flags) * (unit.dot.stages + 1)
    vector   = Cost(ff=unit.i.payload_bits)
    if unit.passes > 1:
        address = counter_bits(unit.vector_beats) - (unit.vector_beats == 2)
        vector  = ram(target, unit.i.payload_bits, unit.vector_beats) + Cost(ff=1 + flags + address)
    inverted = unit.i.lanes * (unit.source.signed and not unit.source.ternary)
    return (Cost(ff=counter_bits(*counters) + stages + unit.o.payload_bits + 1) + vector
            + weights_rom(target, lambda: unit.rom, unit.rom_depth, unit.packing,
                          unit.pe * unit.simd, unit.memory, unit.split)
            + dot_cost(unit.dot, target, unit.pe)
            + target.logic("array", one=1, stages=unit.dot.stages, inverted=inverted,
                           **counter_features(*counters)))


def dot_cost(shape: DotShape | TernaryShape, target: Target, count: int) -> Cost:
    """Cost of ``count`` dot products with accumulators of ``shape``, a DotShape or a
    TernaryShape."""
    if isinstance(shape, TernaryShape):
        return _ternary_dot(shape, target, count)
    return _dot(shape, target, count)


def _dot(shape: DotShape, target: Target, count: int) -> Cost:
    """Flip-flops of every row of the adder tree but the last, whose register is the accumulator.

    Cells: two products are one row, a product left over is gates, a single product is part of the
    accumulator's row. Operators: a carry chain for each row, gates of each product, and carry-save
    adders where three operands meet; sums of at most ``GATE_BITS`` are gates, whose number each
    width has for itself.
    """
    flip_flops  = Cost(ff=sum(shape.registered_bits)) * count
    pairs, left = divmod(shape.simd, 2)
    if target.cells and shape.simd == 1:
        return target.accumulated_product(shape.bits, shape.width) * count
    if target.cells:
        *between, (last, _) = shape.rows
        rows = (target.product(left * shape.bits) + target.products(shape.bits) * pairs
                + target.accumulated(last[:-1], shape.width))
        for operands, width in between:
            rows += target.sum(operands, width)
        return flip_flops + rows * count
    gates  = shape.bits + 1 <= target.GATE_BITS                      # of a sum of two products
    little = shape.width <= target.GATE_BITS                         # accumulators
    widths = [*([shape.bits + 1] * pairs), *(width for _, width in shape.rows)]
    chains = sum(target.chain(width) for width in widths if width > target.GATE_BITS)
    saved  = sum(sorted(operands)[1] for operands, _ in shape.rows if len(operands) == 3)
    of     = {f"of_{bits}": count * pairs * (shape.bits == bits and gates) for bits in (1, 2, 3)}
    return flip_flops + target.logic(
        "dot", one=count, accumulator=count * shape.width, little=count * shape.width**2 * little,
        products=count * pairs * shape.bits * (not gates), left=count * left * shape.bits,
        chains=count * chains, saved=count * saved, **of)


def _ternary_dot(shape: TernaryShape, target: Target, count: int) -> Cost:
    """Flip-flops: a bit for each chain and each lane, and those of each stage of the compressor
    tree.

    Cells: a LUT for each lane, then the rows of the tree and the accumulator's row.
    """
    heap       = shape.heap
    idle       = 0 if target.keeps_idle else heap.idle_flip_flops
    flip_flops = Cost(ff=len(shape.chains) + shape.simd + heap.flip_flops - idle) * count
    if not target.cells:
        taken = sum(len(column) for row in heap.rows for column in row.operands)
        return flip_flops + target.logic(
            "ternary dot", one=count, lanes=count * shape.simd, taken=count * taken,
            accumulator=count * shape.width)
    atoms = sum(len(column) for row in heap.rows if row.shape.kind is RowKind.ATOMS
                for column in row.operands)
    rows  = total(target.heap_row(row.shape) for row in heap.rows)
    rows += target.accumulated([len(number) for number in shape.numbers], shape.width)
    return flip_flops + rows * count + target.ternary_lanes(count * shape.simd, count * atoms)
