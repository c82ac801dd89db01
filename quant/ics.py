"""ICS: iteratively calculated scaling, the ternarization of He, Gong and Fan.

[1] Z. He, B. Gong, D. Fan, "Optimize deep convolutional neural network with ternarized weights and
high accuracy", WACV 2019, section III-A.
"""

from __future__ import annotations

import torch
from torch import Tensor

from quant.numerics import mean_where, round_significand
from quant.options import flag, number
from quant.ternarizer import Decomposition, Ternarizer, checked, method

__all__ = ["IterativeScaling"]


@method("ics")
class IterativeScaling(Ternarizer):
    """Ternarize a weight by a threshold and a scale recomputed from the latent weight at every step.

    With w the latent weight of a layer and beta the threshold factor [1]:

    - threshold = beta * max|w|                                     (section III-A, below eq. 2)
    - alpha = mean of |w| over |w| >= threshold                     (eq. 2), to 12 significant bits
    - w' = alpha * sign(w) where |w| >= threshold, 0 elsewhere      (eq. 1)
    - dL/dw = dL/dw' where |w| <= 1, 0 elsewhere                    (eq. 4)

    The rounding of alpha is not in the paper: it makes float64 evaluation exact (quant.numerics).

    Parameters
    ----------
    threshold_factor: beta, 0 < beta < 1. The paper uses 0.05; larger gives more zeros.
    clip_gradient: whether to apply the cut of eq. 4. With it a weight beyond 1 never moves again, and
        the largest one then pins the threshold; False passes every gradient.

    >>> weight = torch.tensor([0.5, -0.25, 0.01, 0.0])
    >>> IterativeScaling(threshold_factor=0.05)(weight).tolist()
    [0.375, -0.375, 0.0, 0.0]
    """

    def __init__(self, threshold_factor: float = 0.05, clip_gradient: bool = True) -> None:
        super().__init__()
        self.threshold_factor = number("threshold_factor", threshold_factor, above=0, below=1)
        self.clip_gradient = flag("clip_gradient", clip_gradient)

    def extra_repr(self) -> str:
        """Return the options, for printing the model."""
        return f"threshold_factor={self.threshold_factor}, clip_gradient={self.clip_gradient}"

    def forward(self, latent: Tensor) -> Tensor:
        """Return the ternarized weight (eq. 1), with the gradient of eq. 4."""
        trits, scale = self._trits_and_scale(latent)
        passed = latent - latent.detach()  # exactly zero; carries the gradient
        if self.clip_gradient:
            passed = passed * (latent.detach().abs() <= 1)
        return scale * trits + passed

    def scale(self, latent: Tensor) -> Tensor:
        """Return alpha (eq. 2), 0-d."""
        return self._trits_and_scale(latent)[1]

    def decompose(self, latent: Tensor) -> Decomposition:
        """Return one plane, Tern(w), with coefficient 1 and the scale alpha."""
        trits, scale = self._trits_and_scale(checked(latent, "ICS finds no threshold in it"))
        return Decomposition(trits.to(torch.int8).unsqueeze(0), (1,), scale)

    def _trits_and_scale(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Return the trits, of the weight's shape and type, and the scale, 0-d."""
        latent = latent.detach()
        magnitude = latent.abs()
        kept = (magnitude >= self.threshold_factor * magnitude.amax()).to(latent.dtype)
        alpha = mean_where(magnitude, kept)  # eq. 2
        return latent.sign() * kept, round_significand(alpha)
