import pytest

from tests.targets import ECP5, XC7
from tritforge.export.artifacts.packing import Packing
from tritforge.hw.cost.packing import PackingChoice, blocks, chosen, packed_luts, split_depth


@pytest.mark.parametrize(
    ("bits", "depth", "count"),
    [
        (36, 512, 1),
        (37, 512, 2),
        (36, 513, 2),
        (1024, 1024, 57),
        (9, 2048, 1),
        (1, 16384, 1),
        (8, 4096, 2),
    ],
)
def test_blocks(bits, depth, count):
    assert blocks(bits, depth) == count


def test_shallow_words_lie_in_luts_and_deep_ones_in_blocks():
    assert packed_luts(XC7, 32, 50, Packing.TWO_BIT) == 64  # a LUT a bit
    assert packed_luts(XC7, 32, 1000, Packing.TWO_BIT) == 4 * 156  # and not 16 LUTs a bit
    assert packed_luts(XC7, 32, 50, Packing.FIVE_IN_EIGHT) == 56 + 7 * 9


def test_a_byte_pays_where_it_saves_more_blocks_than_its_decoder_costs():
    for depth in (1, 64, 200):
        assert chosen(XC7, PackingChoice.AUTO, 45, depth) is Packing.TWO_BIT
    for depth in (512, 1024, 4096, 16384):
        assert chosen(XC7, PackingChoice.AUTO, 45, depth) is Packing.FIVE_IN_EIGHT


@pytest.mark.parametrize("depth", [1, 1 << 14])
def test_an_explicit_choice_stands(depth):
    assert chosen(XC7, PackingChoice.TWO_BIT, 45, depth) is Packing.TWO_BIT
    assert chosen(XC7, PackingChoice.FIVE_IN_EIGHT, 45, depth) is Packing.FIVE_IN_EIGHT


@pytest.mark.parametrize(
    ("bits", "depth", "lower"),
    [
        (104, 4608, 4096),
        (208, 576, 512),
        (104, 4096, None),
        (8, 100, None),
        (2, 5120, None),
        (1, 1, None),
    ],
)
def test_where_two_memories_cost_less(bits, depth, lower):
    assert split_depth(XC7, bits, depth) == lower


def test_each_target_has_numbers_of_its_own():
    """A LUT4 holds 16 words, and a block of the ECP5 stands for more LUTs."""
    assert packed_luts(XC7, 32, 50, Packing.TWO_BIT) == 64
    assert packed_luts(ECP5, 32, 50, Packing.TWO_BIT) == 4 * 64
    assert packed_luts(ECP5, 32, 1000, Packing.TWO_BIT) == 4 * 402
    assert chosen(XC7, PackingChoice.AUTO, 45, 200) is Packing.TWO_BIT
    assert chosen(ECP5, PackingChoice.AUTO, 45, 200) is Packing.FIVE_IN_EIGHT
