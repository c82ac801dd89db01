from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.requantize import Constants, fit
from tritforge.types import IntArray


def codes(found: Constants, y: IntArray, output: DataType) -> IntArray:
    """Codes [n, C] of integers [n, C]."""
    return np.clip(
        (found.multiplier * y + found.bias) >> found.shift, output.minimum, output.maximum
    )


def steps_of(slope: float, offset: float, output: DataType, low: int, high: int) -> IntArray:
    """Thresholds of floor(slope * y + offset); of binary fractions, for rounded floats may have no
    line."""
    y = np.arange(low, high + 1)
    exact = np.clip(np.floor(slope * y + offset), output.minimum, output.maximum)
    wanted = np.arange(output.minimum + 1, output.maximum + 1)
    return low + np.searchsorted(exact, wanted)


@settings(max_examples=60, deadline=None)
@given(
    slopes=st.lists(st.integers(0, 921).map(lambda number: number / 1024), min_size=1, max_size=4),
    offset=st.integers(-2560, 2560).map(lambda number: number / 64),
    bits=st.integers(2, 8),
    signed=st.booleans(),
    low=st.integers(-300, 0),
    high=st.integers(1, 300),
)
def test_every_code_of_a_line(
    slopes: list[float], offset: float, bits: int, signed: bool, low: int, high: int
) -> None:
    output = DataType(bits, signed=signed)
    thresholds = np.stack([steps_of(slope, offset, output, low, high) for slope in slopes])
    lowest, highest = np.full(len(slopes), low), np.full(len(slopes), high)
    found = fit(thresholds, lowest, highest, output)
    assert found is not None
    y = np.arange(low, high + 1)[:, None]
    expected = output.minimum + (y[:, :, None] >= thresholds).sum(axis=-1)
    np.testing.assert_array_equal(codes(found, y, output), expected)
    assert (found.multiplier >= 0).all()
    assert (found.multiplier < 1 << found.shift).all()


def brute_force(thresholds: list[int], low: int, high: int, output: DataType) -> int | None:
    """The smallest shift up to 4 for which any constants will do, by trying all."""
    y = np.arange(low, high + 1)
    expected = output.minimum + (y[:, None] >= np.array(thresholds)).sum(axis=1)
    for shift in range(5):
        for multiplier in range(1 << shift):
            for bias in range(-100, 100):
                found = Constants(np.array(multiplier), np.array(bias), shift)
                if (codes(found, y, output) == expected).all():
                    return shift
    return None


def test_the_shift_is_the_smallest() -> None:
    output = DataType(2, signed=False)
    rng = np.random.default_rng(0)
    shifts = []
    for _ in range(40):
        thresholds = sorted(rng.integers(-4, 6, size=3).tolist())
        found = fit(np.array([thresholds]), np.array([-4]), np.array([4]), output)
        smallest = brute_force(thresholds, -4, 4, output)
        shifts.append(smallest)
        if smallest is not None:
            assert found is not None
            assert found.shift == smallest
        else:
            assert found is None or found.shift > 4
    assert len(set(shifts)) > 3


@pytest.mark.parametrize(
    "thresholds",
    [[2, 2, 9], [0, 1, 9]],
    ids=["two levels at once", "no line"],
)
def test_what_no_constants_will_do(thresholds: list[int]) -> None:
    values = np.array([thresholds])
    assert fit(values, np.array([-20]), np.array([20]), DataType(2, signed=False)) is None


def test_a_range_that_leaves_no_room_for_a_shift() -> None:
    far = np.array([1 << 60])
    assert fit(np.array([[0, 1 << 58, 1 << 59]]), -far, far, DataType(2, signed=False)) is None
