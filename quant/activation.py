"""Quantized activations: a few unsigned bits with a learned step."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from quant.numerics import round_half_up, round_significand, scale_gradient, straight_through

__all__ = ["MAX_BITS", "UnsignedQuantizer"]

MAX_BITS = 16
"""Widest activation: exactness needs scale, step and accumulator to fit 53 bits together."""

_SMALLEST_STEP = 2.0**-16


class UnsignedQuantizer(nn.Module):
    """Quantize to ``bits`` unsigned bits: value = step * floor(clamp(x / step, 0, 2^bits - 1) + 1/2).

    Negative inputs give 0, so no ReLU is needed before it. The gradient of ``x`` passes where
    0 <= x / step <= 2^bits - 1 and is 0 elsewhere. The gradient of the step is that of LSQ [1]: per
    element, code - x / step inside the clamp and the code outside, times 1 / sqrt(N * (2^bits - 1))
    with N the number of elements of one sample.

    Parameters
    ----------
    bits: width of a code in bits, 1..16.
    step: size of one level, in units of x, at the start of training; positive. None: the range is [0, 2],
        which suits the output of a batch norm.
    learned: whether training moves the step. If not, the step is a buffer and never changes.

    [1] S. K. Esser et al., "Learned step size quantization", ICLR 2020, eq. 1-3 and section 2.2.

    >>> UnsignedQuantizer(2, step=0.5)(torch.tensor([-1.0, 0.2, 0.25, 0.8, 9.0])).tolist()
    [0.0, 0.0, 0.5, 1.0, 1.5]
    """

    step: Tensor

    def __init__(self, bits: int, step: float | None = None, learned: bool = True) -> None:
        super().__init__()
        if isinstance(bits, bool) or not isinstance(bits, int):
            raise TypeError(f"bits must be an int, not {bits!r}")
        if not 1 <= bits <= MAX_BITS:
            raise ValueError(f"bits must be in 1..{MAX_BITS}, not {bits!r}")
        self.bits = bits
        start = 2 / self.qmax if step is None else step
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

    @property
    def qmax(self) -> int:
        """Largest code."""
        return (1 << self.bits) - 1

    @property
    def learned(self) -> bool:
        """Whether training moves the step."""
        return isinstance(self.step, nn.Parameter)

    def extra_repr(self) -> str:
        """Return what distinguishes this quantizer when the model is printed."""
        return f"bits={self.bits}, learned={self.learned}"

    def effective_step(self) -> Tensor:
        """Return the step in use: 0-d, positive, 12 significant bits; the gradient goes to ``step``."""
        positive = self.step.detach().clamp_min(_SMALLEST_STEP)
        return straight_through(round_significand(positive), self.step)

    def codes(self, x: Tensor) -> Tensor:
        """Return the code of every element of ``x``: integers 0..qmax in the type of ``x``."""
        return self._codes(x, self.effective_step())

    def forward(self, x: Tensor) -> Tensor:
        """Return step * codes, of the shape and type of ``x``."""
        step = self.effective_step()
        if self.learned:
            step = scale_gradient(step, 1 / math.sqrt(max(1, x[:1].numel()) * self.qmax))
        return step * self._codes(x, step)

    def _codes(self, x: Tensor, step: Tensor) -> Tensor:
        return round_half_up((x / step).clamp(0, self.qmax))
