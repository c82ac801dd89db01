"""FINN's published estimate of a matrix unit in LUTs, to set beside ours on the same layer.

Written from the description of its formula (``lut_estimation`` of the HLS matrix-vector-activation
unit, after Blott et al., "FINN-R", ACM TRETS 2018), not from its code. Ternary weights are stored
in two bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2

__all__ = ["MatrixUnit"]

WEIGHT_BITS = 2


@dataclass(frozen=True, kw_only=True)
class MatrixUnit:
    """A layer of ``rows`` x ``columns`` on ``pe`` x ``simd`` lanes.

    Parameters
    ----------
    bits, signed: of an input.
    accumulator_bits: of a sum.
    output_bits: of an activation made of thresholds; None without.
    """

    rows: int
    columns: int
    pe: int
    simd: int
    bits: int
    signed: bool
    accumulator_bits: int
    output_bits: int | None

    @property
    def weight_words(self) -> int:
        """Depth of the weight memory."""
        return self.rows * self.columns // (self.pe * self.simd)

    def luts(self, *, memories: bool = True) -> int:
        """Return FINN's estimate of the LUTs of the unit.

        300 + 1.1 PE (multipliers + tree + accumulator + thresholds + comparators) + weights.

        ``memories``: count weights up to 128 words and thresholds as LUTs, and comparators;
        without, the formula's default, which counts none of these.

        >>> unit = MatrixUnit(rows=64, columns=576, pe=16, simd=32, bits=2, signed=True,
        ...                   accumulator_bits=13, output_bits=2)
        >>> unit.luts(memories=False)
        7216
        """
        product = WEIGHT_BITS + self.bits
        multipliers = self.simd * (2 * ceil(product / 6) - 1) * product
        tree = product * (2 * self.simd - 1)
        alpha = log2(self.columns) + product - 1 - int(self.signed)
        accumulator = min(self.accumulator_bits, ceil(alpha + log2(1 + 2**-alpha) + 1))
        thresholds = comparators = weights = 0
        if memories:
            if self.output_bits is not None:
                levels = 2**self.output_bits - 1
                comparators = levels * accumulator
                thresholds = comparators * ceil(self.rows / self.pe / 64)
            if self.weight_words <= 128:
                weights = self.pe * self.simd * WEIGHT_BITS * ceil(self.weight_words / 64)
        lanes = self.pe * (multipliers + tree + accumulator + thresholds + comparators)
        return int(300 + 1.1 * lanes + weights)
