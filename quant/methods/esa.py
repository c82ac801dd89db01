"""ESA, "embarrassingly simple approach": ternary weights by a regularizer on tanh.

[1] X. Deng, Z. Zhang, "An embarrassingly simple approach to training ternary weight networks",
2020.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor

from tritforge.quant.methods.base import Decomposition, Ternarizer, checked, method
from tritforge.quant.methods.checks import flag, integer, number
from tritforge.quant.numerics import straight_through

__all__ = ["TanhWeight", "discretization"]

_HALF = math.log(3) / 2
"""atanh(1/2): tanh rounds to +-1 from here on."""

_ZERO_UP_TO = math.floor(_HALF * 2**24) / 2**24
"""The largest number of float32 whose tanh rounds to 0, so that float32 and float64 cut alike."""


def discretization(weight: Tensor, alpha: float | Tensor, mean: bool = True) -> Tensor:
    """Return the weight discretization regularizer of one layer, 0-d.

    The sum of (alpha - W^2) * W^2 over the elements of W = tanh(theta) (eq. 4), or the mean of
    them. For alpha in 0..2 its lowest points are at -1, 0 and +1; those within sqrt(alpha / 2) of 0
    go there (theorem 3), so a larger alpha gives more zeros.

    >>> discretization(torch.tensor([0.5, 1.0]), alpha=0.5, mean=False).item()
    -0.4375
    """
    square = weight * weight
    terms = (alpha - square) * square
    return terms.mean() if mean else terms.sum()


@method("esa")
class TanhWeight(Ternarizer):
    """Train W = tanh(theta) under a regularizer toward -1, 0, +1; evaluate with W rounded.

    With theta the latent weight of a layer [1]:

    - in training w' = tanh(theta), with its true gradient          (eq. 2)
    - in evaluation w' = round(tanh(theta)), without a scale        (eq. 6)
    - the loss grows by strength * R(w') of each layer              (eq. 4 and 5; ``penalty``)

    Measure accuracy with the rounded weights only: that of the soft ones says nothing about it.

    Parameters
    ----------
    alpha: of the regularizer, 0..2, more gives more zeros. At 0.5 its
        maximum is where rounding changes from 0 to 1.
    strength: lambda of eq. 5, at least 0.
    mean: whether R is the mean over a layer instead of the paper's sum, which starves small layers.
    ramp: share of the training over which lambda rises from 0, 0..1; one that is strong from the
        start freezes the random pattern.
    raise_at, raise_by: the paper's schedule on large sets: from each of these shares of the
        training on, in ascending order, lambda is multiplied by the factor of the same place. Its
        ResNet-18 has 1e-9 at first, times 1e2 at epoch 50 of 90 and times 10 at epoch 70.
    harden: share of the training from which on the forward pass rounds the weights, with the
        gradient of tanh(theta), so that all other parameters adapt to the rounding; 0..1. None is
        the paper's rule: weights are rounded at the end, and those that have not converged by
        then cost accuracy.
    sparsity: share of zeros in each layer, 0..1, neither included: theta is multiplied by the
        factor with which this share of a layer rounds to 0, computed in each step and without a
        gradient of its own. With alpha 0.5 that is the share in the basin of 0 too (theorem 3).
        None is the paper's rule.
    least_in_row: with ``sparsity``, least number of nonzero weights of a row, on average; 0 for
        no limit. Of a 5 x 5 kernel of one channel 90 % zeros would leave 2.5. Not the paper's.
    normalized: whether w' is multiplied by the power of two next to one over the root of a row's
        length. Before a batch norm that changes nothing; scores, whose layer has none, stay in the
        range of a softmax. The paper has no scale.
    initial_spread: the root mean square of tanh(theta) to start from, above 0 and below 1: the
        float weight is stretched by one factor. None starts at theta = weight, the paper's rule,
        from which usual initial values all collapse to 0.

    The paper's MNIST run is alpha 1e-4, strength 1e-7, mean off, ramp 0, no initial_spread, 200
    epochs. The defaults are what trains within a few; the learning rate should be ten times the
    usual one.

    Raises
    ------
    TypeError: an option has another type.
    ValueError: an option is out of range, or ``least_in_row`` is given without ``sparsity``.

    >>> ternarizer = TanhWeight().eval()
    >>> ternarizer(torch.tensor([-2.0, 0.5, 0.6])).tolist()
    [-1.0, 0.0, 1.0]
    """

    def __init__(
        self,
        alpha: float = 0.5,
        strength: float = 10.0,
        mean: bool = True,
        ramp: float = 0.8,
        initial_spread: float | None = 0.5,
        raise_at: tuple[float, ...] = (),
        raise_by: tuple[float, ...] = (),
        harden: float | None = None,
        sparsity: float | None = None,
        normalized: bool = False,
        least_in_row: int = 0,
    ) -> None:
        super().__init__()
        self.alpha = number("alpha", alpha, least=0, most=2)
        self.strength = number("strength", strength, least=0)
        self.mean = flag("mean", mean)
        self.ramp = number("ramp", ramp, least=0, most=1)
        if initial_spread is not None:
            initial_spread = number("initial_spread", initial_spread, above=0, below=1)
        self.initial_spread = initial_spread
        if harden is not None:
            harden = number("harden", harden, least=0, most=1)
        self.harden = harden
        if len(raise_at) != len(raise_by):
            raise ValueError(
                f"raise_at and raise_by must be equally many numbers, not {raise_at!r} and "
                f"{raise_by!r}"
            )
        self.raised = tuple(
            (number("raise_at", share, above=0, below=1), number("raise_by", factor, above=0))
            for share, factor in zip(raise_at, raise_by, strict=True)
        )
        if any(later <= earlier for (earlier, _), (later, _) in pairwise(self.raised)):
            raise ValueError(f"raise_at must ascend, not {raise_at!r}")
        if sparsity is not None:
            sparsity = number("sparsity", sparsity, above=0, below=1)
        self.sparsity = sparsity
        self.normalized = flag("normalized", normalized)
        self.least_in_row = integer("least_in_row", least_in_row, 0)
        if least_in_row and sparsity is None:
            raise ValueError(f"least_in_row belongs to sparsity: {least_in_row!r} without it")
        self._hard = False
        self._of_step: tuple[Tensor, Tensor] | None = None

    def extra_repr(self) -> str:
        """Return the options, for printing the model."""
        return (
            f"alpha={self.alpha}, strength={self.strength}, mean={self.mean}, ramp={self.ramp}, "
            f"initial_spread={self.initial_spread}, raised={self.raised}, harden={self.harden}, "
            f"sparsity={self.sparsity}, normalized={self.normalized}, "
            f"least_in_row={self.least_in_row}"
        )

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Return theta to start from: the weight, stretched to ``initial_spread``."""
        exact = checked(weight, "ESA finds no sign in it")
        if self.initial_spread is None:
            return weight
        exact = exact / exact.abs().amax()
        low, high = -20.0, 40.0  # limits of the factor's binary logarithm
        for _ in range(50):
            middle = (low + high) / 2
            spread = torch.tanh(exact * 2.0**middle).square().mean().sqrt()
            low, high = (middle, high) if spread < self.initial_spread else (low, middle)
        theta: Tensor = exact * 2.0**low
        return theta.to(weight.dtype)

    def forward(self, latent: Tensor) -> Tensor:
        """Return tanh(theta) in training (eq. 2), its rounding in evaluation (eq. 6).

        From the share ``harden`` of a training on, the rounding too.
        """
        stretched, cut = self._stretched(latent)
        weight = torch.tanh(stretched)
        if self._hard or not self.training:
            weight = straight_through(_rounded(latent, cut), weight)
        return weight * self._unit(latent)

    def begin_step(self, latent: Tensor, progress: float) -> None:
        """Decide whether the forward pass of this step rounds, and search the layer for its cut."""
        self._hard = self.harden is not None and progress >= self.harden
        if self.sparsity is not None:
            self._of_step = self._search(latent, self.sparsity)

    def scale(self, latent: Tensor) -> Tensor:
        """Return 1, or if normalized a power of two, 0-d."""
        return latent.new_full((), self._unit(latent))

    def _stretched(self, latent: Tensor) -> tuple[Tensor, Tensor | float]:
        """Return theta times the factor of ``sparsity``, and the largest |theta| that rounds to 0.

        In training both are of the step that ``begin_step`` began, if there is one.
        """
        if self.sparsity is None:
            return latent, _ZERO_UP_TO
        found = self._of_step if self.training else None
        factor, cut = self._search(latent, self.sparsity) if found is None else found
        return latent * factor, cut

    def _search(self, latent: Tensor, sparsity: float) -> tuple[Tensor, Tensor]:
        """Return factor and cut, 0-d, that make the share ``sparsity`` of theta round to 0.

        Weights gather where rounding cuts, closer than the last bits of their products with the
        factor. So it is theta itself that is compared with the cut, which float32 and float64 do
        alike.
        """
        magnitude = latent.detach().abs().flatten()
        zeros = min(
            round(sparsity * len(magnitude)), len(magnitude) - self.least_in_row * len(latent)
        )
        zeros = min(max(zeros, 1), len(magnitude) - 1)
        cut = magnitude.kthvalue(zeros).values
        above = magnitude.where(magnitude > cut, torch.inf).amin()
        return 2 * _HALF / (cut + above).clamp_min(torch.finfo(latent.dtype).tiny), cut

    def _unit(self, latent: Tensor) -> float:
        """Return the real value of the trit +1."""
        return 2.0 ** -round(math.log2(latent[0].numel()) / 2) if self.normalized else 1.0

    def decompose(self, latent: Tensor) -> Decomposition:
        """Return one plane, round(tanh(theta)), with coefficient 1, as in evaluation."""
        exact = checked(latent, "ESA finds no sign in it")
        cut = _ZERO_UP_TO if self.sparsity is None else self._search(exact, self.sparsity)[1]
        trits = _rounded(exact, cut).to(torch.int8)
        return Decomposition(trits.unsqueeze(0), (1,), self.scale(exact))

    def penalty(self, latent: Tensor, progress: float) -> Tensor:
        """Return lambda * R(tanh(theta)) (eq. 5), with lambda on its ramp and schedule."""
        strength = self.strength * min(1.0, progress / self.ramp) if self.ramp else self.strength
        strength *= math.prod(by for share, by in self.raised if progress >= share)
        return strength * discretization(
            torch.tanh(self._stretched(latent)[0]), self.alpha, self.mean
        )


def _rounded(latent: Tensor, cut: Tensor | float) -> Tensor:
    """Return the sign of theta, and 0 where its magnitude is at most ``cut``."""
    latent = latent.detach()
    return latent.sign() * (latent.abs() > cut).to(latent.dtype)
