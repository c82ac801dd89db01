"""The search against the definition of a code."""

import numpy as np
import pytest

from tests.hw.unit_bench import PLATFORMS, check
from tritforge.export.ir.datatype import DataType
from tritforge.hw.activation.binary_search import BinarySearchUnit
from tritforge.sim.stimulus import pack_beats

U5 = DataType.parse("u5")


def unit(levels, target, pe):
    values = np.sort(np.random.default_rng(0).integers(0, 33, size=(4, levels)), axis=1)
    values[0] = 0  # always reached
    values[1] = 32  # never reached: one more than the accumulator holds
    return BinarySearchUnit(
        name="search",
        layer="layer",
        values=values,
        value_bits=6,
        source=U5,
        target=DataType.parse(target),
        pe=pe,
        vectors=32,
        never=np.full(4, 32),
    )


def codes(search):
    """Every sum in every row [1, 1, 32, M], and the codes by their definition."""
    sums = np.repeat(np.arange(32)[:, None], len(search.values), axis=1).reshape(1, 1, 32, -1)
    return sums, search.target.minimum + (sums[..., None] >= search.values).sum(axis=-1)


@PLATFORMS
@pytest.mark.parametrize("pe", [1, 2, 4])
@pytest.mark.parametrize(
    ("levels", "target"), [(1, "u1"), (2, "u2"), (3, "s2"), (5, "u3"), (15, "u4"), (16, "u5")]
)
def test_codes_of_every_sum(levels, target, pe, platform):
    search = unit(levels, target, pe)
    sums, expected = codes(search)
    check(
        search,
        pack_beats(sums, U5, pe),
        pack_beats(expected, search.target, pe),
        1,
        platform=platform,
    )


def test_a_bit_of_the_code_a_cycle():
    assert [unit(levels, "u5", 2).cycles for levels in (1, 2, 3, 4, 7, 8, 31)] == [
        1,
        2,
        2,
        3,
        3,
        4,
        5,
    ]
    assert unit(7, "u3", 2).interval_cycles == 32 * 2 * 3


def test_the_image_has_one_threshold_of_each_row_at_an_address():
    search = unit(2, "u2", 2)
    assert (search.rom.word_bits, search.rom.depth) == (2 * 6, 2 * 4)
    low, high = search.values[2:]
    words = [(0, 0), (low[0], high[0]), (low[1], high[1]), (32, 32)]
    assert list(search.rom.words[4:]) == [first | second << 6 for first, second in words]


def test_an_address_for_each_lane_of_the_image_of_a_single_group():
    assert unit(3, "u2", 4).rom.depth == 4
