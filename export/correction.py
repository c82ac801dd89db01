"""What the ones' complement of the array engine costs: nothing but other constants.

The engine adds unsigned operands only. An input x of B bits becomes u = x, or x with its top bit inverted
when it is signed (u = x + 2**(B-1)); a weight -1 sends ~u = 2**B - 1 - u. Its sum is therefore

    sum' = y + correction,  correction = (2**B - 1) * n_neg  [+ 2**(B-1) * (n_pos - n_neg) if signed]

with n_pos and n_neg the number of +1 and -1 in the row. The correction is known at export, so it goes into
the thresholds (y >= t becomes sum' >= t + correction) or the bias (y + b becomes sum' + (b - correction)).
Planes with coefficients add up: sum' = sum_j m_j * sum'_j, and so do their corrections and largest sums.

Every function takes ``matrix``, the trits [M, K] of one plane or [J, M, K] of several, and ``coefficients``,
one a plane. An engine whose own sums are these needs no more than that.
Source: the two's complement identity -u = ~u + 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from export.datatype import DataType
from export.ir import IntArray, Trits

__all__ = [
    "accumulator_bits",
    "corrected_bias",
    "corrected_thresholds",
    "largest_sums",
    "row_corrections",
    "threshold_bits",
]

Coefficients = Sequence[int]


def row_corrections(matrix: Trits, dtype: DataType, coefficients: Coefficients = (1,)) -> IntArray:
    """Return sum' - y for each row [M] with inputs of type ``dtype``.

    >>> row_corrections(np.array([[1, -1, -1]], dtype=np.int8), DataType(2, signed=False))
    array([6])
    >>> planes = np.array([[[1, -1]], [[0, -1]]], dtype=np.int8)
    >>> row_corrections(planes, DataType(2, signed=False), (5, 2))
    array([21])
    """
    positive, negative = _counts(matrix, coefficients)
    correction = ((1 << dtype.bits) - 1) * negative
    if dtype.signed:
        correction = correction + (1 << (dtype.bits - 1)) * (positive - negative)
    return correction


def largest_sums(matrix: Trits, dtype: DataType, coefficients: Coefficients = (1,)) -> IntArray:
    """Return what sum' of each row [M] never exceeds; one plane reaches it. The smallest is 0."""
    positive, negative = _counts(matrix, coefficients)
    return ((1 << dtype.bits) - 1) * (positive + negative)


def accumulator_bits(matrix: Trits, dtype: DataType, coefficients: Coefficients = (1,)) -> int:
    """Return the width in bits of the unsigned accumulator that holds sum' of every row."""
    return max(1, int(largest_sums(matrix, dtype, coefficients).max()).bit_length())


def corrected_thresholds(
    thresholds: IntArray, matrix: Trits, dtype: DataType, coefficients: Coefficients = (1,)
) -> IntArray:
    """Return the thresholds [M, L] to compare sum' with: 0 where always reached, largest + 1 where never.

    All of them fit ``threshold_bits``, one bit more than the accumulator only when a row that can fill the
    accumulator has a level that it never reaches.
    """
    corrections = row_corrections(matrix, dtype, coefficients)
    largest = largest_sums(matrix, dtype, coefficients)
    shifted = np.asarray(thresholds, dtype=np.int64) + corrections[:, None]
    clipped: IntArray = np.clip(shifted, 0, largest[:, None] + 1)
    return clipped


def threshold_bits(
    corrected: IntArray, matrix: Trits, dtype: DataType, coefficients: Coefficients = (1,)
) -> int:
    """Return the unsigned width in bits that holds the corrected thresholds and the accumulator."""
    return max(accumulator_bits(matrix, dtype, coefficients), int(np.max(corrected)).bit_length())


def corrected_bias(
    bias: npt.ArrayLike, matrix: Trits, dtype: DataType, coefficients: Coefficients = (1,)
) -> IntArray:
    """Return the signed integers [M] to add to sum' so that y + bias comes out."""
    return np.asarray(bias, dtype=np.int64) - row_corrections(matrix, dtype, coefficients)


def _counts(matrix: Trits, coefficients: Coefficients) -> tuple[IntArray, IntArray]:
    """Number of +1 and of -1 in each row, each counted as often as its plane's coefficient says."""
    planes = np.asarray(matrix)
    planes = planes[None] if planes.ndim == 2 else planes  # [J, M, K]
    if len(planes) != len(coefficients):
        raise ValueError(f"{len(planes)} planes need as many coefficients, not {tuple(coefficients)!r}")
    weights = np.array(coefficients, dtype=np.int64)
    positive: IntArray = weights @ (planes > 0).sum(axis=2, dtype=np.int64)
    negative: IntArray = weights @ (planes < 0).sum(axis=2, dtype=np.int64)
    return positive, negative
