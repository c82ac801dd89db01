"""Rounding with straight-through gradients, and the rule that makes float64 evaluation exact.

A weight scale or an activation step is a power of two times an integer of ``SIGNIFICAND_BITS``
bits. The product of a scale, a step and an integer below 2^29 then fits the 53 bits of float64, so
a float64 evaluation of the model is integer arithmetic times a constant: nothing is rounded, and
the order of summation cannot matter.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = [
    "COEFFICIENT_BITS",
    "SIGNIFICAND_BITS",
    "fixed_point",
    "floor",
    "mean_where",
    "round_half_up",
    "round_significand",
    "scale_gradient",
    "straight_through",
]

SIGNIFICAND_BITS = 12
"""Significant bits of every weight scale and activation step: a relative step of at most 2^-11."""

COEFFICIENT_BITS = 8
"""Widest coefficient of a plane where a weight has several scales, integers of one unit."""

_FORMATS = {torch.float32: (torch.int32, 24), torch.float64: (torch.int64, 53)}


def straight_through(value: Tensor, latent: Tensor) -> Tensor:
    """Return ``value`` exactly, with the gradient of ``latent`` [1].

    Both have one shape. ``latent - latent.detach()`` is exactly zero for finite numbers, so unlike
    the usual ``latent + (value - latent).detach()`` this form never disturbs the value.

    [1] Y. Bengio et al., "Estimating or propagating gradients through stochastic neurons", 2013.

    >>> latent = torch.tensor(0.3, requires_grad=True)
    >>> straight_through(torch.tensor(1.0), latent).item()
    1.0
    """
    return value.detach() + (latent - latent.detach())


def floor(x: Tensor) -> Tensor:
    """Round down, element by element; the gradient passes unchanged."""
    return straight_through(torch.floor(x.detach()), x)


def round_half_up(x: Tensor) -> Tensor:
    """Return floor(x + 1/2), element by element; the gradient passes unchanged.

    >>> round_half_up(torch.tensor([-0.5, 0.5, 1.5])).tolist()
    [0.0, 1.0, 2.0]
    """
    return straight_through(torch.floor(x.detach() + 0.5), x)


def scale_gradient(x: Tensor, factor: float) -> Tensor:
    """Return ``x`` exactly, with its gradient multiplied by ``factor``."""
    return straight_through(x, x * factor)


def round_significand(x: Tensor, bits: int = SIGNIFICAND_BITS) -> Tensor:
    """Round to ``bits`` significant bits, halves away from zero; the gradient passes unchanged.

    Works on the bits of the IEEE number, so the result is the same on every machine.

    Parameters
    ----------
    x: any shape, float32 or float64, finite.
    bits: 1 up to the format's own precision (24 or 53).

    Raises
    ------
    TypeError: ``x`` is neither float32 nor float64.
    ValueError: ``bits`` is out of range.

    >>> round_significand(torch.tensor([1.0, 1.3, -100.7]), bits=3).tolist()
    [1.0, 1.25, -96.0]
    """
    if x.dtype not in _FORMATS:
        raise TypeError(f"x must be float32 or float64, not {x.dtype}")
    integer, precision = _FORMATS[x.dtype]
    if not 1 <= bits <= precision:
        raise ValueError(f"bits must be in 1..{precision} for {x.dtype}, not {bits!r}")
    dropped = precision - bits
    if dropped == 0:
        return x
    # Sign, exponent and fraction are one integer, so a carry out of the fraction raises the
    # exponent.
    pattern = x.detach().contiguous().view(integer)
    pattern = (pattern + (1 << (dropped - 1))) & ~((1 << dropped) - 1)
    return straight_through(pattern.view(x.dtype), x)


def fixed_point(values: Tensor, bits: int = COEFFICIENT_BITS) -> tuple[Tensor, Tensor]:
    """Write positive numbers as integers of at most ``bits`` bits times one unit, a power of two.

    The largest integer is in 3/4..3/2 of 2^(bits - 1), so it keeps at least bits - 1 significant
    bits; none is below 1. No gradient passes.

    Parameters
    ----------
    values: [J], float32 or float64, the largest of them positive and finite.

    Returns
    -------
    The unit, 0-d, and the integers [J] in the type of ``values``.

    >>> fixed_point(torch.tensor([1.0, 0.4, 0.0]), bits=4)
    (tensor(0.1250), tensor([8., 3., 1.]))
    """
    values = values.detach()
    unit = round_significand(values.amax(), 1) * 2.0 ** (1 - bits)
    return unit, torch.floor(values / unit + 0.5).clamp_min(1)


def mean_where(x: Tensor, kept: Tensor) -> Tensor:
    """Return the mean of ``x`` where ``kept`` (0 or 1 per element) is 1; NaN where it never is.

    A product instead of ``x[kept]``: the same mean, without a gather and its copy.
    """
    return (x * kept).sum() / kept.sum()
