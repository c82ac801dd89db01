"""Integer multiplier, bias and shift in place of many thresholds, where they give exactly the same codes.

The thresholds come from the trained model itself (``export.thresholds``), so constants that agree with every
one of them agree with the model on every integer of the proved range. Where none are found, thresholds
remain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from export.datatype import DataType
from export.ir import IntArray

__all__ = ["MAX_SHIFT", "Constants", "fit"]

MAX_SHIFT = 40
"""Largest shift that is tried."""

_PRODUCT_BITS = 60
_UNBOUNDED = np.int64(1) << 62
"""Beyond every bias: those are sums of two products, and a difference of both still fits int64."""


@dataclass(frozen=True, eq=False)
class Constants:
    """code = (multiplier[c] * y + bias[c]) >> shift, within the output's range."""

    multiplier: IntArray
    bias: IntArray
    shift: int


def fit(thresholds: IntArray, minimum: IntArray, maximum: IntArray, output: DataType) -> Constants | None:
    """Return constants of the smallest shift that reach every code exactly at its threshold.

    Level k of a channel is code output.minimum + 1 + k, and needs, with S = 2**shift and code c,

        multiplier * t + bias >= c * S              unless t = maximum + 1: no y reaches it
        multiplier * (t - 1) + bias <= c * S - 1    unless t = minimum: every y reaches it

    For a multiplier the biases that will do are an interval, whose length is concave in the multiplier: its
    maximum is found by bisection. What is possible with a shift is possible with the next one.

    Parameters
    ----------
    thresholds: int64 [C, L], ascending in each channel, in minimum..maximum + 1; L is all levels of
        ``output``.
    minimum, maximum: int64 [C], the proved range of y.
    output: type of the codes.

    Returns
    -------
    Constants with multipliers below 2**shift, or None where no shift up to ``MAX_SHIFT`` will do.

    >>> found = fit(np.array([[3, 7, 11]]), np.array([-20]), np.array([20]), DataType(2, signed=False))
    >>> found.multiplier, found.bias, found.shift
    (array([1]), array([1]), 2)
    """
    largest = max(
        int(np.abs(minimum).max()), int(np.abs(maximum).max()) + 1, output.maximum + 1, -output.minimum
    )
    low, high = 0, min(MAX_SHIFT, _PRODUCT_BITS - largest.bit_length())
    if high < low or (found := _constants(thresholds, minimum, maximum, output, high)) is None:
        return None
    while low < high:
        middle = (low + high) // 2
        candidate = _constants(thresholds, minimum, maximum, output, middle)
        if candidate is None:
            low = middle + 1
        else:
            high, found = middle, candidate
    return found


def _constants(
    thresholds: IntArray, minimum: IntArray, maximum: IntArray, output: DataType, shift: int
) -> Constants | None:
    """Return constants for one shift, or None."""
    code = np.arange(output.minimum + 1, output.maximum + 1, dtype=np.int64) << shift  # [L]
    reached = thresholds <= maximum[:, None]  # [C, L]
    missed = thresholds > minimum[:, None]

    def biases(multiplier: IntArray) -> tuple[IntArray, IntArray]:
        product = multiplier[:, None] * thresholds
        lowest = np.where(reached, code - product, -_UNBOUNDED).max(axis=1)
        highest = np.where(missed, code - 1 - product + multiplier[:, None], _UNBOUNDED).min(axis=1)
        return lowest, highest

    def length(multiplier: IntArray) -> IntArray:
        lowest, highest = biases(multiplier)
        return highest - lowest

    low = np.zeros(len(thresholds), dtype=np.int64)
    high = np.full(len(thresholds), (1 << shift) - 1, dtype=np.int64)
    while (low < high).any():
        middle = (low + high) // 2
        rising = (low < high) & (length(middle + 1) > length(middle))
        low, high = np.where(rising, middle + 1, low), np.where(rising, high, middle)
    lowest, highest = biases(low)
    if (lowest > highest).any():
        return None
    bias = np.where(lowest > -_UNBOUNDED, lowest, highest)
    return Constants(low, bias, shift)
