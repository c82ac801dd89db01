"""Integer types of tensors: width, signedness, range; and the ternary type."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MAX_BITS = 62
"""Widest type: the reference computes in int64 and must be able to see an overflow."""


@dataclass(frozen=True)
class DataType:
    """An integer type: two's complement when signed, plain binary when not.

    Parameters
    ----------
    bits: width in bits, 1..62.
    signed: whether the top bit counts negatively.
    ternary: -1, 0 and 1 alone, as two signed bits; the code 10, which would be -2, is an error.

    Raises
    ------
    TypeError: ``bits`` is no int, or ``signed`` or ``ternary`` no bool.
    ValueError: ``bits`` is outside 1..62, or a ternary type does not have two signed bits.

    >>> DataType(2, signed=False).maximum, DataType.from_range(-3, 5), TERNARY.minimum
    (3, DataType('s4'), -1)
    """

    bits: int
    signed: bool
    ternary: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.bits, int) or isinstance(self.bits, bool):
            raise TypeError(f"bits must be an int, not {self.bits!r}")
        if not isinstance(self.signed, bool):
            raise TypeError(f"signed must be a bool, not {self.signed!r}")
        if not 1 <= self.bits <= MAX_BITS:
            raise ValueError(f"bits must be in 1..{MAX_BITS}, not {self.bits!r}")
        if not isinstance(self.ternary, bool):
            raise TypeError(f"ternary must be a bool, not {self.ternary!r}")
        if self.ternary and (self.bits, self.signed) != (2, True):
            raise ValueError(
                f"a ternary type must have 2 signed bits, not {self.bits!r} and {self.signed!r}"
            )

    @classmethod
    def from_range(cls, minimum: int, maximum: int) -> DataType:
        """Return the narrowest type that holds every integer from ``minimum`` to ``maximum``.

        Raises
        ------
        ValueError: ``minimum`` exceeds ``maximum``.
        """
        if minimum > maximum:
            raise ValueError(f"minimum must not exceed maximum, not {minimum!r} > {maximum!r}")
        if minimum >= 0:
            return cls(max(1, int(maximum).bit_length()), signed=False)
        magnitude = max(int(maximum), -int(minimum) - 1)
        return cls(magnitude.bit_length() + 1, signed=True)

    @classmethod
    def parse(cls, text: str) -> DataType:
        """Read the short form: ``u4`` is 4 bits unsigned, ``s13`` 13 bits signed, ``t`` ternary.

        Raises
        ------
        ValueError: ``text`` has another form.
        """
        if text == "t":
            return TERNARY
        match = re.fullmatch(r"([us])([1-9][0-9]*)", text)
        if match is None:
            raise ValueError(f"a type is written u<bits>, s<bits> or t, not {text!r}")
        return cls(int(match[2]), signed=match[1] == "s")

    @property
    def minimum(self) -> int:
        """Smallest integer of the type."""
        return 0 if not self.signed else -1 if self.ternary else -(1 << (self.bits - 1))

    @property
    def maximum(self) -> int:
        """Largest integer of the type."""
        return (1 << (self.bits - int(self.signed))) - 1

    def holds(self, values: npt.ArrayLike) -> bool:
        """Whether every element of ``values`` (integers) is inside the range."""
        array = np.asarray(values)
        return bool(
            array.size == 0 or (array.min() >= self.minimum and array.max() <= self.maximum)
        )

    def __str__(self) -> str:
        return "t" if self.ternary else f"{'s' if self.signed else 'u'}{self.bits}"

    def __repr__(self) -> str:
        return f"DataType({str(self)!r})"


TERNARY = DataType(2, signed=True, ternary=True)
"""The type of ternary activations."""
