"""What joins the planes of a layer costs."""

from itertools import pairwise

from tritforge.hw.cost.registry import cost_of
from tritforge.hw.cost.counters import counter_bits
from tritforge.hw.targets.cost import Cost
from tritforge.hw.engines.planes_parallel import ParallelPlanesUnit
from tritforge.hw.engines.planes_serial import SerialPlanesUnit


@cost_of(ParallelPlanesUnit)
def parallel_planes(unit, technology):
    """Registers: the plane, the totals, valid. An adder for each one of a coefficient but the first, from that one's place
    on; a multiplexer of the planes, and an adder of ``target`` bits."""
    ones  = [[bit for bit in range(number.bit_length()) if number >> bit & 1] for number in unit.coefficients]
    added = sum(min(unit.target.bits - bit, unit.source.bits + 1) for bits in ones for bit in bits[1:])
    bits  = unit.lanes * unit.target.bits
    cells = technology.cells and technology.PLAIN_SUMS
    return Cost(ff=counter_bits(len(unit.coefficients)) + unit.o.payload_bits + 1) + technology.logic(
        "combine", one=1, mux=bits, **{"chains" if cells else "adders": unit.lanes * added})


@cost_of(SerialPlanesUnit)
def serial_planes(unit, technology):
    """Registers: plane, step, whether a plane waits, an operand and a total of each lane, valid. The operand is a
    multiplexer of its shifts, the total an adder that may subtract."""
    width   = unit.target.bits
    counter = counter_bits(len(unit.coefficients), unit.ends[-1] + 1) + 1
    digits  = [digit for digits in unit.digits for digit, _ in digits]
    lowest  = len({digits[0][0] for digits in unit.digits})
    farther = len({after[0] - before[0] for digits in unit.digits for before, after in pairwise(digits)})
    return Cost(ff=counter + 2 * unit.lanes * width + 1) + technology.logic(
        "planes", one=1, counter=counter, digits=len(digits), adders=unit.lanes * width,
        mux=unit.lanes * width * -(-(lowest + farther) // 4) * (lowest + farther > 1))
