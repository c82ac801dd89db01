"""What the ones' complement of the engines costs: nothing but other constants.

The engines add unsigned operands only. An input x of B bits becomes u = x, or x with its top bit inverted
when it is signed (u = x + 2**(B-1)); a weight -1 sends ~u = 2**B - 1 - u. Its sum is therefore

    sum' = y + correction,  correction = (2**B - 1) * n_neg  [+ 2**(B-1) * (n_pos - n_neg) if signed]

A ternary input becomes u = 1 + x = 0, 1 or 2, and 1 - x for a weight -1: sum' = y + n_pos + n_neg
(tritforge.hw.engines.array.ternary_dot). Here n_pos and n_neg are the number of +1 and -1 in the row. The correction is known at
export, so it goes into the thresholds (y >= t becomes sum' >= t + correction) or the bias (y + b becomes
sum' + (b - correction)).
Planes with coefficients add up: sum' = sum_j m_j * sum'_j, and so do their corrections and largest sums.
Source: the two's complement identity -u = ~u + 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Trits
from tritforge.types import IntArray

__all__ = ["Sums"]


@dataclass(frozen=True, eq=False)
class Sums:
    """The sums that an engine hands out in place of y, row by row.

    Parameters
    ----------
    corrections: int64 [M], sum' - y.
    largest: int64 [M], what sum' never exceeds; it is never negative.
    """

    corrections: IntArray
    largest: IntArray

    @classmethod
    def of(cls, matrix: Trits, dtype: DataType, coefficients: Sequence[int] = (1,)) -> Sums:
        """Return those of trits [M, K], or of planes [J, M, K] with J ``coefficients``, on inputs ``dtype``.

        >>> Sums.of(np.array([[1, -1, -1]], dtype=np.int8), DataType(2, signed=False)).corrections
        array([6])
        >>> planes = np.array([[[1, -1]], [[0, -1]]], dtype=np.int8)
        >>> Sums.of(planes, DataType(2, signed=False), (5, 2)).corrections
        array([21])
        """
        planes = np.asarray(matrix)
        planes = planes[None] if planes.ndim == 2 else planes  # [J, M, K]
        if len(planes) != len(coefficients):
            raise ValueError(f"{len(planes)} planes need as many coefficients, not {tuple(coefficients)!r}")
        weights = np.array(coefficients, dtype=np.int64)
        positive = weights @ (planes > 0).sum(axis=2, dtype=np.int64)  # [M]
        negative = weights @ (planes < 0).sum(axis=2, dtype=np.int64)
        if dtype.ternary:
            return cls(positive + negative, 2 * (positive + negative))
        ones = (1 << dtype.bits) - 1
        corrections = ones * negative
        if dtype.signed:
            corrections = corrections + (1 << (dtype.bits - 1)) * (positive - negative)
        return cls(corrections, ones * (positive + negative))

    @property
    def dtype(self) -> DataType:
        """The narrowest type that holds every sum; unsigned."""
        return DataType(max(1, int(self.largest.max()).bit_length()), signed=False)

    def rows(self, order: npt.NDArray[np.int64]) -> Sums:
        """Return the sums of the rows in ``order``."""
        return Sums(self.corrections[order], self.largest[order])

    def thresholds(self, thresholds: IntArray) -> IntArray:
        """Return the thresholds [M, L] to compare sum' with: 0 where always reached, largest + 1 where never.

        They take one bit more than ``dtype`` only where a row that can fill it never reaches some level.
        """
        shifted = np.asarray(thresholds, dtype=np.int64) + self.corrections[:, None]
        clipped: IntArray = np.clip(shifted, 0, self.largest[:, None] + 1)
        return clipped

    def bias(self, bias: npt.ArrayLike) -> IntArray:
        """Return the signed integers [M] to add to sum' so that y + bias comes out."""
        return np.asarray(bias, dtype=np.int64) - self.corrections

    def products(self, multiplier: IntArray, bias: IntArray) -> IntArray:
        """Return constants [M, 2] for sum' so that multiplier * y + bias comes out: the multiplier stays."""
        return np.stack([multiplier, bias - multiplier * self.corrections], axis=1)
