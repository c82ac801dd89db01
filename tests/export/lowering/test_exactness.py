from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.export.expect import raises
from tritforge.export.ir.datatype import DataType
from tritforge.export.lowering.exactness import ExactnessError, check_sums, multiples, product

U1 = DataType(1, signed=False)
SIGNIFICANDS = st.builds(math.ldexp, st.integers(1, 4095), st.integers(-20, 0))


@given(st.lists(SIGNIFICANDS, min_size=1), SIGNIFICANDS)
def test_twelve_bits_each_are_always_exact(scales: list[float], step: float) -> None:
    assert product(scales, step) == [scale * step for scale in scales]


def test_product_that_float64_rounds() -> None:
    message = (
        "the scale of channel 1 times the step of its input, 0.1 times 0.1, "
        "must be exact in float64: give both fewer significant bits"
    )
    with raises(ExactnessError, message):
        product([0.5, 0.1], 0.1)


@pytest.mark.parametrize("scale", [0.0, -0.5, math.nan])
def test_scale_that_is_not_positive(scale: float) -> None:
    with raises(ExactnessError, f"the scale of channel 0 must be positive, not {scale!r}"):
        product([scale], 0.5)


def test_accepted_sums_are_exact_in_every_order() -> None:
    # unit and bias so far apart that they fill the 53 bits
    unit, bias, terms = 2.0**48 + 2.0**30, 1.0, [1, 1, -1, 1, 1]
    check_sums(np.array([terms]), U1, [unit], [bias])
    exact = 3 * (2**48 + 2**30) + 1
    for order in itertools.permutations([*(unit * term for term in terms), bias]):
        assert int(sum(order)) == exact


def test_one_bit_more_is_refused_and_really_rounds() -> None:
    unit, bias = 2.0**52, 0.5
    message = (
        "channel 0 needs more than 53 bits to be exact in float64, "
        "with unit 4503599627370496.0 and bias 0.5: "
        "train without this bias, or give it fewer significant bits"
    )
    with raises(ExactnessError, message):
        check_sums(np.array([[1, 1]]), U1, [unit], [bias])
    assert (unit + unit) + bias - unit - unit != bias


def test_inputs_count_with_their_largest_magnitude() -> None:
    units, biases = [1.0], [2.0**-40]
    check_sums(np.array([[1] * 64]), DataType(7, signed=False), units, biases)  # 6 + 7 + 40 bits
    check_sums(np.array([[1] * 63]), DataType(8, signed=True), units, biases)
    with pytest.raises(ExactnessError):
        check_sums(np.array([[1] * 65]), DataType(7, signed=False), units, biases)
    with pytest.raises(ExactnessError):
        check_sums(np.array([[1] * 64]), DataType(8, signed=True), units, biases)


def test_bias_counts_with_its_magnitude() -> None:
    check_sums(np.array([[1]]), U1, [0.5], [2.0**51])
    with pytest.raises(ExactnessError):
        check_sums(np.array([[1]]), U1, [0.5], [2.0**52])


def test_row_of_zeros_needs_its_bias_alone() -> None:
    check_sums(np.zeros((1, 5), dtype=np.int64), U1, [0.3], [0.1])


def test_multiples() -> None:
    assert multiples([0.75, 0.0, -2.25], 0.75).tolist() == [1, 0, -3]
    with raises(ExactnessError, "the bias of channel 1 must be a multiple of 0.75, not 1.0"):
        multiples([0.75, 1.0], 0.75)
