"""TGA against the equations of He and Fan, in scipy-free closed forms and finite differences."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tritforge.quant.methods.base import METHODS
from tritforge.quant.methods.tga import TruncatedGaussian
from tritforge.quant.numerics import round_significand

NORMAL = NormalDist()


def weight(seed: int = 0, shift: float = 0.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(6, 3, 3, 3, generator=generator, dtype=torch.float64) * 0.2 + shift


def started(latent: Tensor, delta: float, **options: Any) -> TruncatedGaussian:
    made = TruncatedGaussian(**options).double()
    made.right_inverse(latent)
    with torch.no_grad():
        made.delta.fill_(delta)
    return made


def scale_of_equation_10(latent: Tensor, delta: float) -> float:
    """S with the density and the distribution function of the standard library."""
    mu, sigma = latent.mean().item(), latent.std().item()
    z = min(abs(delta), 3 * sigma) / sigma
    return mu + sigma * NORMAL.pdf(z) / (1 - NORMAL.cdf(z))


@pytest.mark.parametrize("shift", [0.0, 0.03, -0.05])
@pytest.mark.parametrize("delta", [0.0, 0.02, 0.15, -0.15, 0.55, 9.0])
def test_the_forward_pass_is_equations_10_and_11(delta: float, shift: float) -> None:
    latent = weight(shift=shift)
    made = started(latent, delta)
    expected = scale_of_equation_10(latent, delta)
    scale = made.scale(latent).item()
    assert abs(scale - expected) <= expected * 2.0**-12 * (1 + 1e-9)
    assert scale == round_significand(torch.tensor(scale, dtype=torch.float64)).item()
    w, mu = latent.numpy(), latent.mean().item()
    clipped = min(abs(delta), 3 * latent.std().item())
    trits = (w > mu + clipped).astype(int) - (w < mu - clipped)
    np.testing.assert_array_equal(made(latent).detach().numpy(), scale * trits)


def test_the_scale_is_the_mean_of_a_gaussian_beyond_the_threshold() -> None:
    """Eq. 4 and 5 on a large sample."""
    latent = torch.randn(
        1000, 1000, generator=torch.Generator().manual_seed(5), dtype=torch.float64
    )
    made = started(latent, 0.7)
    assert abs(made.scale(latent).item() - latent[latent > 0.7].mean().item()) < 3e-3


@pytest.mark.parametrize("correct", [True, False])
def test_the_gradient_of_the_weight_is_equation_14(correct: bool) -> None:
    latent = weight().requires_grad_()
    made = started(latent, 0.1, gradient_correctness=correct)
    upstream = weight(seed=1)
    (gradient,) = torch.autograd.grad(made(latent), latent, upstream)
    assert torch.equal(gradient, upstream if correct else made.scale(latent) * upstream)


@pytest.mark.parametrize("delta", [0.05, 0.3, -0.3])
def test_the_gradient_of_delta_is_the_slope_of_equation_10(delta: float) -> None:
    latent, upstream = weight(), weight(seed=1)
    made = started(latent, delta)
    (gradient,) = torch.autograd.grad(made(latent), made.delta, upstream)
    step = 1e-6
    slope = (
        scale_of_equation_10(latent, delta + step) - scale_of_equation_10(latent, delta - step)
    ) / (2 * step)
    trits = made.decompose(latent).planes[0].double()
    assert math.isclose(gradient.item(), (upstream * trits).sum().item() * slope, rel_tol=1e-6)
    z = abs(delta) / latent.std().item()
    ratio = NORMAL.pdf(z) / (1 - NORMAL.cdf(z))
    assert math.isclose(abs(slope), ratio * (ratio - z), rel_tol=1e-6)


@pytest.mark.parametrize(("delta", "bound"), [(9.0, 1.5), (-9.0, 1.5), (0.001, 0.5)])
def test_delta_beyond_its_range_has_no_gradient_until_it_is_settled(
    delta: float, bound: float
) -> None:
    latent = weight()
    made = started(latent, delta, clip_lowest=0.5, clip_highest=1.5)
    (gradient,) = torch.autograd.grad(made(latent).sum(), made.delta)
    assert gradient.item() == 0
    before = made(latent)
    made.settle(latent)
    assert made.delta.item() == bound * latent.std().item()
    assert torch.equal(made(latent), before)
    (gradient,) = torch.autograd.grad(made(latent).sum(), made.delta)
    assert gradient.item() != 0


def test_delta_starts_at_its_share_of_the_largest_weight() -> None:
    latent = weight()
    made = TruncatedGaussian(initial_factor=0.15).double()
    assert made.right_inverse(latent) is latent
    assert made.delta.item() == 0.15 * latent.abs().max().item()
    assert made.thresholds() == [made.delta]


def test_registered_and_printed() -> None:
    assert METHODS["tga"] is TruncatedGaussian
    assert repr(TruncatedGaussian()) == (
        "TruncatedGaussian(initial_factor=0.1, gradient_correctness=True, clip_lowest=0.0, "
        "clip_highest=3.0, "
        "gradient_limit=None)"
    )


def test_what_has_no_scale_is_refused() -> None:
    with pytest.raises(ValueError) as caught:
        TruncatedGaussian().right_inverse(torch.full((2, 3), 0.5))
    assert str(caught.value) == "the weight of shape [2, 3] is constant: TGA finds no spread in it"
    made = started(weight(), float("nan"))
    with pytest.raises(ValueError) as caught:
        made.decompose(weight())
    assert str(caught.value) == "delta must be finite, not nan"
    with pytest.raises(ValueError) as caught:
        started(weight(), 0.0).decompose(weight(shift=-1.0))
    message = str(caught.value)
    assert message.startswith("the scale S must be positive, not -0.")
    assert message.endswith(": the mean of the weight of shape [6, 3, 3, 3] is too far below 0")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"initial_factor": 0}, "initial_factor must be above 0 and below 1, not 0"),
        ({"clip_lowest": 3}, "clip_lowest must be at least 0 and below 3, not 3"),
        (
            {"clip_lowest": 1, "clip_highest": 1},
            "clip_highest must be above 1.0 and at most 3, not 1",
        ),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        TruncatedGaussian(**options)
    assert str(caught.value) == message
