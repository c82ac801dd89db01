"""TTQ: trained ternary quantization, two learned scales for a layer.

[1] C. Zhu, S. Han, H. Mao, W. J. Dally, "Trained ternary quantization", ICLR 2017, section 4.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tritforge.quant.methods.base import Decomposition, Ternarizer, checked, method
from tritforge.quant.methods.checks import flag, number
from tritforge.quant.numerics import fixed_point, mean_where, round_significand, straight_through

__all__ = ["TrainedScales"]


@method("ttq")
class TrainedScales(Ternarizer):
    """Ternarize a weight by a threshold and two learned scales, W_p of the +1 and W_n of the -1.

    With w the latent weight of a layer, which starts as weight / max|weight| [1, section 4]:

    - threshold = threshold_factor * max|w|                         (eq. 9, its first rule), or
      the magnitude below which a share ``sparsity`` of w is        (section 4.2, its second rule)
    - w' = W_p where w > threshold, -W_n where w < -threshold, 0 elsewhere          (eq. 6)
    - dL/dW_p = sum of dL/dw' over w > threshold                    (eq. 7)
    - dL/dW_n = -sum of dL/dw' over w < -threshold      (eq. 7; the minus is that of eq. 6)
    - dL/dw = dL/dw' times W_p, 1 or W_n where w' is W_p, 0 or -W_n (eq. 8)

    Both scales are whole numbers of one unit, a power of two, of at most 8 bits and at least 1
    (``tritforge.quant.numerics.fixed_point``; the gradient passes straight through), so that the
    layer is two planes with two integer coefficients. The paper does not round. Nor does it say
    where the scales start: here at the mean magnitudes of the weights that they replace.

    Parameters
    ----------
    threshold_factor: 0..1, 1 not included; the paper uses 0.05.
    sparsity: share of zeros to keep throughout training, 0..1, 1 not included; None takes the rule
        of the maximum.
    symmetric: whether both scales are (W_p + W_n) / 2, to 12 significant bits. Not in the paper: it
        makes the layer one plane, which costs half the hardware.
    relative: whether what is learned are W_p and W_n over the mean magnitude that they start at, so
        that a step is a share of a scale. Without, the steps of SGD at the paper's rate of 0.1 are
        a multiple of the scales of a wide layer, a few hundredths, and ResNet-20 learns nothing.
        Adam needs it less.

    Raises
    ------
    TypeError: an option has another type.
    ValueError: an option is out of range.

    >>> ternarizer = TrainedScales()
    >>> ternarizer(ternarizer.right_inverse(torch.tensor([0.5, -0.25, 0.01, 0.0]))).tolist()
    [0.5, -0.25, 0.0, 0.0]
    """

    def __init__(
        self,
        threshold_factor: float = 0.05,
        sparsity: float | None = None,
        symmetric: bool = False,
        relative: bool = False,
    ) -> None:
        super().__init__()
        self.threshold_factor = number("threshold_factor", threshold_factor, least=0, below=1)
        self.sparsity = None if sparsity is None else number("sparsity", sparsity, least=0, below=1)
        self.symmetric = flag("symmetric", symmetric)
        self.positive = nn.Parameter(torch.ones(()))  # W_p, if relative over the start
        self.negative = nn.Parameter(torch.ones(()))  # W_n, likewise
        if flag("relative", relative):
            self.register_buffer("start", torch.ones(()))
        self.relative = relative

    def extra_repr(self) -> str:
        """Return the options, for printing the model."""
        return (
            f"threshold_factor={self.threshold_factor}, sparsity={self.sparsity}, "
            f"symmetric={self.symmetric}, relative={self.relative}"
        )

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Return the weight divided by its largest magnitude; the scales start at its means.

        Raises
        ------
        ValueError: the weight is all zero or not finite, or no element is above the threshold.
        """
        checked(weight, "TTQ finds no threshold in it")
        weight = weight.detach()
        magnitude = weight.abs()
        plus, minus = self._signs(weight)
        if not (plus + minus).any():
            raise ValueError(
                f"the weight of shape {list(weight.shape)} has no element above the threshold: "
                "lower sparsity"
            )
        overall = mean_where(magnitude, plus + minus)
        for scale, kept in ((self.positive, plus), (self.negative, minus)):
            scale.data = torch.where(kept.any(), mean_where(magnitude, kept), overall)
        if self.relative:
            self.start = overall
            for scale in (self.positive, self.negative):
                scale.data = scale.data / overall
        return weight / magnitude.amax()

    def forward(self, latent: Tensor) -> Tensor:
        """Return the ternarized weight (eq. 6), with the gradients of eq. 7 and 8."""
        plus, minus = self._signs(latent.detach())
        scale, coefficients = self._fixed_point()
        positive, negative = (
            straight_through(scale * coefficient, value)
            for coefficient, value in zip(coefficients, self._scales(), strict=True)
        )
        factor = torch.where(plus > 0, positive, torch.where(minus > 0, negative, 1.0)).detach()
        return positive * plus - negative * minus + (latent - latent.detach()) * factor

    def scale(self, latent: Tensor) -> Tensor:
        """Return the unit of both scales, 0-d."""
        return self._fixed_point()[0]

    def decompose(self, latent: Tensor) -> Decomposition:
        """Return the planes of the +1 and of the -1; one plane of both if symmetric.

        Raises
        ------
        ValueError: the weight is all zero or not finite, or a scale is not finite.
        """
        exact = checked(latent, "TTQ finds no threshold in it")
        scales = torch.stack(self._scales()).detach()
        if not scales.isfinite().all():
            raise ValueError(f"the scales W_p and W_n must be finite, not {scales.tolist()}")
        plus, minus = self._signs(exact)
        scale, coefficients = self._fixed_point()
        planes = [plus - minus] if self.symmetric else [plus, -minus]
        integers = tuple(int(c) for c in coefficients.tolist()[: len(planes)])
        return Decomposition(torch.stack(planes).to(torch.int8), integers, scale.to(torch.float64))

    def _signs(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Return where the latent weight is above and below the thresholds: 0 or 1, of its type."""
        magnitude = latent.abs()
        threshold = self.threshold_factor * magnitude.amax()
        if self.sparsity is not None:
            zeros = min(round(self.sparsity * latent.numel()), latent.numel() - 1)
            ordered = magnitude.flatten().sort().values
            threshold = ordered[zeros - 1] if zeros else ordered.new_zeros(())
        return (latent > threshold).to(latent.dtype), (latent < -threshold).to(latent.dtype)

    def _scales(self) -> tuple[Tensor, Tensor]:
        """Return W_p and W_n before they are rounded."""
        positive, negative = (
            scale * self.start if self.relative else scale
            for scale in (self.positive, self.negative)
        )
        if self.symmetric:
            mean = (positive + negative) / 2
            return mean, mean
        return positive, negative

    def _fixed_point(self) -> tuple[Tensor, Tensor]:
        """Return the unit, 0-d, and W_p and W_n as integers [2] in that unit; no gradient."""
        scales = torch.stack(self._scales()).detach()
        lowest = 2.0**-16  # a scale that training drives below 0 stays positive and can come back
        if self.symmetric:
            return round_significand(scales[0].clamp_min(lowest)), torch.ones_like(scales)
        return fixed_point(scales.clamp_min(lowest))
