"""One integer multiplier, bias and shift in place of many thresholds, with equal codes.

The thresholds come from the trained model itself (``tritforge.export.lowering.thresholds``), so
constants that agree with every one of them agree with the model on every integer of the proved
range. Where none are found, thresholds remain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tritforge.export.ir.datatype import MAX_BITS, DataType
from tritforge.export.ir.nodes import Node, TensorType, frozen
from tritforge.export.ir.registry import node_kind
from tritforge.types import IntArray

__all__ = ["MAX_SHIFT", "Constants", "Requantize", "fit"]

MAX_SHIFT = 40
"""Largest shift that is tried."""

_PRODUCT_BITS = 60
_UNBOUNDED = np.int64(1) << 62
"""Beyond every bias: those are sums of two products, and a difference of both still fits int64."""


@node_kind
@dataclass(frozen=True, eq=False, kw_only=True)
class Requantize(Node):
    """Code = (multiplier[c] * y + bias[c]) >> shift, clamped to the range of ``output``.

    The shift rounds down.

    ``multiplier`` and ``bias`` are int64 [C], 0 <= multiplier < 2**shift; a bias of half of
    2**shift rounds to the nearest.
    """

    multiplier: IntArray
    bias: IntArray
    shift: int
    output: DataType
    kind = "requantize"

    def _check(self) -> None:
        if not isinstance(self.shift, int) or not 0 <= self.shift < MAX_BITS:
            raise self._refuse(f"shift must be an int in 0..{MAX_BITS - 1}, not {self.shift!r}")
        multiplier, bias = np.asarray(self.multiplier), np.asarray(self.bias)
        if multiplier.ndim != 1 or multiplier.size == 0 or multiplier.shape != bias.shape:
            raise self._refuse(
                f"multiplier and bias must be vectors of one length, not {multiplier.shape} and "
                f"{bias.shape}"
            )
        if multiplier.min() < 0 or int(multiplier.max()) >> self.shift:
            raise self._refuse(
                f"multipliers must be in 0..{(1 << self.shift) - 1}, not {multiplier.tolist()}"
            )
        object.__setattr__(self, "multiplier", frozen(multiplier, np.int64))
        object.__setattr__(self, "bias", frozen(bias, np.int64))

    def infer(self, source: TensorType) -> TensorType:
        """The codes, of the input's shape.

        Raises
        ------
        IRError: the input has another number of channels, or a product needs more than 62 bits.
        """
        if source.channels != len(self.bias):
            raise self._refuse(
                f"has constants for {len(self.bias)} channels, not {source.channels}"
            )
        largest = int(self.multiplier.max()) * max(source.dtype.maximum, -source.dtype.minimum)
        largest += max(int(self.bias.max()), -int(self.bias.min()))
        if largest.bit_length() > MAX_BITS:
            raise self._refuse(
                f"products must fit {MAX_BITS} bits, these need {largest.bit_length()}"
            )
        return TensorType(*source.shape, self.output)

    def thresholds(self, lowest: IntArray, highest: IntArray) -> IntArray:
        """Return the thresholds [C, L] that give the same codes for y in lowest..highest, both [C].

        As ``Threshold`` has them: ``lowest`` where every y reaches a level, ``highest`` + 1 where
        none does.
        """
        code = np.arange(self.output.minimum + 1, self.output.maximum + 1)  # [L]
        missing = (code << self.shift) - self.bias[:, None]  # [C, L]: the least multiplier * y
        slope = np.maximum(self.multiplier, 1)[:, None]
        least = -(-missing // slope)  # rounded up
        never = (self.multiplier[:, None] == 0) & (missing > 0)
        always = (self.multiplier[:, None] == 0) & (missing <= 0)
        least = np.where(never, highest[:, None] + 1, np.where(always, lowest[:, None], least))
        clipped: IntArray = np.clip(least, lowest[:, None], highest[:, None] + 1)
        return clipped


@dataclass(frozen=True, eq=False)
class Constants:
    """code = (multiplier[c] * y + bias[c]) >> shift, within the output's range."""

    multiplier: IntArray
    bias: IntArray
    shift: int


def fit(
    thresholds: IntArray, minimum: IntArray, maximum: IntArray, output: DataType
) -> Constants | None:
    """Return constants of the smallest shift that reach every code exactly at its threshold.

    Level k of a channel is code output.minimum + 1 + k, and needs, with S = 2**shift and code c,

        multiplier * t + bias >= c * S              unless t = maximum + 1: no y reaches it
        multiplier * (t - 1) + bias <= c * S - 1    unless t = minimum: every y reaches it

    The biases that fit a multiplier are an interval, whose length is concave in the multiplier:
    bisection finds its maximum. Constants that exist for a shift exist for the next larger one too.

    Parameters
    ----------
    thresholds: int64 [C, L], ascending in each channel, in minimum..maximum + 1; L is all levels of
        ``output``.
    minimum, maximum: int64 [C], the proved range of y.
    output: type of the codes.

    Returns
    -------
    Constants with multipliers below 2**shift, or None where no shift up to ``MAX_SHIFT`` has any.

    >>> codes = DataType(2, signed=False)
    >>> found = fit(np.array([[3, 7, 11]]), np.array([-20]), np.array([20]), codes)
    >>> found.multiplier, found.bias, found.shift
    (array([1]), array([1]), 2)
    """
    largest = max(
        int(np.abs(minimum).max()),
        int(np.abs(maximum).max()) + 1,
        output.maximum + 1,
        -output.minimum,
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
