"""Cost of the engine ``unrolled``."""

from collections.abc import Iterable

import numpy as np

from tritforge.hw.cost.registry import cost_of
from tritforge.hw.engines.unrolled.engine import MatrixLogicUnit
from tritforge.hw.matrix.bit_heap import RowKind
from tritforge.hw.matrix.compressor import WiredRow
from tritforge.hw.targets.cost import Cost, total
from tritforge.hw.targets.target import Target

TABLE_BITS = 6
"""Bits of a vector up to which synthesis makes each output bit a LUT of its own."""


@cost_of(MatrixLogicUnit)
def matrix_logic(unit: MatrixLogicUnit, target: Target) -> Cost:
    """Counted from the wiring: its rows of additions, a flip-flop for each wire that a stage stores
    and one for each stage's valid.

    With operators instead of cells, LUTs follow from the bits in each column (:func:`_operators`).
    A vector of ``TABLE_BITS`` or fewer makes each distinct output bit one LUT.
    """
    wiring     = unit.wiring
    idle       = 0 if target.keeps_idle else wiring.idle_flip_flops
    flip_flops = wiring.flip_flops - idle + wiring.stages
    common     = {"one": 1, "stages": wiring.stages}
    if target.cells:
        rows  = total(target.heap_row(row.shape) for row in wiring.rows)
        atoms = [row for row in wiring.rows if row.shape.kind is RowKind.ATOMS]
        return (Cost(ff=flip_flops) + rows
                + target.logic("unrolled", **common, **({} if target.ATOMS else _operators(atoms))))
    if unit.i.payload_bits <= TABLE_BITS and wiring.stages == 1:
        luts, distinct = _output_functions(unit)
        return (Cost(lut=luts, sites=luts, ff=distinct + wiring.stages)
                + target.logic("unrolled", **common, **_operators(())))
    return Cost(ff=flip_flops) + target.logic("unrolled", **common, **_operators(wiring.rows))


def _output_functions(unit: MatrixLogicUnit) -> tuple[int, int]:
    """Count the distinct output bits as functions of the input bits, without constants.

    Returns
    -------
    (those that are not an input bit themselves, all of them)
    """
    inputs  = unit.i.payload_bits
    bits    = np.arange(1 << inputs)[:, None] >> np.arange(inputs) & 1       # [2**inputs, inputs]
    values  = bits.reshape(len(bits), unit.graph.inputs, -1) @ (1 << np.arange(unit.source.bits))
    values -= (values >> unit.source.bits - 1 << unit.source.bits) * unit.source.signed
    planes  = unit.node.block_matrices().astype(np.int64)
    matrix  = np.tensordot(unit.node.coefficients, planes, axes=1)
    sums    = values @ matrix.T + unit.wiring.sums.corrections               # [2**inputs, M]
    columns = {(sums >> bit & 1).T[row].tobytes()
               for bit in range(unit.wiring.sums.dtype.bits) for row in range(len(matrix))}
    columns -= {np.full(len(bits), value).tobytes() for value in (0, 1)}
    return len(columns - {column.tobytes() for column in bits.T}), len(columns)


def _operators(rows: Iterable[WiredRow]) -> dict[str, int]:
    """Features of rows of additions that are operators.

    A row of three operands is a carry-save adder and a carry chain: a full or half adder for each
    column, one more where a fourth bit meets. A row of two is a carry chain alone. Narrow chains
    are gates.
    """
    found = dict.fromkeys(
        ("full", "half", "four", "inverted", "chain", "narrow", "long", "short"), 0)
    for row in rows:
        sizes = [len(column) for column in row.operands]
        three = max(sizes) > 2
        wide  = len(sizes) > (2 if three else 3)
        chain = ("chain" if wide else "narrow") if three else "long" if wide else "short"
        found["inverted"] += sum(bit.inverted for column in row.operands for bit in column)
        found[chain]      += len(sizes) + len(sizes) % 2 * wide
        if three:
            found["full"] += sum(size > 2 for size in sizes)
            found["half"] += sizes.count(2)
            found["four"] += sizes.count(4)
    return found
