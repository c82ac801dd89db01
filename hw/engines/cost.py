"""Costs of the units that add the weighted planes of a layer."""

from itertools import pairwise

from tritforge.hw.cost.counters import counter_bits
from tritforge.hw.cost.registry import cost_of
from tritforge.hw.engines.planes_parallel import ParallelPlanesUnit
from tritforge.hw.engines.planes_serial import SerialPlanesUnit
from tritforge.hw.targets.cost import Cost
from tritforge.hw.targets.target import Target


@cost_of(ParallelPlanesUnit)
def parallel_planes(unit: ParallelPlanesUnit, target: Target) -> Cost:
    """Flip-flops: the plane counter, the totals, valid.

    Logic of each lane: a coefficient takes an adder for each of its ones but the first, of the bits
    from that one's position up; a multiplexer of the planes and an accumulator have ``target``
    bits.
    """
    ones  = [[bit for bit in range(number.bit_length()) if number >> bit & 1]
             for number in unit.coefficients]
    added = sum(min(unit.target.bits - bit, unit.source.bits + 1)
                for bits in ones for bit in bits[1:])
    kind  = "chains" if target.cells and target.PLAIN_SUMS else "adders"
    return (Cost(ff=counter_bits(len(unit.coefficients)) + unit.o.payload_bits + 1)
            + target.logic("combine", one=1, mux=unit.lanes * unit.target.bits,
                           **{kind: unit.lanes * added}))


@cost_of(SerialPlanesUnit)
def serial_planes(unit: SerialPlanesUnit, target: Target) -> Cost:
    """Flip-flops: plane and step counter, whether a plane waits, operand and total of each lane,
    valid.

    Logic of each lane: a multiplexer of the distinct shifts of the operand, and an adder that can
    subtract, both of ``target`` bits.
    """
    width   = unit.target.bits
    counter = counter_bits(len(unit.coefficients), unit.ends[-1] + 1) + 1
    digits  = [digit for digits in unit.digits for digit, _ in digits]
    first   = len({digits[0][0] for digits in unit.digits})
    later   = len({after[0] - before[0] for digits in unit.digits
                   for before, after in pairwise(digits)})
    shifts  = first + later
    return Cost(ff=counter + 2 * unit.lanes * width + 1) + target.logic(
        "planes", one=1, counter=counter, digits=len(digits), adders=unit.lanes * width,
        mux=unit.lanes * width * -(-shifts // 4) * (shifts > 1))
