"""TGA: a trained threshold, by the truncated Gaussian approximation of He and Fan.

[1] Z. He, D. Fan, "Simultaneously optimizing weight and quantizer of ternary neural network using
truncated Gaussian approximation", CVPR 2019, section 3.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from tritforge.quant.methods.base import Decomposition, Ternarizer, checked, method
from tritforge.quant.methods.checks import flag, number
from tritforge.quant.numerics import round_significand, straight_through

__all__ = ["TruncatedGaussian"]


@method("tga")
class TruncatedGaussian(Ternarizer):
    """Ternarize a weight by a learned threshold; the scale is the mean of a Gaussian beyond it.

    With w the latent weight of a layer, mu and sigma its mean and standard deviation (without a
    gradient) and delta the learned threshold [1]:

    - delta_c = |delta|, clipped to clip_lowest..clip_highest times sigma           (eq. 8 and 9)
    - S = mu + sigma * phi(z) / (1 - Phi(z)) with z = delta_c / sigma                   (eq. 10),
      phi and Phi the standard normal density and distribution; to 12 significant bits
    - w' = S where w > mu + delta_c, -S where w < mu - delta_c, 0 elsewhere         (eq. 2 and 11)
    - dL/dw = dL/dw', the gradient correctness (eq. 14 and 15); without it S times that
    - dL/ddelta through S alone: dS/ddelta_c = r * (r - z) with r = phi(z) / (1 - Phi(z))

    Algorithm 1 moves delta and w in two passes over each batch: first every delta by plain SGD
    without weight decay (``thresholds``), then, with the new ternary weights, everything else.
    ``tritforge.quant.training.loop`` does so, and after the first pass brings delta back into its
    range (``settle``). Adam on delta turns the noise of its small gradient into full steps and
    ruins it ([1, table 1]: 56 % instead of 90 %).

    Parameters
    ----------
    initial_factor: delta starts at this share of max|w|, 0..1, 0 not included. The paper tries
        0.05, 0.1 and 0.15 (section 4.2.3) and takes 0.1 (section 4.3).
    gradient_correctness: whether eq. 15 is in force.
    clip_lowest, clip_highest: bounds of delta in sigma. The paper has 0 and 3; 0.05 and 1.5 keep
        the threshold of a layer from diverging where no batch norm follows.
    gradient_limit: largest magnitude of the gradient of delta, 1e-3 is advisable; None, the paper's
        rule, sets none. It matters for layers that no batch norm follows, such as the last:
        elsewhere the scale has little effect and the gradient is orders of magnitude smaller.

    Raises
    ------
    TypeError: an option has another type.
    ValueError: an option is out of range.
    """

    def __init__(
        self,
        initial_factor: float = 0.1,
        gradient_correctness: bool = True,
        clip_lowest: float = 0.0,
        clip_highest: float = 3.0,
        gradient_limit: float | None = None,
    ) -> None:
        super().__init__()
        self.initial_factor = number("initial_factor", initial_factor, above=0, below=1)
        self.gradient_correctness = flag("gradient_correctness", gradient_correctness)
        self.clip_lowest = number("clip_lowest", clip_lowest, least=0, below=3)
        self.clip_highest = number("clip_highest", clip_highest, above=self.clip_lowest, most=3)
        if gradient_limit is not None:
            gradient_limit = number("gradient_limit", gradient_limit, above=0)
        self.gradient_limit = gradient_limit
        self.delta = nn.Parameter(torch.ones(()))

    def extra_repr(self) -> str:
        """Return the options, for printing the model."""
        return (
            f"initial_factor={self.initial_factor}, "
            f"gradient_correctness={self.gradient_correctness}, clip_lowest={self.clip_lowest}, "
            f"clip_highest={self.clip_highest}, gradient_limit={self.gradient_limit}"
        )

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Return the weight unchanged; delta starts at ``initial_factor`` of its largest magnitude.

        Raises
        ------
        ValueError: the weight is constant, all zero or not finite.
        """
        _checked(weight)
        self.delta.data = self.initial_factor * weight.detach().abs().amax()
        return weight

    def thresholds(self) -> list[nn.Parameter]:
        """Return delta, which a pass of its own moves (Algorithm 1, step 3)."""
        return [self.delta]

    def limited(self, gradient: Tensor) -> Tensor:
        """Return the gradient of delta within ``gradient_limit``."""
        limit = self.gradient_limit
        return gradient if limit is None else gradient.clamp(-limit, limit)

    def settle(self, latent: Tensor) -> None:
        """Clip delta itself: beyond its range it has no gradient (eq. 8) and could not return."""
        with torch.no_grad():
            self.delta.copy_(self._delta_clipped(latent.detach().std()))

    def forward(self, latent: Tensor) -> Tensor:
        """Return the ternarized weight (eq. 2), with the gradients of eq. 14 and, for delta, 10."""
        trits, scale = self._trits_and_scale(latent.detach())
        passed = latent - latent.detach()  # exactly zero; carries the gradient
        return scale * trits + (passed if self.gradient_correctness else scale.detach() * passed)

    def scale(self, latent: Tensor) -> Tensor:
        """Return S (eq. 10), 0-d."""
        return self._trits_and_scale(latent.detach())[1].detach()

    def decompose(self, latent: Tensor) -> Decomposition:
        """Return one plane, Tern(w), with coefficient 1 and the scale S.

        Raises
        ------
        ValueError: the weight is all zero, constant or not finite, delta is not finite, or S is not
            positive because the mean is far below 0.
        """
        exact = _checked(latent)
        trits, scale = self._trits_and_scale(exact)
        if not self.delta.isfinite():
            raise ValueError(f"delta must be finite, not {float(self.delta.detach())}")
        if not scale > 0:
            raise ValueError(
                f"the scale S must be positive, not {float(scale.detach())}: the mean of the "
                f"weight of shape {list(latent.shape)} is too far below 0"
            )
        return Decomposition(trits.to(torch.int8).unsqueeze(0), (1,), scale.detach())

    def _delta_clipped(self, sigma: Tensor) -> Tensor:
        """Return delta_c (eq. 9)."""
        return self.delta.abs().clamp(self.clip_lowest * sigma, self.clip_highest * sigma)

    def _trits_and_scale(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Return the trits, of the weight's shape and type, and S, 0-d, differentiable by delta."""
        mu, sigma = latent.mean(), latent.std()
        delta = self._delta_clipped(sigma)
        z = delta / sigma
        density = torch.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        tail = torch.erfc(z / math.sqrt(2)) / 2  # 1 - Phi(z), without its cancellation
        exact = mu + sigma * density / tail  # eq. 10
        above, below = latent > (mu + delta).detach(), latent < (mu - delta).detach()
        return above.to(latent.dtype) - below.to(latent.dtype), straight_through(
            round_significand(exact), exact
        )


def _checked(weight: Tensor) -> Tensor:
    """Return the weight in float64 if it has a spread."""
    exact = checked(weight, "TGA finds no threshold in it")
    if exact.numel() < 2 or bool((exact == exact.flatten()[0]).all()):
        raise ValueError(
            f"the weight of shape {list(weight.shape)} is constant: TGA finds no spread in it"
        )
    return exact
