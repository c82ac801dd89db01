"""STTN: soft threshold ternary networks, two binary kernels that add up to a ternary one.

[1] W. Xu, X. He, T. Zhao, Q. Hu, P. Wang, J. Cheng, "Soft threshold ternary networks", IJCAI 2020,
section 3.2.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tritforge.quant.methods.base import Decomposition, Ternarizer, checked, method
from tritforge.quant.methods.checks import flag
from tritforge.quant.numerics import round_significand, straight_through

__all__ = ["SoftThreshold"]


@method("sttn")
class SoftThreshold(Ternarizer):
    """Ternarize a weight without a threshold: as the sum of the signs of two latent kernels.

    The latent weight is [2, *weight.shape]: the kernels w_1 and w_2, of N elements each [1].

    - B_k = sign(w_k), with sign(0) = +1
    - T = B_1 + B_2                                                 (eq. 6)
    - alpha = (sum of |w_1| + sum of |w_2|) / 2N                    (eq. 10)
    - w' = alpha * T, which is -2 alpha, 0 or +2 alpha      (eq. 7); 2 alpha to 12 significant bits
    - dL/dw_1i = B_1i / 2N * sum_j dL/dw'_j * T_j + alpha * dL/dw'_i where |w_1i| <= 1, and the same
      with w_2 (eq. 13)

    As printed, the sum of eq. 13 over j and k also covers its last term. Only the term of the
    weight's own sign depends on w, as in eq. 11, so only that term is used here.

    The first kernel starts at the float weight, the second at a random permutation of its elements:
    two draws of one distribution. Equal kernels would stay equal and never give a zero.

    Parameters
    ----------
    per_channel: whether each output channel has its own alpha, N being the size of one channel. The
        paper has one alpha for a layer. The scores of a network need one for all.

    >>> kernels = torch.tensor([[0.5, -0.25, 0.5], [0.25, -0.5, -1.0]])
    >>> SoftThreshold()(kernels).tolist()
    [1.0, -1.0, 0.0]
    """

    def __init__(self, per_channel: bool = False) -> None:
        super().__init__()
        self.per_channel = flag("per_channel", per_channel)

    def extra_repr(self) -> str:
        """Return the options, for printing the model."""
        return f"per_channel={self.per_channel}"

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Return the two kernels [2, *weight.shape]."""
        checked(weight, "STTN finds no scale in it")
        weight = weight.detach()
        order = torch.randperm(weight.numel(), device=weight.device)
        return torch.stack([weight, weight.flatten()[order].reshape(weight.shape)])

    def forward(self, latent: Tensor) -> Tensor:
        """Return the ternarized weight (eq. 7) in the shape of a kernel; its gradient is eq. 13."""
        signs = _signs(latent)
        passed = latent * (latent.detach().abs() <= 1)  # the estimator below eq. 11
        halved = straight_through(signs, passed).sum(0) / 2
        return _broadcast(self._doubled_alpha(latent, signs), halved) * halved

    def scale(self, latent: Tensor) -> Tensor:
        """Return 2 alpha (eq. 10): 0-d, or [O] if per channel."""
        return self._doubled_alpha(latent.detach(), _signs(latent))

    def decompose(self, latent: Tensor) -> Decomposition:
        """Return one plane, (B_1 + B_2) / 2, with coefficient 1 and the scale 2 alpha.

        Raises
        ------
        ValueError: as of every method; or the kernels of a channel that has its own alpha are all
            zero.
        """
        exact = checked(latent, "STTN finds no scale in it")
        scale = self.scale(exact)
        if not (scale > 0).all():
            channel = int((scale <= 0).int().argmax())
            raise ValueError(
                f"both kernels of channel {channel} are all zero: STTN finds no scale in them"
            )
        plane = _signs(exact).sum(0) / 2
        return Decomposition(plane.to(torch.int8).unsqueeze(0), (1,), scale)

    def _doubled_alpha(self, latent: Tensor, signs: Tensor) -> Tensor:
        """Return 2 alpha, rounded; its gradient goes to the latent weight."""
        magnitude = latent * signs  # |w|, with a gradient of +1 at 0
        alpha = (
            magnitude.transpose(0, 1).flatten(1).mean(1) if self.per_channel else magnitude.mean()
        )
        return round_significand(2 * alpha)


def _signs(latent: Tensor) -> Tensor:
    """Return -1 where the latent weight is negative and +1 elsewhere, in its type; no gradient."""
    return 1 - 2 * (latent.detach() < 0).to(latent.dtype)


def _broadcast(scale: Tensor, like: Tensor) -> Tensor:
    """Return a scale, 0-d or [O], in a shape that multiplies a weight [O, ...]."""
    return scale.reshape(-1, *[1] * (like.ndim - 1)) if scale.ndim else scale
