"""What the ones' complement of the array engine costs: nothing but other constants.

The engine adds unsigned operands only. An input x of B bits becomes u = x, or x with its top bit inverted
when it is signed (u = x + 2**(B-1)); a weight -1 sends ~u = 2**B - 1 - u. Its sum is therefore

    sum' = y + correction,  correction = (2**B - 1) * n_neg  [+ 2**(B-1) * (n_pos - n_neg) if signed]

with n_pos and n_neg the number of +1 and -1 in the row. The correction is known at export, so it goes into
the thresholds (y >= t becomes sum' >= t + correction) or the bias (y + b becomes sum' + (b - correction)).
Source: the two's complement identity -u = ~u + 1.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from export.datatype import DataType
from export.ir import IntArray, Trits

__all__ = [
    "accumulator_bits",
    "corrected_bias",
    "corrected_products",
    "corrected_thresholds",
    "largest_sums",
    "row_corrections",
    "threshold_bits",
]


def row_corrections(matrix: Trits, dtype: DataType) -> IntArray:
    """Return sum' - y for each row [M] of a ternary matrix [M, K] with inputs of type ``dtype``.

    >>> row_corrections(np.array([[1, -1, -1]], dtype=np.int8), DataType(2, signed=False))
    array([6])
    """
    positive, negative = _counts(matrix)
    correction = ((1 << dtype.bits) - 1) * negative
    if dtype.signed:
        correction = correction + (1 << (dtype.bits - 1)) * (positive - negative)
    return correction


def largest_sums(matrix: Trits, dtype: DataType) -> IntArray:
    """Return the largest sum' of each row [M]; the smallest is 0."""
    positive, negative = _counts(matrix)
    return ((1 << dtype.bits) - 1) * (positive + negative)


def accumulator_bits(matrix: Trits, dtype: DataType) -> int:
    """Return the width in bits of the unsigned accumulator that holds sum' of every row."""
    return max(1, int(largest_sums(matrix, dtype).max()).bit_length())


def corrected_thresholds(thresholds: IntArray, matrix: Trits, dtype: DataType) -> IntArray:
    """Return the thresholds [M, L] to compare sum' with: 0 where always reached, largest + 1 where never.

    All of them fit ``threshold_bits``, one bit more than the accumulator only when a row that can fill the
    accumulator has a level that it never reaches.
    """
    shifted = np.asarray(thresholds, dtype=np.int64) + row_corrections(matrix, dtype)[:, None]
    clipped: IntArray = np.clip(shifted, 0, largest_sums(matrix, dtype)[:, None] + 1)
    return clipped


def threshold_bits(corrected: IntArray, matrix: Trits, dtype: DataType) -> int:
    """Return the unsigned width in bits that holds the corrected thresholds and the accumulator."""
    return max(accumulator_bits(matrix, dtype), int(np.max(corrected)).bit_length())


def corrected_bias(bias: npt.ArrayLike, matrix: Trits, dtype: DataType) -> IntArray:
    """Return the signed integers [M] to add to sum' so that y + bias comes out."""
    return np.asarray(bias, dtype=np.int64) - row_corrections(matrix, dtype)


def corrected_products(multiplier: IntArray, bias: IntArray, matrix: Trits, dtype: DataType) -> IntArray:
    """Return the constants [M, 2] for sum' so that multiplier * y + bias comes out: the multiplier stays."""
    return np.stack([multiplier, bias - multiplier * row_corrections(matrix, dtype)], axis=1)


def _counts(matrix: Trits) -> tuple[IntArray, IntArray]:
    """Number of +1 and of -1 in each row."""
    positive: IntArray = np.asarray(matrix > 0).sum(axis=1, dtype=np.int64)
    negative: IntArray = np.asarray(matrix < 0).sum(axis=1, dtype=np.int64)
    return positive, negative
