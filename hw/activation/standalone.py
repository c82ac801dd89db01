"""Standalone thresholds and biases: after a residual add or a pooling, not after a matrix layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from amaranth import Value

from tritforge.export.ir.nodes import Bias, TensorType, Threshold
from tritforge.export.ir.requantize import Requantize
from tritforge.hw.activation.parallel import BiasUnit, ParallelThresholdsUnit
from tritforge.hw.stream.registry import unit_for
from tritforge.hw.targets.operators import Operators, offset_binary

__all__ = ["StandaloneThresholdsUnit", "biases", "levels"]


class StandaloneThresholdsUnit(ParallelThresholdsUnit):
    """code = target.minimum + number of l with x + offset >= values[channel, l].

    Latency 1, interval 1 cycle per beat. The comparison is unsigned: ``offset`` is 2**(B - 1) for a
    signed input of B bits, else 0; the values include it.
    """

    def results(
        self, row: Operators, sums: Sequence[Value], words: Sequence[Sequence[Value]]
    ) -> list[Value]:
        """Compare each input, as an offset binary number, with all its levels."""
        return super().results(row, [offset_binary(total) for total in sums], words)


@unit_for(Threshold, Requantize)
def levels(
    node: Threshold | Requantize, source: TensorType, *, target: TensorType, lanes: int
) -> StandaloneThresholdsUnit:
    """Return the unit of the Threshold or Requantize ``node``.

    A level that no input reaches becomes the largest input plus 1, so a constant is at most one bit
    wider.

    Parameters
    ----------
    source : type of the input tensor.
    lanes : channels per beat.
    """
    dtype  = source.dtype
    bounds = (np.full(source.channels, bound) for bound in (dtype.minimum, dtype.maximum))
    values = node.thresholds(*bounds) if isinstance(node, Requantize) else node.thresholds
    # what offset binary adds, which is more than -minimum where the type is narrow (ternary)
    offset = 1 << (dtype.bits - 1) if dtype.signed else 0
    values = np.clip(values, dtype.minimum, dtype.maximum + 1) + offset
    bits   = max(dtype.bits, int(values.max()).bit_length())
    return StandaloneThresholdsUnit(
        name="thresholds",
        layer=node.name,
        values=values,
        value_bits=bits,
        source=dtype,
        target=node.output,
        pe=lanes,
        vectors=source.height * source.width,
    )


@unit_for(Bias)
def biases(node: Bias, source: TensorType, *, target: TensorType, lanes: int) -> BiasUnit:
    """Return the unit of the Bias ``node`` with input ``source`` and output ``target``."""
    values = np.asarray(node.bias)[:, None]
    bits   = 1 + max(int(value).bit_length() for value in values.flat)
    return BiasUnit(
        name="bias",
        layer=node.name,
        values=values,
        value_bits=bits,
        source=source.dtype,
        target=target.dtype,
        pe=lanes,
        vectors=source.height * source.width,
    )
