"""Offset binary arithmetic: negation by ones' complement, compensated in the constants downstream.

The engines add unsigned operands only. An input x of B bits becomes u = x, or, if it is signed, x
with its sign bit inverted (u = x + 2**(B-1)); a weight -1 adds ~u = 2**B - 1 - u. An engine
computes

    sum' = y + correction,
    correction = (2**B - 1) * n_neg  [+ 2**(B-1) * (n_pos - n_neg) if x is signed]

where n_pos and n_neg count the weights +1 and -1 of the row. A ternary input becomes u = 1 + x = 0,
1 or 2, and 1 - x for a weight -1: sum' = y + n_pos + n_neg
(tritforge.hw.engines.array.ternary_dot). The correction is constant, so it moves into the
thresholds (y >= t becomes sum' >= t + correction) or the bias (y + b becomes sum' + (b -
correction)) at no cost in hardware. Planes with coefficients are linear: sum' = sum_j m_j * sum'_j,
likewise their corrections and largest sums. Source: the two's complement identity -u = ~u + 1.
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
    """The offset binary sums sum' that an engine outputs in place of y.

    Parameters
    ----------
    corrections: int64 [M], sum' - y.
    largest: int64 [M], upper bound of sum'; its lower bound is 0.
    """

    corrections: IntArray
    largest: IntArray

    @classmethod
    def of(cls, matrix: Trits, dtype: DataType, coefficients: Sequence[int] = (1,)) -> Sums:
        """Return the sums of trits [M, K], or of planes [J, M, K] with J coefficients.

        Raises
        ------
        ValueError: the number of planes differs from that of the coefficients.

        >>> Sums.of(np.array([[1, -1, -1]], dtype=np.int8), DataType(2, signed=False)).corrections
        array([6])
        >>> planes = np.array([[[1, -1]], [[0, -1]]], dtype=np.int8)
        >>> Sums.of(planes, DataType(2, signed=False), (5, 2)).corrections
        array([21])
        """
        planes = np.asarray(matrix)
        planes = planes[None] if planes.ndim == 2 else planes  # [J, M, K]
        if len(planes) != len(coefficients):
            raise ValueError(
                f"{len(planes)} planes need as many coefficients, not {tuple(coefficients)!r}"
            )
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
        """Narrowest unsigned type that holds every sum'."""
        return DataType(max(1, int(self.largest.max()).bit_length()), signed=False)

    def rows(self, order: npt.NDArray[np.int64]) -> Sums:
        """Return the sums of the rows in ``order``."""
        return Sums(self.corrections[order], self.largest[order])

    def thresholds(self, thresholds: IntArray) -> IntArray:
        """Return the thresholds [M, L] for sum': 0 if always reached, ``largest`` + 1 if never.

        They need one bit more than ``dtype`` only if a row with the largest value of ``dtype``
        never reaches some level.
        """
        shifted = np.asarray(thresholds, dtype=np.int64) + self.corrections[:, None]
        clipped: IntArray = np.clip(shifted, 0, self.largest[:, None] + 1)
        return clipped

    def bias(self, bias: npt.ArrayLike) -> IntArray:
        """Return the signed biases [M] for sum': sum' + result = y + ``bias``."""
        return np.asarray(bias, dtype=np.int64) - self.corrections

    def products(self, multiplier: IntArray, bias: IntArray) -> IntArray:
        """Return (multiplier, bias) [M, 2] for sum' that give ``multiplier`` * y + ``bias``."""
        return np.stack([multiplier, bias - multiplier * self.corrections], axis=1)
