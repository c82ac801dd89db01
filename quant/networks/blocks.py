"""What the networks here are built of: quantizers by name, and checks of options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from quant.activation import Quantizer, SignedQuantizer, TernaryActivation, UnsignedQuantizer

__all__ = ["ACTIVATIONS", "activation", "at_least", "behind", "pixels", "widths"]

ACTIVATIONS = ("unsigned", "signed", "ternary", "float")
"""Kinds of hidden activations; ``float`` is ReLU, as in the papers, and has no hardware."""


def activation(kind: str, bits: int) -> nn.Module:
    """Return a new hidden activation.

    Parameters
    ----------
    kind: a name in ``ACTIVATIONS``.
    bits: width of a code, in bits; ternary and float ones have none and do not look at it.
    """
    if kind == "unsigned":
        return UnsignedQuantizer(bits)
    if kind == "signed":
        return SignedQuantizer(bits)
    if kind == "ternary":
        return TernaryActivation()
    if kind == "float":
        return nn.ReLU()
    raise ValueError(f"activation must be one of {', '.join(ACTIVATIONS)}, not {kind!r}")


def behind(norm: nn.Module, kind: str, bits: int, *, relu: bool = False) -> list[nn.Module]:
    """Return what stands behind a hidden layer: a ReLU if asked for, ``norm``, the activation."""
    return [*([nn.ReLU()] if relu else []), norm, activation(kind, bits)]


def pixels(bits: int) -> Quantizer:
    """Return the input quantizer, of step 1 / (2^bits - 1) to 12 significant bits: 8 bits give bytes."""
    return UnsignedQuantizer(bits, step=1 / (2**bits - 1), learned=False)


def at_least(lowest: int, **options: Any) -> None:
    """Check that each of the named options is an int of at least ``lowest``; ValueError if not."""
    for name, value in options.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < lowest:
            raise ValueError(f"{name} must be an int of at least {lowest}, not {value!r}")


def widths(channels: Sequence[int], count: int) -> Sequence[int]:
    """Return ``channels``, which must be ``count`` positive ints; ValueError if they are not."""
    if len(channels) != count or not all(isinstance(c, int) and c > 0 for c in channels):
        raise ValueError(f"channels must be {count} positive ints, not {channels!r}")
    return channels
