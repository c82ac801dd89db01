"""Targets: what features come to, and LUTs of adders, comparisons and multiplexers of each
family."""

import pytest

from tests.targets import ECP5, XC7
from tritforge.export.ir.datatype import DataType
from tritforge.hw.targets.asic.family import Asic
from tritforge.hw.targets.cost import Cost
from tritforge.hw.targets.ecp5.family import Ecp5
from tritforge.hw.targets.ecp5.luts import chain_luts
from tritforge.hw.targets.registry import FAMILIES, TARGETS
from tritforge.hw.targets.target import calibration
from tritforge.hw.targets.xc7.luts import adder_luts, mux_luts
from tritforge.hw.targets.xcup.family import Xcup


def test_features_add_up() -> None:
    weights = calibration()["components"]["fork"]["xc7 xilinx7"]["lut"]
    found = XC7.logic("fork", one=1, consumers=3)
    assert found.lut == weights["one"] + 3 * weights["consumers"]
    assert found.carry is not None
    assert found.ff == 0


def test_what_was_not_calibrated_is_unknown() -> None:
    found = Xcup(cells=False).logic("nothing of this name", one=1)
    assert (found.lut, found.sites, found.carry, found.ff) == (None, None, None, 0)


def test_ultrascale_logic_is_that_of_the_seven_series() -> None:
    features = {"one": 1, "lanes": 4}
    found = [TARGETS[name](cells=False).logic("add", **features) for name in FAMILIES]
    assert found[0] == found[1] != found[2]
    assert found[2].sites is None  # no LUT6 that two share


def test_an_adder_of_lut4_takes_two_for_each_carry_cell() -> None:
    kinds = (DataType.parse("u4"), DataType.parse("s8"), 9)
    assert Ecp5(cells=False).adder(*kinds) == Cost(lut=10, carry=5, sites=None)
    assert XC7.adder(*kinds) == Cost(lut=4, sites=4)
    small = (DataType.parse("s2"), DataType.parse("u2"), 4)  # each bit a function of all four
    assert Ecp5(cells=False).adder(*small) == Cost(lut=4, sites=None)


def test_choices_of_lut4_are_about_one_for_each_input_but_the_first() -> None:
    inputs = (2, 4, 8, 16, 30)
    found = [[TARGETS[name]().counter_multiplexer(n).lut for n in inputs] for name in FAMILIES]
    assert found[0] == found[1] == [1, 1, 3, 6.3, 15]
    assert found[2] == [1, 3, 6, 15, 40]


def test_multiplexers_are_of_the_family() -> None:
    assert [Xcup().multiplexer(n) for n in (1, 2, 4, 5)] == [0, 1, 1, 2]
    assert [ECP5.multiplexer(n) for n in (1, 2, 3, 4)] == [0, 1, 2, 3]  # as in orders of skip


@pytest.mark.parametrize(
    ("bits", "compared", "choice", "whole"),
    [(1, 1, 1, 1), (2, 1, 1, 1), (3, 1, 2, 3), (4, 2, 2, 4), (9, 5, 5, 10)],
)
def test_cells_that_compare_and_choose(bits: int, compared: int, choice: int, whole: int) -> None:
    cells = XC7
    assert cells.comparators(bits, 3).lut == 3 * compared
    assert cells.comparators(bits, 3).carry == (0 if bits <= 3 else 3 * -(-compared // 4))
    assert cells.selectors(bits, 3) == Cost(lut=3 * choice, sites=3 * choice)
    assert cells.maxima(bits, 3).lut == 3 * whole


def test_operators_that_compare_are_calibrated() -> None:
    generic = Xcup(cells=False)
    weights = calibration()["components"]["no less"]["xc7 generic"]["lut"]
    assert generic.comparators(3, 2).lut == 2 * weights["of_3"]
    assert generic.comparators(9, 2).lut == 2 * weights["wide"] + 18 * weights["bits"]
    assert generic.selectors(5).lut == 5


def test_a_family_without_cells_by_name_refuses_them() -> None:
    with pytest.raises(ValueError, match=r"^asic has no cells by name: cells must be False$"):
        Asic(cells=True)


@pytest.mark.parametrize(
    ("bits", "compared", "given"), [(5, 6, 8), (6, 8, 8), (7, 8, 10), (8, 10, 10)]
)
def test_cells_of_the_ecp5_that_compare_and_choose(bits: int, compared: int, given: int) -> None:
    """A chain and its carry, whole cells of two; a choice is a LUT a bit."""
    cells = ECP5
    assert cells.cells
    assert cells.comparators(bits, 3) == cells.threshold_comparators(bits, 3)
    assert cells.comparators(bits, 3) == Cost(lut=3 * compared, carry=3 * compared / 2, sites=None)
    assert cells.comparators(bits, 3, enable=True).lut == 3 * given
    assert cells.selectors(bits, 3) == Cost(lut=3 * bits, sites=None)
    assert cells.maxima(bits, 3).lut == 3 * (compared + bits)


def test_few_bits_of_the_ecp5_are_gates() -> None:
    cells = ECP5
    weights = calibration()["components"]["no less"][cells.key]["lut"]
    assert (
        cells.comparators(3, 2, enable=True).lut == 2 * weights["of_4"]
    )  # the only one in a cycle
    assert (
        cells.comparators(4, 2, enable=True)
        == Cost(lut=chain_luts(5), carry=chain_luts(5) / 2, sites=None) * 2
    )
    assert cells.comparators(2, 2).lut == 2 * weights["of_2"]
    assert (
        cells.comparators(3, 2) == Cost(lut=chain_luts(3), carry=chain_luts(3) / 2, sites=None) * 2
    )
    assert (
        cells.threshold_comparators(4, 2).lut
        == 2 * calibration()["components"]["level"][cells.key]["lut"]["of_4"]
    )


def test_unsigned_comparisons_of_the_7_series_are_two_bits_a_lut() -> None:
    assert XC7.threshold_comparators(9, 2) == Cost(lut=10, sites=10, carry=4)
    assert XC7.comparators(8, 1, enable=True) == XC7.comparators(9, 1)


@pytest.mark.parametrize(
    ("left", "right", "width", "luts"),
    [
        ("u4", "s8", 9, 4),  # above bit 3 nothing is added
        ("s6", "u8", 10, 8),  # the sign meets the two high bits
        ("s2", "s2", 3, 2),  # the sign again: its LUT is there
        ("u5", "u5", 6, 5),
    ],
)
def test_an_adder_takes_a_lut_where_bits_meet(left: str, right: str, width: int, luts: int) -> None:
    assert adder_luts(DataType.parse(left), DataType.parse(right), width) == luts


def test_multiplexers_of_lut6() -> None:
    assert [mux_luts(inputs) for inputs in (1, 2, 4, 5, 9)] == [0, 1, 1, 2, 3]
