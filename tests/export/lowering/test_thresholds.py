from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.export.expect import raises
from tritforge.export.lowering.thresholds import ThresholdError, find, is_decreasing
from tritforge.types import IntArray

Floats = npt.NDArray[np.float64]


class Table:
    """Codes by lookup: one non-decreasing row of codes a channel, from ``minimum`` up."""

    def __init__(self, codes: IntArray, minimum: int) -> None:
        self.codes, self.minimum = codes, minimum

    def __call__(self, y: Floats) -> IntArray:
        index = y.astype(np.int64) - self.minimum
        assert index.min() >= 0, "asked below the minimum"
        assert index.max() < self.codes.shape[1], "asked above the maximum"
        assert (y == np.rint(y)).all()
        return np.take_along_axis(self.codes, index.T, axis=1).T


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=9, max_size=9), min_size=1, max_size=4),
    st.integers(-20, 20),
)
def test_thresholds_rebuild_any_monotone_function(rows: list[list[int]], minimum: int) -> None:
    codes = np.sort(np.array(rows), axis=1)
    maximum = minimum + codes.shape[1] - 1
    channels = len(codes)
    found = find(Table(codes, minimum), [minimum] * channels, [maximum] * channels, 3)
    y = np.arange(minimum, maximum + 1)
    np.testing.assert_array_equal((y[None, :, None] >= found[:, None]).sum(axis=2), codes)
    assert found.dtype == np.int64
    assert (np.diff(found, axis=1) >= 0).all()


def test_always_is_the_minimum_and_never_one_past_the_maximum() -> None:
    codes = np.array([[2, 2, 2], [0, 0, 0], [1, 1, 1]])
    assert find(Table(codes, -1), [-1] * 3, [1] * 3, 2).tolist() == [[-1, -1], [2, 2], [-1, 2]]


def test_each_channel_has_its_own_range() -> None:
    def function(y: Floats) -> IntArray:
        return (y >= [3, 30]).astype(np.int64)

    assert find(function, [-5, 20], [5, 40], 1).tolist() == [[3], [30]]
    assert find(function, [4, 0], [5, 10], 1).tolist() == [[4], [11]]
    assert find(function, [0, 30], [0, 30], 1).tolist() == [[1], [30]]


def test_range_of_many_bits() -> None:
    limit = 2**45 + 12345
    assert find(lambda y: (y >= limit).astype(np.int64), [-(2**50)], [2**50], 1).tolist() == [
        [limit]
    ]


def test_is_decreasing_by_channel() -> None:
    def function(y: Floats) -> IntArray:
        return np.clip(y * [1, -1, 0], -2, 2).astype(np.int64)

    assert is_decreasing(function, [-9, -9, -9], [9, 9, 9]).tolist() == [False, True, False]


def test_function_that_decreases() -> None:
    message = "channel 1: the function must not decrease, but it is 1 at -1 and 0 at 1"
    with raises(ThresholdError, message):
        find(lambda y: (y * [1, -1] > 0).astype(np.int64), [-1, -1], [1, 1], 1)


def test_function_that_decreases_between_the_ends() -> None:
    with raises(
        ThresholdError, "channel 0: the function must not decrease, but it is 2 at 1 and 1 at 2"
    ):
        find(Table(np.array([[0, 2, 1, 2]]), 0), [0], [3], 2)


@pytest.mark.parametrize("code", [4, -1])
def test_code_out_of_range(code: int) -> None:
    with raises(ThresholdError, f"channel 0: codes must be in 0..3, not {code} at 0"):
        find(lambda y: np.full(y.shape, code), [0], [9], 3)


def test_function_that_looks_at_another_channel() -> None:
    message = (
        "channel 0: the code must depend on the channel's own integer alone, "
        "but at 0 it is 0 here and was 1 before"
    )
    with raises(ThresholdError, message):
        find(lambda y: (y[:, ::-1] >= 3).astype(np.int64), [0, 0], [4, 9], 1)


def test_range_that_is_none() -> None:
    with raises(ValueError, "channel 1: minimum must not exceed maximum, not 3 > 2"):
        find(lambda y: y.astype(np.int64), [0, 3], [1, 2], 1)
    with raises(ValueError, "minimum and maximum must be vectors of one length, not (2,) and (1,)"):
        find(lambda y: y.astype(np.int64), [0, 3], [1], 1)
