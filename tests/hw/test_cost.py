"""Costs: sums with unknowns, what features come to, and LUTs of adders and multiplexers."""

import pytest

from export.datatype import DataType
from hw.cost import UNKNOWN, Cost, Family, Technology, adder_luts, calibration, counter_bits, mux_luts, total
from hw.seven_series import Primitives


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
    assert Technology(Family.ECP5, Primitives.GENERIC).adder(*kinds) == Cost(lut=10, carry=5, sites=None)
    assert Technology().adder(*kinds) == Cost(lut=4, sites=4)


def test_choices_are_dearer_in_lut4() -> None:
    inputs = (2, 4, 8, 16, 30)
    found = [[Technology(family, Primitives.GENERIC).choice(n).lut for n in inputs] for family in Family]
    assert found[0] == found[1] == [1, 1, 3, 8, 15]
    assert found[2] == [1, 4, 9, 26, 50]


def test_cells_are_of_one_family() -> None:
    message = "^primitives must be generic for ecp5, not 'xilinx7'$"
    with pytest.raises(ValueError, match=message):
        Technology(Family.ECP5, Primitives.XILINX7)


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
