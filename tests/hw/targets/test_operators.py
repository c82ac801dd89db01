from amaranth import *
from amaranth.sim import Simulator

from tritforge.hw.targets.operators import (
    add_all,
    at_least,
    offset_binary,
    reached,
    ternary_product,
)


def evaluate(expression, inputs, points):
    """Value of a combinational ``expression`` for every tuple of ``points``."""
    module, result = Module(), Signal(64)
    module.d.comb += result.eq(expression)
    values = []

    async def bench(ctx):
        for point in points:
            for signal, value in zip(inputs, point, strict=True):
                ctx.set(signal, value)
            values.append(ctx.get(result))

    simulator = Simulator(module)
    simulator.add_testbench(bench)
    simulator.run()
    return values


def test_product_over_all_inputs():
    value, code = Signal(4), Signal(2)
    points = [(u, trit) for u in range(16) for trit in (0b00, 0b01, 0b11)]
    expected = [{0b00: 0, 0b01: u, 0b11: 15 - u}[trit] for u, trit in points]
    assert evaluate(ternary_product(value, code), (value, code), points) == expected


def test_offset_binary_over_all_inputs():
    number = Signal(signed(4))
    points = [(x,) for x in range(-8, 8)]
    assert evaluate(offset_binary(number), (number,), points) == [x + 8 for (x,) in points]
    natural = Signal(3)
    assert evaluate(offset_binary(natural), (natural,), [(x,) for x in range(8)]) == list(range(8))


def test_sums_of_any_number_of_terms():
    for count in range(1, 10):
        terms = [Signal(3, name=f"term_{number}") for number in range(count)]
        points = [tuple((7 * a + b) % 8 for b in range(count)) for a in range(8)] + [(7,) * count]
        assert evaluate(add_all(terms), terms, points) == [sum(point) for point in points]


def test_comparison_with_every_constant():
    for bits in (1, 3, 4):
        value = Signal(bits)
        points = [(number,) for number in range(1 << bits)]
        for bound in range((1 << bits) + 2):
            expected = [number >= bound for (number,) in points]
            assert evaluate(at_least(value, bound), (value,), points) == expected


def test_count_of_levels():
    for count in range(1, 17):
        levels = [Signal(name=f"level_{number}") for number in range(count)]
        points = [tuple(number < high for number in range(count)) for high in range(count + 1)]
        assert evaluate(reached(levels), levels, points) == list(range(count + 1))
