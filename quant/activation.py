"""Quantized activations: unsigned and signed integers with a learned step, and ternary ones."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from tritforge.quant.numerics import round_significand, scale_gradient, straight_through

__all__ = ["MAX_BITS", "Quantizer", "SignedQuantizer", "TernaryActivation", "UnsignedQuantizer"]

MAX_BITS = 16
"""Widest activation: exactness needs scale, step and accumulator to fit 53 bits together."""

_SMALLEST_STEP = 2.0**-16


class Quantizer(nn.Module, ABC):
    """An activation whose values are a step times an integer code, the same for every channel.

    In the hardware it is a row of thresholds: the code must not fall when the input rises.
    """

    bits: int
    """Width of a code, in bits."""

    signed: bool
    """Whether a code is two's complement."""

    @property
    @abstractmethod
    def minimum(self) -> int:
        """Smallest code."""

    @property
    @abstractmethod
    def maximum(self) -> int:
        """Largest code."""

    @abstractmethod
    def effective_step(self) -> Tensor:
        """Return the real value of code 1: 0-d, positive, 12 significant bits."""

    @abstractmethod
    def codes(self, x: Tensor) -> Tensor:
        """Return the code of every element of ``x``, of its shape and type: minimum..maximum."""


class _Stepped(Quantizer):
    """Common part of the quantizers with a step, ``UnsignedQuantizer`` and ``SignedQuantizer``."""

    step: Tensor

    def __init__(
        self, bits: int, step: float | None, learned: bool, shared: _Stepped | None = None
    ) -> None:
        super().__init__()
        lowest_bits = 2 if self.signed else 1
        if isinstance(bits, bool) or not isinstance(bits, int):
            raise TypeError(f"bits must be an int, not {bits!r}")
        if not lowest_bits <= bits <= MAX_BITS:
            raise ValueError(f"bits must be in {lowest_bits}..{MAX_BITS}, not {bits!r}")
        self.bits = bits
        if shared is not None:
            self.step = shared.step
            return
        start = self._default_step() if step is None else step
        if isinstance(start, bool) or not isinstance(start, (int, float)):
            raise TypeError(f"step must be a number, not {step!r}")
        if not (start >= _SMALLEST_STEP and math.isfinite(start)):
            raise ValueError(f"step must be finite and at least {_SMALLEST_STEP}, not {step!r}")
        if not isinstance(learned, bool):
            raise TypeError(f"learned must be a bool, not {learned!r}")
        if learned:
            self.step = nn.Parameter(torch.tensor(float(start)))
        else:
            self.register_buffer("step", torch.tensor(float(start)))

    @abstractmethod
    def _default_step(self) -> float:
        """Return the step to start from if none is given."""

    @property
    def learned(self) -> bool:
        """Whether training moves the step."""
        return isinstance(self.step, nn.Parameter)

    def extra_repr(self) -> str:
        """Return what distinguishes this quantizer when the model is printed."""
        return f"bits={self.bits}, learned={self.learned}"

    def effective_step(self) -> Tensor:
        """Return the step in use: 0-d, positive, 12 significant bits.

        The gradient goes to ``step``.
        """
        positive = self.step.detach().clamp_min(_SMALLEST_STEP)
        return straight_through(round_significand(positive), self.step)

    def codes(self, x: Tensor) -> Tensor:
        """Return the code of every element of ``x``, of its shape and type: minimum..maximum."""
        return _codes(x, self.effective_step(), self.minimum, self.maximum)

    def forward(self, x: Tensor) -> Tensor:
        """Return step * codes, of the shape and type of ``x``."""
        step = self.effective_step()
        if self.learned:
            step = scale_gradient(step, 1 / math.sqrt(max(1, x[:1].numel()) * self.maximum))
        quantized: Tensor = _Quantize.apply(x, step, self.minimum, self.maximum)  # type: ignore[no-untyped-call]
        return quantized


class _Quantize(torch.autograd.Function):
    """step * floor(clamp(x / step, lowest, highest) + 1/2), with the gradients of LSQ.

    One function instead of a dozen, because on the CPU activations are bound by memory: of what it
    computes only the codes are saved for the gradients.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, step: Tensor, lowest: int, highest: int) -> Tensor:
        """Return the quantized values, of the shape and type of ``x``."""
        codes = _codes(x, step, lowest, highest)
        ctx.save_for_backward(x, step, codes)
        ctx.range = lowest, highest
        return step * codes

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, None, None]:
        """Return the gradients of ``x`` (inside the clamp alone) and of the step."""
        (gradient,) = gradients
        x, step, codes = ctx.saved_tensors
        lowest, highest = ctx.range
        ratio = x / step
        inside = (gradient * step).mul_((ratio >= lowest) & (ratio <= highest))
        of_step = None
        if ctx.needs_input_grad[1]:
            of_step = (gradient * codes).sum(dtype=step.dtype)
            of_step = of_step - ratio.div_(step).mul_(inside).sum(dtype=step.dtype)
        return inside.div_(step), of_step, None, None


def _codes(x: Tensor, step: Tensor, lowest: int, highest: int) -> Tensor:
    """Return the code of every element of ``x``, in its type; no gradient."""
    return (x.detach() / step.detach()).clamp_(lowest, highest).add_(0.5).floor_()


class UnsignedQuantizer(_Stepped):
    """Quantize to unsigned codes: step * floor(clamp(x / step, 0, 2^bits - 1) + 1/2).

    Negative inputs give 0, so no ReLU is needed before it. The gradient of ``x`` passes where
    0 <= x / step <= 2^bits - 1 and is 0 elsewhere. The gradient of the step is that of LSQ [1]: per
    element, code - x / step inside the clamp and the code outside, times 1 / sqrt(N * (2^bits - 1))
    with N the number of elements of one sample.

    Parameters
    ----------
    bits: width of a code in bits, 1..16.
    step: size of one level, in units of x, at the start of training; positive. None: the range is
        [0, 2], which suits the output of a batch norm.
    learned: whether training moves the step. If not, the step is a buffer and never changes.

    [1] S. K. Esser et al., "Learned step size quantization", ICLR 2020, eq. 1-3 and section 2.2.

    Raises
    ------
    TypeError: ``bits`` is no int, ``step`` no number or ``learned`` no bool.
    ValueError: ``bits`` is out of range, or ``step`` is not positive and finite.

    >>> UnsignedQuantizer(2, step=0.5)(torch.tensor([-1.0, 0.2, 0.25, 0.8, 9.0])).tolist()
    [0.0, 0.0, 0.5, 1.0, 1.5]
    """

    signed = False

    def __init__(self, bits: int, step: float | None = None, learned: bool = True) -> None:
        super().__init__(bits, step, learned)

    def _default_step(self) -> float:
        return 2 / self.maximum

    @property
    def minimum(self) -> int:
        """Smallest code: 0."""
        return 0

    @property
    def maximum(self) -> int:
        """Largest code: 2^bits - 1."""
        return (1 << self.bits) - 1


class SignedQuantizer(_Stepped):
    """Quantize to signed codes: step * floor(clamp(x / step, -h, h - 1) + 1/2).

    h = 2^(bits - 1).

    For the branches that a residual network adds: quantizers that share one step give integers of
    one unit, so their sum is exact. The gradients are those of ``UnsignedQuantizer``; the factor
    of the step's has h - 1 in place of 2^bits - 1.

    Parameters
    ----------
    bits: width of a code in bits, 2..16.
    step: as of ``UnsignedQuantizer``; None: the range is [-2, 2).
    learned: whether training moves the step.
    shared: a quantizer whose step is this one's too, the same parameter; ``step`` and ``learned``
        are then not used.

    Raises
    ------
    TypeError: ``bits`` is no int, ``step`` no number or ``learned`` no bool.
    ValueError: ``bits`` is out of range, or ``step`` is not positive and finite.

    >>> first = SignedQuantizer(3, step=0.5)
    >>> second = SignedQuantizer(3, shared=first)
    >>> (first(torch.tensor([-9.0, -0.25, 0.3])) + second(torch.tensor([-0.3, 9.0, 0.6]))).tolist()
    [-2.5, 1.5, 1.0]
    """

    signed = True

    def __init__(
        self,
        bits: int,
        step: float | None = None,
        learned: bool = True,
        shared: SignedQuantizer | None = None,
    ) -> None:
        super().__init__(bits, step, learned, shared)

    def _default_step(self) -> float:
        return 2 / -self.minimum

    @property
    def minimum(self) -> int:
        """Smallest code: -2^(bits-1)."""
        return -(1 << (self.bits - 1))

    @property
    def maximum(self) -> int:
        """Largest code: 2^(bits-1) - 1."""
        return (1 << (self.bits - 1)) - 1


class TernaryActivation(Quantizer):
    """Quantize to +1 where x > 1/2, -1 where x < -1/2, and 0 elsewhere (eq. 14 of STTN [1]).

    The gradient of ``x`` passes where |x| <= 1 and is 0 elsewhere. Both bounds are strict on the
    side of 0, so in the integers of the hardware one is a strict and the other a non-strict
    comparison.

    [1] Z. Xu et al., "Soft threshold ternary networks", IJCAI 2020, section 3.3.

    >>> TernaryActivation()(torch.tensor([-0.6, -0.5, 0.5, 0.7])).tolist()
    [-1.0, 0.0, 0.0, 1.0]
    """

    bits = 2
    signed = True

    @property
    def minimum(self) -> int:
        """Smallest code: -1."""
        return -1

    @property
    def maximum(self) -> int:
        """Largest code: 1."""
        return 1

    def effective_step(self) -> Tensor:
        """Return 1, 0-d."""
        return torch.ones(())

    def codes(self, x: Tensor) -> Tensor:
        """Return -1, 0 or +1 for every element, in the type of ``x``."""
        fixed = x.detach()
        return (fixed > 0.5).to(x.dtype) - (fixed < -0.5).to(x.dtype)

    def forward(self, x: Tensor) -> Tensor:
        """Return the codes, with the straight-through gradient."""
        return straight_through(self.codes(x), x.clamp(-1, 1))
