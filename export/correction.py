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
    "corrected_thresholds",
    "joined_planes",
    "largest_sums",
    "row_corrections",
    "shifted_thresholds",
    "threshold_bits",
]


def row_corrections(matrix: Trits | IntArray, dtype: DataType) -> IntArray:
    """Return sum' - y for each row [M] of a matrix [M, K] with inputs of type ``dtype``.

    The matrix is ternary, or ternary planes as ``joined_planes`` sets them side by side.

    >>> row_corrections(np.array([[1, -1, -1]], dtype=np.int8), DataType(2, signed=False))
    array([6])
    """
    positive, negative = _counts(matrix)
    correction = ((1 << dtype.bits) - 1) * negative
    if dtype.signed:
        correction = correction + (1 << (dtype.bits - 1)) * (positive - negative)
    return correction


def largest_sums(matrix: Trits | IntArray, dtype: DataType) -> IntArray:
    """Return the largest sum' of each row [M]; the smallest is 0."""
    positive, negative = _counts(matrix)
    return ((1 << dtype.bits) - 1) * (positive + negative)


def accumulator_bits(matrix: Trits | IntArray, dtype: DataType) -> int:
    """Return the width in bits of the unsigned accumulator that holds sum' of every row."""
    return max(1, int(largest_sums(matrix, dtype).max()).bit_length())


def corrected_thresholds(thresholds: IntArray, matrix: Trits | IntArray, dtype: DataType) -> IntArray:
    """Return the thresholds [M, L] to compare sum' with: 0 where always reached, largest + 1 where never.

    All of them fit ``threshold_bits``, one bit more than the accumulator only when a row that can fill the
    accumulator has a level that it never reaches.
    """
    return shifted_thresholds(thresholds, row_corrections(matrix, dtype), largest_sums(matrix, dtype))


def shifted_thresholds(thresholds: IntArray, corrections: IntArray, largest: IntArray) -> IntArray:
    """Return the thresholds [M, L] for sums that are ``corrections`` [M] more than y and at most
    ``largest``."""
    shifted = np.asarray(thresholds, dtype=np.int64) + corrections[:, None]
    clipped: IntArray = np.clip(shifted, 0, largest[:, None] + 1)
    return clipped


def threshold_bits(corrected: IntArray, matrix: Trits | IntArray, dtype: DataType) -> int:
    """Return the unsigned width in bits that holds the corrected thresholds and the accumulator."""
    return max(accumulator_bits(matrix, dtype), int(np.max(corrected)).bit_length())


def corrected_bias(bias: npt.ArrayLike, matrix: Trits | IntArray, dtype: DataType) -> IntArray:
    """Return the signed integers [M] to add to sum' so that y + bias comes out."""
    return np.asarray(bias, dtype=np.int64) - row_corrections(matrix, dtype)


def joined_planes(planes: Trits, coefficients: tuple[int, ...]) -> IntArray:
    """Return [M, J*K]: planes [J, M, K] side by side, each times its coefficient.

    The sum of coefficients[j] * (sum' of plane j) has the correction and the bounds of this matrix.

    >>> joined_planes(np.array([[[1, 0]], [[0, -1]]], dtype=np.int8), (3, 2))
    array([[ 3,  0,  0, -2]])
    """
    return np.concatenate(
        [plane.astype(np.int64) * c for plane, c in zip(planes, coefficients, strict=True)], axis=1
    )


def _counts(matrix: Trits | IntArray) -> tuple[IntArray, IntArray]:
    """Sum of the positive and of the negative weights in each row, both as magnitudes."""
    positive: IntArray = np.maximum(matrix, 0).sum(axis=1, dtype=np.int64)
    negative: IntArray = -np.minimum(matrix, 0).sum(axis=1, dtype=np.int64)
    return positive, negative
