"""TWN: ternary weight networks, the common baseline.

[1] F. Li, B. Zhang, B. Liu, "Ternary weight networks", 2016, arXiv:1605.04711; restated by
[2] W. Xu et al., "Soft threshold ternary networks", IJCAI 2020, eq. 3 and 4, and by
[3] C. Zhu et al., "Trained ternary quantization", ICLR 2017, eq. 2, 4 and 5.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tritforge.quant.methods.base import Decomposition, Ternarizer, checked, method
from tritforge.quant.methods.checks import number
from tritforge.quant.numerics import mean_where, round_significand, straight_through

__all__ = ["TernaryWeight"]


@method("twn")
class TernaryWeight(Ternarizer):
    """Ternarize a weight by a threshold in proportion to its mean magnitude.

    With w the latent weight of a layer:

    - threshold = threshold_factor * mean|w|                        ([2] below eq. 4; [3] eq. 5)
    - alpha = mean of |w| over |w| > threshold                ([2] eq. 4), to 12 significant bits
    - w' = alpha * sign(w) where |w| > threshold, 0 elsewhere       ([2] eq. 3; [3] eq. 4)
    - dL/dw = dL/dw'                                                ([3] eq. 2)

    Parameters
    ----------
    threshold_factor: 0..1, 1 not included. The paper derives 0.7 from the best approximation of a
        normal or uniform weight; about 43 % of the weights become 0.

    >>> TernaryWeight()(torch.tensor([0.5, -0.25, 0.01, 0.0])).tolist()
    [0.375, -0.375, 0.0, 0.0]
    """

    def __init__(self, threshold_factor: float = 0.7) -> None:
        super().__init__()
        self.threshold_factor = number("threshold_factor", threshold_factor, least=0, below=1)

    def extra_repr(self) -> str:
        """Return the options, for printing the model."""
        return f"threshold_factor={self.threshold_factor}"

    def forward(self, latent: Tensor) -> Tensor:
        """Return the ternarized weight; its gradient passes to the latent weight unchanged."""
        trits, scale = self._trits_and_scale(latent)
        return straight_through(scale * trits, latent)

    def scale(self, latent: Tensor) -> Tensor:
        """Return alpha, 0-d."""
        return self._trits_and_scale(latent)[1]

    def decompose(self, latent: Tensor) -> Decomposition:
        """Return one plane with coefficient 1 and the scale alpha."""
        trits, scale = self._trits_and_scale(checked(latent, "TWN finds no threshold in it"))
        return Decomposition(trits.to(torch.int8).unsqueeze(0), (1,), scale)

    def _trits_and_scale(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Return the trits, of the weight's shape and type, and the scale, 0-d."""
        latent = latent.detach()
        magnitude = latent.abs()
        kept = (magnitude > self.threshold_factor * magnitude.mean()).to(latent.dtype)
        return latent.sign() * kept, round_significand(mean_where(magnitude, kept))
