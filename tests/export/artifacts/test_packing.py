from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.export.expect import raises
from tests.export.networks import trits
from tritforge.export.artifacts.packing import (
    PAIRS,
    TRIT_CODES,
    Packing,
    PackingError,
    pack,
    unpack,
    word_bits,
)

BOTH = pytest.mark.parametrize("packing", Packing)


@BOTH
@pytest.mark.parametrize("count", [1, 3, 4, 5, 6, 9, 10, 11, 31, 32, 33, 144])
def test_unpack_undoes_pack(packing: Packing, count: int) -> None:
    rows = trits(np.random.default_rng(count), 7, count)
    words = pack(rows, packing)
    assert all(0 <= word < 2 ** word_bits(count, packing) for word in words)
    np.testing.assert_array_equal(unpack(words, count, packing), rows, strict=True)


@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=12))
def test_words_are_what_the_formulas_say(row: list[int]) -> None:
    (two_bit,) = pack(np.array([row]), Packing.TWO_BIT)
    assert two_bit == sum(TRIT_CODES[trit] << (2 * index) for index, trit in enumerate(row))
    (five,) = pack(np.array([row]), Packing.FIVE_IN_EIGHT)
    filled = row + [0] * (-len(row) % 5)
    assert [five_trits(byte) for byte in five.to_bytes(len(filled) // 5, "little")] == [
        tuple(filled[at : at + 5]) for at in range(0, len(filled), 5)
    ]


def five_trits(byte: int) -> tuple[int, ...] | None:
    """A byte of five trits by the words of the module's docstring; None for an error."""
    high, middle, low = byte >> 5, byte >> 2 & 7, byte & 3
    last = PAIRS[high]
    if middle == 7:
        last, middle = PAIRS[8], high
    if middle == 7 or (low == 0b10 and middle == 6):
        return None
    first = {0b00: 0, 0b01: 1, 0b11: -1, 0b10: {0: 0, 1: 1, 2: -1, 3: None}[middle // 2]}[low]
    return first, *(PAIRS[7 + middle % 2] if low == 0b10 else PAIRS[middle]), *last


def test_every_byte_is_five_trits_or_refused() -> None:
    refused = 0
    for byte in range(256):
        if (wanted := five_trits(byte)) is None:
            refused += 1
            with raises(
                PackingError, f"row 0, position 0: {byte:#04x} is not the byte of five trits"
            ):
                unpack([byte], 5, Packing.FIVE_IN_EIGHT)
        else:
            (row,) = unpack([byte], 5, Packing.FIVE_IN_EIGHT)
            assert tuple(row.tolist()) == wanted
            assert pack(row[None], Packing.FIVE_IN_EIGHT) == [byte]
    assert refused == 256 - 243


def test_all_words_of_four_trits_differ() -> None:
    rows = np.array(list(itertools.product([-1, 0, 1], repeat=4)))
    for packing in Packing:
        assert len(set(pack(rows, packing))) == 81


@BOTH
def test_zero_is_zero(packing: Packing) -> None:
    assert pack(np.zeros((2, 7), dtype=np.int8), packing) == [0, 0]


def test_negative_columns_of_a_transposed_matrix() -> None:
    # not contiguous, and not int8
    rows = np.arange(-1, 2)[:, None].repeat(4, 1).T
    for packing in Packing:
        np.testing.assert_array_equal(unpack(pack(rows, packing), 3, packing), rows)


def test_widths() -> None:
    counts = (1, 4, 5, 6, 10)
    assert [word_bits(count, Packing.TWO_BIT) for count in counts] == [2, 8, 10, 12, 20]
    assert [word_bits(count, Packing.FIVE_IN_EIGHT) for count in counts] == [8, 8, 8, 16, 16]


def test_code_ten_is_refused_with_its_place() -> None:
    with raises(PackingError, "row 1, position 2: 10 is not the code of a trit"):
        unpack([0b01, 0b100000], 3, Packing.TWO_BIT)


def test_large_byte_is_refused_with_its_place() -> None:
    with raises(PackingError, "row 1, position 5: 0xff is not the byte of five trits"):
        unpack([0, 0xFF00], 7, Packing.FIVE_IN_EIGHT)


def test_trits_past_the_end_are_refused() -> None:
    with raises(PackingError, "row 0, position 6: must be zero, a word has 6 trits"):
        unpack([4 << 8], 6, Packing.FIVE_IN_EIGHT)


@pytest.mark.parametrize(("word", "shown"), [(64, "0x40"), (-1, "-0x1")])
def test_words_of_another_width_are_refused(word: int, shown: str) -> None:
    with raises(PackingError, f"row 0: a word of 3 trits has 6 bits, not {shown}"):
        unpack([word], 3, Packing.TWO_BIT)


@pytest.mark.parametrize("value", [2, -2, 0.5])
def test_what_is_no_trit_is_refused(value: float) -> None:
    with raises(PackingError, f"row 0, position 1: a trit is -1, 0 or +1, not {value!r}"):
        pack(np.array([[0, value]]), Packing.TWO_BIT)


@pytest.mark.parametrize("shape", [(3,), (0, 3), (1, 2, 3)])
def test_what_is_no_matrix_is_refused(shape: tuple[int, ...]) -> None:
    with raises(PackingError, f"trits must be a matrix that is not empty, not shape {shape}"):
        pack(np.zeros(shape, dtype=np.int8), Packing.TWO_BIT)


def test_no_trits() -> None:
    with raises(PackingError, "count must be at least 1, not 0"):
        word_bits(0, Packing.TWO_BIT)
