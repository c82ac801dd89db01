"""What the engine `unrolled` costs."""

import numpy as np

from tritforge.hw.cost.registry import cost_of
from tritforge.hw.targets.cost import Cost, total
from tritforge.hw.engines.unrolled.engine import MatrixLogicUnit
from tritforge.hw.matrix.bit_heap import RowKind


@cost_of(MatrixLogicUnit)
def matrix_logic(unit, technology):
    """From the wiring itself: a LUT for each column of each row and a CARRY4 for four, a flip-flop for each wire that
    a stage keeps, and one for each stage's valid. Without cells LUTs go with the columns by the bits they take
    (:func:`_operators`); of six bits or fewer each sum's bit is a LUT, and equal ones are one."""
    wiring    = unit.wiring
    idle      = 0 if technology.keeps_idle else wiring.idle_flip_flops
    registers = Cost(ff=wiring.flip_flops - idle + wiring.stages)
    if technology.cells:
        rows  = total(technology.heap_row(row.shape) for row in wiring.rows)
        atoms = {} if technology.ATOMS else _operators([row for row in wiring.rows if row.shape.kind is RowKind.ATOMS])
        return registers + rows + technology.logic("unrolled", one=1, stages=wiring.stages, **atoms)
    rows, few = wiring.rows, Cost()
    if unit.i.payload_bits <= 6 and wiring.stages == 1:
        functions, different = _functions(unit)
        rows, few = (), Cost(lut=functions, sites=functions, ff=different - wiring.flip_flops + idle)
    return registers + few + technology.logic("unrolled", one=1, stages=wiring.stages, **_operators(rows))


def _functions(unit):
    """How many different functions of the few bits of a vector the sums' bits are, constants left out: (but for these bits
    themselves, in all)."""
    bits    = np.arange(1 << unit.i.payload_bits)[:, None] >> np.arange(unit.i.payload_bits) & 1     # [2**bits, bits]
    values  = bits.reshape(len(bits), unit.graph.inputs, -1) @ (1 << np.arange(unit.source.bits))
    values -= (values >> unit.source.bits - 1 << unit.source.bits) * unit.source.signed
    matrix  = np.tensordot(unit.node.coefficients, unit.node.block_matrices().astype(np.int64), axes=1)
    sums    = values @ matrix.T + unit.wiring.sums.corrections                                       # [2**bits, M]
    columns = {(sums >> bit & 1).T[row].tobytes() for bit in range(unit.wiring.sums.dtype.bits) for row in range(len(matrix))}
    columns -= {np.full(len(bits), value).tobytes() for value in (0, 1)}
    return len(columns - {column.tobytes() for column in bits.T}), len(columns)


def _operators(rows):
    """Features of ``rows`` of additions as operators: what synthesis makes of a column.

    A sum of three numbers is full and half adders, one for each column, a fourth bit one more, and a chain of carries, or gates
    where it is narrow; a sum of two is a chain or gates alone.
    """
    found = dict.fromkeys(("full", "half", "four", "inverted", "chain", "narrow", "long", "short"), 0)
    for row in rows:
        sizes = [len(column) for column in row.operands]
        three = max(sizes) > 2
        wide  = len(sizes) > (2 if three else 3)
        found["inverted"] += sum(bit.inverted for column in row.operands for bit in column)
        found[("chain" if wide else "narrow") if three else "long" if wide else "short"] += len(sizes) + len(sizes) % 2 * wide
        if three:
            found["full"] += sum(size > 2 for size in sizes)
            found["half"] += sizes.count(2)
            found["four"] += sizes.count(4)
    return found
