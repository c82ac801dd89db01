"""What the engine `array` costs."""

import pytest

from tests.hw.engines.array.test_dot import cells
from tests.targets import ECP5, GENERIC, XC7
from tritforge.hw.engines.array.cost import dot_cost
from tritforge.hw.engines.array.dot import DotShape
from tritforge.hw.engines.array.ternary_dot import TernaryShape
from tritforge.hw.targets.ecp5.family import Ecp5


def test_a_carry_that_stays_zero_costs_no_flip_flop_but_behind_a_carry4():
    """Three lanes: four bits behind them, of which three in a column; of what these leave the carry
    is 0."""
    kinds = {
        XC7: 8,
        GENERIC: 7,
        ECP5: 7,
    }
    for kind, flip_flops in kinds.items():
        assert dot_cost(TernaryShape(3, 8), kind, 1).ff == flip_flops


@pytest.mark.parametrize("width", [8, 13])
@pytest.mark.parametrize("bits", [2, 5, 8])
def test_cells_of_the_ecp5_are_counted(bits, width):
    """Gates are the first one of two products, one that is left, and a single one: a LUT a bit."""
    for simd in (1, 2, 3, 4, 9, 20):
        shape = DotShape(simd, bits, width)
        found = dot_cost(shape, ECP5, 3)
        chains = 2 * cells(shape, ECP5, "CCU2C")
        assert found.carry == 3 * chains / 2
        assert found.lut == 3 * (chains + bits * -(-simd // 2))


@pytest.mark.parametrize(
    ("simd", "bits", "width", "luts"),
    [
        (1, 8, 13, 35),
        (2, 7, 12, 46),
        (3, 5, 8, 43),
        (4, 7, 11, 75),
        (6, 7, 12, 109),
        (9, 7, 10, 160),
        (16, 2, 8, 118),
    ],
)
def test_without_cells_the_estimate_is_that_of_counted_netlists(simd, bits, width, luts):
    """ECP5, Yosys 0.70. The rows explain them; a weight for each feature is all that was fitted."""
    found = dot_cost(DotShape(simd, bits, width), Ecp5(cells=False), 1)
    assert found.lut == pytest.approx(luts, rel=0.05)
