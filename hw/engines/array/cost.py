"""What the engine `array` costs."""

from tritforge.hw.cost.memory import ram, weights_rom
from tritforge.hw.cost.registry import cost_of
from tritforge.hw.cost.counters import counter_bits, going_around
from tritforge.hw.targets.cost import Cost, total
from tritforge.hw.engines.array.engine import MacArrayUnit
from tritforge.hw.engines.array.ternary_dot import TernaryShape
from tritforge.hw.matrix.bit_heap import RowKind


@cost_of(MacArrayUnit)
def mac_array(unit, technology):
    """Registers: beat and pass, valid of each stage and, where a pass has several beats, first and last, the beat that is
    fetched, the ROM's address, the accumulators, which are the output, and valid; with more than one pass the address read, whether there is one, and
    whether it is the first or the last, which of two is the address itself. Beside the ROM, the decoders, and the
    rows (tritforge.hw.engines.array.dot) there is the memory of the vector, and little that counts."""
    counters = unit.vector_beats, unit.passes, unit.rom_depth
    flags    = 0 if unit.vector_beats == 1 else 2
    stages   = (1 + flags) * (unit.dot.stages + 1)
    if unit.passes > 1:
        vector = (ram(technology, unit.i.payload_bits, unit.vector_beats)
                  + Cost(ff=1 + flags + counter_bits(unit.vector_beats) - (unit.vector_beats == 2)))
    else:
        vector = Cost(ff=unit.i.payload_bits)
    inverted = unit.i.lanes * (unit.source.signed and not unit.source.ternary)
    return (Cost(ff=counter_bits(*counters) + stages + unit.o.payload_bits + 1) + vector
            + weights_rom(technology, lambda: unit.rom, unit.rom_depth, unit.packing, unit.pe * unit.simd,
                          unit.memory, unit.split)
            + dot_cost(unit.dot, technology, unit.pe)
            + technology.logic("array", one=1, stages=unit.dot.stages, inverted=inverted, **going_around(*counters)))


def dot_cost(shape, technology, count):
    """Cost of ``count`` rows of products and additions of ``shape``, a DotShape or a TernaryShape."""
    return (_ternary_dot if isinstance(shape, TernaryShape) else _dot)(shape, technology, count)


def _dot(shape, technology, count):
    """Cost of ``count`` of them. Registers of every row but the last. With cells: ``bits`` LUTs for two products, a gate
    a bit for a product left over, a LUT for each column of a row of three (tritforge.hw.targets.seven_series), four of them a CARRY4; a
    single product is in the last row. Without: a chain of carries for each row, gates for a product's bits, and where
    three operands meet gates that save the carries; up to four bits ECP5 has no chain but gates, whose number each
    width of a product has for itself."""
    registers = Cost(ff=sum(shape.registered_bits)) * count
    pairs, left = divmod(shape.simd, 2)
    if not technology.cells:
        narrow, little = shape.bits + 1 <= technology.GATE_BITS, shape.width <= technology.GATE_BITS
        chains = [*([shape.bits + 1] * pairs), *(width for _, width in shape.rows)]
        chains = [technology.chain(width) for width in chains if width > technology.GATE_BITS]
        saved  = [sorted(operands)[1] for operands, _ in shape.rows if len(operands) == 3]
        return registers + technology.logic("dot", one=count, accumulator=count * shape.width, little=count * shape.width**2 * little,
            products=count * pairs * shape.bits * (not narrow),
            **{f"of_{bits}": count * pairs * (shape.bits == bits and narrow) for bits in (1, 2, 3)},
            left=count * left * shape.bits, chains=count * sum(chains), saved=count * sum(saved))
    if shape.simd == 1:
        return technology.accumulated_product(shape.bits, shape.width) * count
    *between, (last, _) = shape.rows
    rows = (technology.product(left * shape.bits) + technology.products(shape.bits) * pairs
            + technology.accumulated(last[:-1], shape.width))
    for operands, width in between:
        rows += technology.sum(operands, width)
    return registers + rows * count


def _ternary_dot(shape, technology, count):
    """Cost of ``count`` of them. With cells: a LUT a lane, a LUT for each column of each row of the heap and of the last
    row. Registers: what the chains leave, a bit a chain and one a lane, and each stage of the heap."""
    heap      = shape.heap
    idle      = 0 if technology.keeps_idle else heap.idle_flip_flops
    registers = Cost(ff=len(shape.chains) + shape.simd + heap.flip_flops - idle) * count
    if not technology.cells:
        taken = sum(len(column) for row in heap.rows for column in row.operands)
        return registers + technology.logic("ternary dot", one=count, lanes=count * shape.simd, taken=count * taken,
                                            accumulator=count * shape.width)
    atoms = sum(len(column) for row in heap.rows if row.shape.kind is RowKind.ATOMS for column in row.operands)
    rows  = total(technology.heap_row(row.shape) for row in heap.rows)
    rows += technology.accumulated([len(number) for number in shape.numbers], shape.width)
    return registers + rows * count + technology.ternary_lanes(count * shape.simd, count * atoms)
