"""Building blocks of the networks: quantizers by name, and checks of options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tritforge.quant.activation import (
    Quantizer,
    SignedQuantizer,
    TernaryActivation,
    UnsignedQuantizer,
)

__all__ = [
    "ACTIVATIONS",
    "activation",
    "at_least",
    "keep_slopes",
    "pixels",
    "pooled",
    "widths",
    "with_norm_act",
]

ACTIVATIONS = ("unsigned", "signed", "ternary", "float")
"""Kinds of hidden activations; ``float`` is ReLU, as in the papers, and has no hardware."""


def activation(kind: str, bits: int) -> nn.Module:
    """Return a new hidden activation.

    Parameters
    ----------
    kind: a name in ``ACTIVATIONS``.
    bits: width of a code, in bits; "ternary" and "float" ignore it.

    Raises
    ------
    ValueError: ``kind`` is not in ``ACTIVATIONS``.
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


def with_norm_act(
    layer: nn.Conv2d | nn.Linear, kind: str, bits: int, *, relu: bool = False
) -> list[nn.Module]:
    """Return a hidden layer and what follows it: a ReLU if asked for, batch norm, activation.

    ``kind`` and ``bits`` are those of ``activation``.
    """
    norm = (
        nn.BatchNorm2d(layer.out_channels)
        if isinstance(layer, nn.Conv2d)
        else nn.BatchNorm1d(layer.out_features)
    )
    return [layer, *([nn.ReLU()] if relu else []), norm, activation(kind, bits)]


def keep_slopes(norm: nn.Module) -> None:
    """Have training keep every slope of the batch norm ``norm`` at 2^-10 or more."""
    norm.register_forward_pre_hook(_keep_slopes)


@torch.no_grad()
def _keep_slopes(norm: nn.Module, inputs: Any) -> None:
    if norm.training:
        norm.weight.clamp_(min=2.0**-10)  # type: ignore[operator]


def pooled(x: Tensor, norm: nn.Module, act: nn.Module, pool: nn.Module, *, first: bool) -> Tensor:
    """Return ``pool(act(norm(x)))`` for a max pool; in training with ``first`` the pool is first.

    The hardware pools last. Where no slope of the batch norm is negative all three are monotone, so
    the order does not change the values. It changes the statistics of the batch, which are then
    those of the pixels that the pool selects, and the time: a quarter of the pixels remain. So
    ``first`` is for training (and for the statistics of ``tritforge.quant.training.recalibrate``)
    with ``keep_slopes``; evaluation pools last.
    """
    last = norm[-1] if isinstance(norm, nn.Sequential) else norm
    if first and last.training:
        return act(norm(pool(x)))  # type: ignore[no-any-return]
    return pool(act(norm(x)))  # type: ignore[no-any-return]


def pixels(bits: int) -> Quantizer:
    """Return the input quantizer, of step 1 / (2^bits - 1): with 8 bits the codes are bytes.

    The step is rounded to 12 significant bits.
    """
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
