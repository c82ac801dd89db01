"""Thresholds that stand free: behind a residual add or a pooling, not behind a layer with weights."""

import numpy as np

from tritforge.export.ir.nodes import Bias, Threshold
from tritforge.export.ir.requantize import Requantize
from tritforge.hw.activation.parallel import BiasUnit, ParallelThresholdsUnit
from tritforge.hw.stream.registry import unit_for
from tritforge.hw.targets.operators import offset_binary

__all__ = ["StandaloneThresholdsUnit", "biases", "levels"]


class StandaloneThresholdsUnit(ParallelThresholdsUnit):
    """code = target.minimum + number of l with x + offset >= values[channel, l].

    The input is compared as an unsigned number: ``offset`` is 2**(B - 1) for a signed one of B bits, else 0, and
    the values contain it.
    """

    def results(self, row, sums, words):
        return super().results(row, [offset_binary(total) for total in sums], words)


@unit_for(Threshold, Requantize)
def levels(node, source, *, target, lanes):
    """The unit of the threshold or requantization ``node`` on a tensor of type ``source`` in beats of ``lanes``.

    A level that no input reaches becomes one above the largest, so that a constant is at most a bit wider.
    """
    dtype  = source.dtype
    bounds = (np.full(source.channels, bound) for bound in (dtype.minimum, dtype.maximum))
    values = node.thresholds(*bounds) if isinstance(node, Requantize) else node.thresholds
    values = np.clip(values, dtype.minimum, dtype.maximum + 1) - dtype.minimum
    bits   = max(dtype.bits, int(values.max()).bit_length())
    return StandaloneThresholdsUnit(name="thresholds", layer=node.name, values=values, value_bits=bits, source=dtype,
                          target=node.output, pe=lanes, vectors=source.height * source.width)


@unit_for(Bias)
def biases(node, source, *, target, lanes):
    """The unit of the bias ``node`` (tritforge.export.ir.nodes.Bias) on a tensor of type ``source``; ``target`` is its output's."""
    values = np.asarray(node.bias)[:, None]
    bits   = 1 + max(int(value).bit_length() for value in values.flat)
    return BiasUnit(name="bias", layer=node.name, values=values, value_bits=bits, source=source.dtype,
                  target=target.dtype, pe=lanes, vectors=source.height * source.width)
