"""Proofs that float64 is exact: integers times a constant within its significand of 53 bits.

A layer computes a sum of terms unit * integer, and perhaps a bias. If every partial sum is a
multiple of one bit and fewer than 2**53 of it, nothing is rounded, in any order of summation.
These functions prove that for the actual numbers, in rational arithmetic, or refuse.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from tritforge.errors import ProofError
from tritforge.export.ir.datatype import DataType
from tritforge.types import IntArray

__all__ = ["FLOAT_BITS", "ExactnessError", "check_sums", "multiples", "product"]

FLOAT_BITS = 53
"""Bits of a float64's significand."""


class ExactnessError(ProofError, ValueError):
    """Numbers that float64 cannot keep exact; the message names the channel."""


def product(scales: Sequence[float], step: float) -> list[float]:
    """Return scale * step for each channel.

    Raises
    ------
    ExactnessError: a scale is not positive, or float64 rounds the product.
    """
    for channel, scale in enumerate(scales):
        if not scale > 0:
            raise ExactnessError(f"the scale of channel {channel} must be positive, not {scale!r}")
        if Fraction(scale * step) != Fraction(scale) * Fraction(step):
            raise ExactnessError(
                f"the scale of channel {channel} times the step of its input, {scale!r} times "
                f"{step!r}, must be exact in float64: give both fewer significant bits"
            )
    return [scale * step for scale in scales]


def check_sums(
    matrix: npt.NDArray[np.integer],
    dtype: DataType,
    units: Sequence[float],
    biases: Sequence[float],
) -> None:
    """Prove that unit * (row of ``matrix``) x + bias is exact in any order of summation.

    Parameters
    ----------
    matrix: integers [M, K].
    dtype: type of the elements of x.
    units, biases: one a row.

    Raises
    ------
    ExactnessError: naming the first row that could be rounded.
    """
    magnitudes = np.abs(matrix).sum(axis=1)
    largest = max(dtype.maximum, -dtype.minimum)
    for channel, (unit, bias) in enumerate(zip(units, biases, strict=True)):
        total = Fraction(unit) * int(magnitudes[channel]) * largest + abs(Fraction(bias))
        # both are dyadic: they are multiples of the smaller of their lowest bits
        lowest_bit = Fraction(1, max(Fraction(unit).denominator, Fraction(bias).denominator))
        if total >= 2**FLOAT_BITS * lowest_bit:
            raise ExactnessError(
                f"channel {channel} needs more than {FLOAT_BITS} bits to be exact in float64, "
                f"with unit {unit!r} and bias {bias!r}: "
                "train without this bias, or give it fewer significant bits"
            )


def multiples(values: Sequence[float], unit: float) -> IntArray:
    """Return values / unit, which must be integers, as int64 [n].

    Raises
    ------
    ExactnessError: naming the first value that is no multiple.
    """
    quotients = [Fraction(value) / Fraction(unit) for value in values]
    for channel, (value, quotient) in enumerate(zip(values, quotients, strict=True)):
        if quotient.denominator != 1:
            raise ExactnessError(
                f"the bias of channel {channel} must be a multiple of {unit!r}, not {value!r}"
            )
    return np.array([quotient.numerator for quotient in quotients], dtype=np.int64)
