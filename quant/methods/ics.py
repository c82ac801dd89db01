"""ICS, iteratively calculated scaling, with residual expansion (REL): He, Gong and Fan.

[1] Z. He, B. Gong, D. Fan, "Optimize deep convolutional neural network with ternarized weights and
high accuracy", WACV 2019, section III.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tritforge.quant.methods.base import Decomposition, Ternarizer, checked, method
from tritforge.quant.methods.checks import flag, integer, number
from tritforge.quant.numerics import fixed_point, mean_where, round_significand

__all__ = ["IterativeScaling"]


@method("ics")
class IterativeScaling(Ternarizer):
    """Ternarize a weight by a threshold and a scale that follow from the latent weight.

    Both are recomputed at every step.

    With w the latent weight of a layer and beta the threshold factor [1]:

    - threshold = beta * max|w|                                     (section III-A, below eq. 2)
    - alpha = mean of |w| over |w| >= threshold                     (eq. 2), to 12 significant bits
    - w' = alpha * sign(w) where |w| >= threshold, 0 elsewhere      (eq. 1)
    - dL/dw = dL/dw' where |w| <= 1, 0 elsewhere                    (eq. 4)

    With an expansion t above 1 (REL, section III-B) the layer is the sum of t such layers of the
    same w, each with its own beta and alpha (eq. 5). Each passes its gradient to w, so dL/dw is t
    times eq. 4. The alphas are then whole numbers of one unit, a power of two, of at most 8 bits
    (``tritforge.quant.numerics.fixed_point``): t planes with t integer coefficients.

    The rounding of alpha is not in the paper: it makes float64 evaluation exact
    (tritforge.quant.numerics).

    Parameters
    ----------
    threshold_factor: beta, 0 < beta < 1. The paper uses 0.05; larger gives more zeros.
    clip_gradient: whether to apply the cut of eq. 4. With it a weight beyond 1 never moves again,
        and the largest one then pins the threshold; False passes every gradient.
    expansion: t, 1..8. The paper uses 1, 2 and 4.
    expansion_factors: the betas of planes 2..t. None: 2, 3, .. t times ``threshold_factor``, in the
        paper 0.10, 0.15, 0.20.

    Raises
    ------
    TypeError: an option has another type.
    ValueError: an option is out of range, or not t - 1 ``expansion_factors``.

    >>> weight = torch.tensor([0.5, -0.25, 0.01, 0.0])
    >>> IterativeScaling(threshold_factor=0.05)(weight).tolist()
    [0.375, -0.375, 0.0, 0.0]
    >>> IterativeScaling(expansion=2, expansion_factors=(0.6,))(weight).tolist()
    [0.875, -0.375, 0.0, 0.0]
    """

    def __init__(
        self,
        threshold_factor: float = 0.05,
        clip_gradient: bool = True,
        expansion: int = 1,
        expansion_factors: tuple[float, ...] | None = None,
    ) -> None:
        super().__init__()
        first = number("threshold_factor", threshold_factor, above=0, below=1)
        self.clip_gradient = flag("clip_gradient", clip_gradient)
        integer("expansion", expansion, 1, 8)
        if expansion_factors is None:
            # rounded, so that 3 * 0.05 is 0.15
            expansion_factors = tuple(round(first * plane, 12) for plane in range(2, expansion + 1))
        if len(expansion_factors) != expansion - 1:
            raise ValueError(
                f"expansion_factors must be {expansion - 1} numbers, one for each plane after the "
                f"first, not {expansion_factors!r}"
            )
        added = [
            number("expansion_factors", factor, above=0, below=1) for factor in expansion_factors
        ]
        self.threshold_factors = (first, *added)

    def extra_repr(self) -> str:
        """Return the options, for printing the model."""
        first, *added = self.threshold_factors
        expanded = f", expansion={1 + len(added)}, expansion_factors={added}" if added else ""
        return f"threshold_factor={first}, clip_gradient={self.clip_gradient}{expanded}"

    def forward(self, latent: Tensor) -> Tensor:
        """Return the ternarized weight (eq. 1, 5), with the gradient of eq. 4 for each plane."""
        planes, coefficients, scale = self._parts(latent)
        passed = latent - latent.detach()  # exactly zero; carries the gradient
        if self.clip_gradient:
            passed = passed * (latent.detach().abs() <= 1)
        if len(planes) == 1:  # not tensordot, which would copy
            return scale * planes[0] + passed
        integers: Tensor = torch.tensordot(coefficients, planes, dims=1)
        return scale * integers + len(planes) * passed

    def scale(self, latent: Tensor) -> Tensor:
        """Return alpha (eq. 2), or with an expansion the unit of all alphas; 0-d."""
        return self._parts(latent)[2]

    def decompose(self, latent: Tensor) -> Decomposition:
        """Return one plane, Tern(w), with coefficient 1 and scale alpha; or one for each beta.

        Raises
        ------
        ValueError: the latent weight is all zero or not finite.
        """
        planes, coefficients, scale = self._parts(checked(latent, "ICS finds no threshold in it"))
        return Decomposition(
            planes.to(torch.int8), tuple(int(c) for c in coefficients.tolist()), scale
        )

    def _parts(self, latent: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return planes [t, *shape] and coefficients [t] in the weight's type; the scale, 0-d."""
        latent = latent.detach()
        magnitude, signs = latent.abs(), latent.sign()
        largest = magnitude.amax()
        kept = [
            (magnitude >= factor * largest).to(latent.dtype) for factor in self.threshold_factors
        ]
        alphas = torch.stack([mean_where(magnitude, k) for k in kept])  # [t]; eq. 2
        if len(kept) == 1:
            return (
                (signs * kept[0]).unsqueeze(0),
                torch.ones_like(alphas),
                round_significand(alphas[0]),
            )
        scale, coefficients = fixed_point(alphas)
        return torch.stack([signs * k for k in kept]), coefficients, scale
