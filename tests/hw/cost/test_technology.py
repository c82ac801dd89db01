"""Costs: sums with unknowns, what features come to, and LUTs of adders and multiplexers."""

import pytest

from tritforge.export.ir.datatype import DataType
from tritforge.hw.cost.technology import (
    UNKNOWN,
    Cost,
    Family,
    Technology,
    adder_luts,
    calibration,
    chosen,
    counter_bits,
    going_around,
    larger,
    mux_luts,
    no_less,
    reaches,
    total,
)
from tritforge.hw.targets.ecp5 import chain_luts
from tritforge.hw.targets.primitives import Primitives


def test_a_sum_with_an_unknown_is_unknown() -> None:
    some = Cost(lut=3, ff=2) + Cost(lut=4, ff=None)
    assert (some.lut, some.ff, some.dsp) == (7, None, 0)
    assert (some * 2).lut == 14
    assert (some * 2).ff is None


def test_the_sum_of_nothing_is_nothing() -> None:
    assert total([]) == Cost()
    assert total([Cost(lut=1), UNKNOWN]) == UNKNOWN


def test_every_lut_counts_in_the_total() -> None:
    assert Cost(lut=3, lutram=4).lut_total == 7
    assert Cost(lut=3, lutram=None).lut_total is None


def test_features_add_up() -> None:
    weights = calibration()["components"]["fork"]["xc7 xilinx7"]["lut"]
    found = Technology().logic("fork", one=1, consumers=3)
    assert found.lut == weights["one"] + 3 * weights["consumers"]
    assert found.carry is not None
    assert found.ff == 0


def test_what_was_not_calibrated_is_unknown() -> None:
    found = Technology(Family.XCUP, Primitives.GENERIC).logic("nothing of this name", one=1)
    assert (found.lut, found.sites, found.carry, found.ff) == (None, None, None, 0)


def test_ultrascale_logic_is_that_of_the_seven_series() -> None:
    features = {"one": 1, "lanes": 4}
    found = [Technology(family, Primitives.GENERIC).logic("add", **features) for family in Family]
    assert found[0] == found[1] != found[2]
    assert found[2].sites is None  # no LUT6 that two share


def test_an_adder_of_lut4_takes_two_for_each_carry_cell() -> None:
    kinds = (DataType.parse("u4"), DataType.parse("s8"), 9)
    assert Technology(Family.ECP5, Primitives.GENERIC).adder(*kinds) == Cost(
        lut=10, carry=5, sites=None
    )
    assert Technology().adder(*kinds) == Cost(lut=4, sites=4)
    small = (DataType.parse("s2"), DataType.parse("u2"), 4)  # each bit a function of all four
    assert Technology(Family.ECP5, Primitives.GENERIC).adder(*small) == Cost(lut=4, sites=None)


def test_choices_of_lut4_are_about_one_for_each_input_but_the_first() -> None:
    inputs = (2, 4, 8, 16, 30)
    found = [
        [Technology(family, Primitives.GENERIC).choice(n).lut for n in inputs] for family in Family
    ]
    assert found[0] == found[1] == [1, 1, 3, 6.3, 15]
    assert found[2] == [1, 3, 6, 15, 40]


def test_multiplexers_are_of_the_family() -> None:
    generic = {family: Technology(family, Primitives.GENERIC) for family in Family}
    assert [generic[Family.XCUP].multiplexer(n) for n in (1, 2, 4, 5)] == [0, 1, 1, 2]
    assert [generic[Family.ECP5].multiplexer(n) for n in (1, 2, 3, 4)] == [
        0,
        1,
        2,
        3,
    ]  # as in orders of skip


def test_features_of_counters() -> None:
    found = going_around(1, 2, 3, 4, 5, 8, 16, 48, 64)
    widths = {"short": 1 + 2 + 2, "of_3": 2, "of_4": 1, "long": 2, "counter": 6 + 6}
    assert found == widths | {"reset": 2, "compared": 3 + 3}
    assert sum(going_around().values()) == 0
    assert going_around(448)["compared"] == 4  # the six 1s at the low end of 447 are one input


@pytest.mark.parametrize(
    ("bits", "compared", "choice", "whole"),
    [(1, 1, 1, 1), (2, 1, 1, 1), (3, 1, 2, 3), (4, 2, 2, 4), (9, 5, 5, 10)],
)
def test_cells_that_compare_and_choose(bits: int, compared: int, choice: int, whole: int) -> None:
    cells = Technology()
    assert no_less(cells, bits, 3).lut == 3 * compared
    assert no_less(cells, bits, 3).carry == (0 if bits <= 3 else 3 * -(-compared // 4))
    assert chosen(cells, bits, 3) == Cost(lut=3 * choice, sites=3 * choice)
    assert larger(cells, bits, 3).lut == 3 * whole


def test_operators_that_compare_are_calibrated() -> None:
    generic = Technology(Family.XCUP, Primitives.GENERIC)
    weights = calibration()["components"]["no less"]["xc7 generic"]["lut"]
    assert no_less(generic, 3, 2).lut == 2 * weights["of_3"]
    assert no_less(generic, 9, 2).lut == 2 * weights["wide"] + 18 * weights["bits"]
    assert chosen(generic, 5).lut == 5


def test_cells_are_of_one_family() -> None:
    with pytest.raises(
        ValueError, match=r"^primitives must be generic or ecp5 for ecp5, not 'xilinx7'$"
    ):
        Technology(Family.ECP5, Primitives.XILINX7)
    with pytest.raises(
        ValueError, match=r"^primitives must be generic or xilinx7 for xcup, not 'ecp5'$"
    ):
        Technology(Family.XCUP, Primitives.ECP5)


@pytest.mark.parametrize(
    ("bits", "compared", "given"), [(5, 6, 8), (6, 8, 8), (7, 8, 10), (8, 10, 10)]
)
def test_cells_of_the_ecp5_that_compare_and_choose(bits: int, compared: int, given: int) -> None:
    """A chain and its carry, whole cells of two; a choice is a LUT a bit."""
    cells = Technology(Family.ECP5, Primitives.ECP5)
    assert cells.cells
    assert no_less(cells, bits, 3) == reaches(cells, bits, 3)
    assert no_less(cells, bits, 3) == Cost(lut=3 * compared, carry=3 * compared / 2, sites=None)
    assert no_less(cells, bits, 3, given=True).lut == 3 * given
    assert chosen(cells, bits, 3) == Cost(lut=3 * bits, sites=None)
    assert larger(cells, bits, 3).lut == 3 * (compared + bits)


def test_few_bits_of_the_ecp5_are_gates() -> None:
    cells = Technology(Family.ECP5, Primitives.ECP5)
    weights = calibration()["components"]["no less"][cells.key]["lut"]
    assert no_less(cells, 3, 2, given=True).lut == 2 * weights["of_4"]  # the only one in a cycle
    assert (
        no_less(cells, 4, 2, given=True)
        == Cost(lut=chain_luts(5), carry=chain_luts(5) / 2, sites=None) * 2
    )
    assert no_less(cells, 2, 2).lut == 2 * weights["of_2"]
    assert no_less(cells, 3, 2) == Cost(lut=chain_luts(3), carry=chain_luts(3) / 2, sites=None) * 2
    assert (
        reaches(cells, 4, 2).lut
        == 2 * calibration()["components"]["level"][cells.key]["lut"]["of_4"]
    )


def test_unsigned_comparisons_of_the_7_series_are_two_bits_a_lut() -> None:
    assert reaches(Technology(), 9, 2) == Cost(lut=10, sites=10, carry=4)
    assert no_less(Technology(), 8, 1, given=True) == no_less(Technology(), 9, 1)


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


def test_counters_and_multiplexers() -> None:
    assert counter_bits(1, 2, 3, 4, 5) == 0 + 1 + 2 + 2 + 3
    assert [mux_luts(inputs) for inputs in (1, 2, 4, 5, 9)] == [0, 1, 1, 2, 3]
