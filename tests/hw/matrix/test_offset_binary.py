from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.export.expect import raises
from tests.export.networks import trits
from tritforge.export.ir.datatype import TERNARY, DataType
from tritforge.export.ir.nodes import Trits
from tritforge.hw.matrix.offset_binary import Sums
from tritforge.types import IntArray

SMALL = [
    *(DataType(bits, signed=signed) for bits in (1, 2, 3) for signed in (False, True)),
    TERNARY,
]


def every_vector(dtype: DataType, columns: int) -> IntArray:
    """All vectors [n, K] of elements of type ``dtype``."""
    codes = np.arange(dtype.minimum, dtype.maximum + 1)
    return np.stack(np.meshgrid(*[codes] * columns), axis=-1).reshape(-1, columns)


def engine(matrix: Trits, x: IntArray, dtype: DataType) -> IntArray:
    """The array engine's sums [n, M], by the words of its description: bits, no arithmetic on
    signs."""
    if dtype.ternary:
        gates = np.stack([x >= 0, x >= 1])[:, :, None] ^ (matrix < 0)  # [2, n, M, K]
        return np.where(matrix != 0, gates, 0).sum(axis=(0, 3))
    mask = (1 << dtype.bits) - 1
    u = (x & mask) ^ (1 << (dtype.bits - 1) if dtype.signed else 0)
    lanes = np.where(matrix[None] < 0, u[:, None] ^ mask, u[:, None])
    return np.where(matrix[None] != 0, lanes, 0).sum(axis=2)


@pytest.mark.parametrize("dtype", SMALL, ids=str)
def test_correction_for_every_input(dtype: DataType) -> None:
    matrix = np.array([[1, -1, 0], [-1, -1, -1], [0, 0, 0], [1, 1, 1]], dtype=np.int8)
    x = every_vector(dtype, 3)
    sums = engine(matrix, x, dtype)
    np.testing.assert_array_equal(sums, x @ matrix.T + Sums.of(matrix, dtype).corrections)
    assert sums.min(axis=0).tolist() == [0, 0, 0, 0]
    assert sums.max(axis=0).tolist() == Sums.of(matrix, dtype).largest.tolist()
    assert Sums.of(matrix, dtype).dtype.bits == int(sums.max()).bit_length()


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.sampled_from(SMALL))
def test_corrected_thresholds_give_the_same_codes(seed: int, dtype: DataType) -> None:
    rng = np.random.default_rng(seed)
    matrix = trits(rng, 4, 3)
    thresholds = np.sort(
        rng.integers(-30, 30, (4, 3)), axis=1
    )  # far beyond what the rows reach, too
    x = every_vector(dtype, 3)
    corrected = Sums.of(matrix, dtype).thresholds(thresholds)
    expected = (x @ matrix.T)[:, :, None] >= thresholds
    np.testing.assert_array_equal(engine(matrix, x, dtype)[:, :, None] >= corrected, expected)
    assert corrected.min() >= 0
    assert int(corrected.max()).bit_length() <= Sums.of(matrix, dtype).dtype.bits + 1


def test_a_level_that_is_never_reached_can_need_one_bit_more() -> None:
    full = np.array([[1, 1, 1]], dtype=np.int8)  # sums 0..3 fill two bits
    sums = Sums.of(full, DataType(1, signed=False))
    assert sums.dtype == DataType(2, signed=False)
    assert sums.thresholds(np.array([[9]])).tolist() == [[4]]
    assert sums.thresholds(np.array([[3]])).tolist() == [[3]]


@pytest.mark.parametrize("dtype", SMALL, ids=str)
def test_corrected_bias_gives_the_same_scores(dtype: DataType) -> None:
    matrix, bias = trits(np.random.default_rng(1), 4, 3), np.array([-7, 0, 3, 1000])
    x = every_vector(dtype, 3)
    scores = engine(matrix, x, dtype) + Sums.of(matrix, dtype).bias(bias)
    np.testing.assert_array_equal(scores, x @ matrix.T + bias)


@pytest.mark.parametrize("dtype", SMALL, ids=str)
def test_planes_with_coefficients(dtype: DataType) -> None:
    """sum' = sum_j m_j * sum'_j is y and the correction; planes may cancel each other."""
    planes = np.stack(
        [trits(np.random.default_rng(2), 4, 3), trits(np.random.default_rng(3), 4, 3)]
    )
    planes[1, 0] = -planes[0, 0]
    coefficients = (5, 3)
    x = every_vector(dtype, 3)
    sums = sum(m * engine(plane, x, dtype) for m, plane in zip(coefficients, planes, strict=True))
    y = sum(
        m * (x @ plane.T.astype(np.int64)) for m, plane in zip(coefficients, planes, strict=True)
    )
    ours = Sums.of(planes, dtype, coefficients)
    np.testing.assert_array_equal(sums, y + ours.corrections)
    assert (sums <= ours.largest).all()
    assert (sums.max(axis=0) == ours.largest)[1]  # no two planes of this row disagree in a column
    assert ours.dtype.bits == int(ours.largest.max()).bit_length()
    bias = np.array([-7, 0, 3, 1000])
    np.testing.assert_array_equal(sums + ours.bias(bias), y + bias)
    thresholds = np.sort(np.random.default_rng(4).integers(-60, 60, (4, 3)), axis=1)
    np.testing.assert_array_equal(
        sums[:, :, None] >= ours.thresholds(thresholds), y[:, :, None] >= thresholds
    )


def test_as_many_coefficients_as_planes() -> None:
    with raises(ValueError, "1 planes need as many coefficients, not (1, 2)"):
        Sums.of(np.zeros((2, 3), dtype=np.int8), DataType(2, signed=False), (1, 2))


def test_matrix_of_zeros_has_an_accumulator_of_one_bit() -> None:
    assert Sums.of(np.zeros((2, 3), dtype=np.int8), DataType(8, signed=True)).dtype.bits == 1


@pytest.mark.parametrize("dtype", SMALL, ids=str)
def test_corrected_products_are_the_same(dtype: DataType) -> None:
    matrix = trits(np.random.default_rng(2), 4, 3)
    x = every_vector(dtype, 3)
    multiplier, bias = np.array([5, 0, 7, 2]), np.array([-9, 4, 0, 30])
    constants = Sums.of(matrix, dtype).products(multiplier, bias)
    found = constants[:, 0] * engine(matrix, x, dtype) + constants[:, 1]
    np.testing.assert_array_equal(found, multiplier * (x @ matrix.T.astype(np.int64)) + bias)


def test_rows_in_another_order() -> None:
    sums = Sums.of(trits(np.random.default_rng(3), 4, 3), DataType(3, signed=True))
    picked = sums.rows(np.array([2, 0]))
    assert picked.corrections.tolist() == sums.corrections[[2, 0]].tolist()
    assert picked.largest.tolist() == sums.largest[[2, 0]].tolist()
