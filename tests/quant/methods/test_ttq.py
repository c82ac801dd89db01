"""TTQ against the equations of Zhu, Han, Mao and Dally, written a second time in numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tritforge.quant.methods.base import METHODS
from tritforge.quant.methods.ttq import TrainedScales

# Exact in float64 after the division by the largest, which is 1.
weights = st.lists(st.integers(-32, 32).map(lambda n: n / 32), min_size=1, max_size=30).map(
    lambda values: [*values, 1.0]
)
scales = st.floats(2.0**-10, 4.0)


def started(values: list[float], positive: float, negative: float, **options: Any) -> TrainedScales:
    """A float64 ternarizer whose latent weight is ``values`` and whose scales are given."""
    made = TrainedScales(**options)
    assert made.right_inverse(torch.tensor(values, dtype=torch.float64)).tolist() == values
    made.double()
    with torch.no_grad():
        made.positive.fill_(positive)
        made.negative.fill_(negative)
    return made


def rounded(positive: float, negative: float) -> tuple[float, float]:
    """W_p and W_n as whole numbers of a power of two that gives the larger 96 to 192 of them."""
    unit = 2.0 ** (np.floor(np.log2(max(positive, negative) / 1.5)) - 6)
    assert 96 <= max(positive, negative) / unit <= 192
    wp, wn = (
        unit * max(1.0, float(np.floor(scale / unit + 0.5))) for scale in (positive, negative)
    )
    return wp, wn


@given(values=weights, positive=scales, negative=scales, factor=st.sampled_from([0.0, 0.25, 0.5]))
def test_forward_is_equation_6_and_the_gradients_are_7_and_8(
    values: list[float], positive: float, negative: float, factor: float
) -> None:
    made = started(values, positive, negative, threshold_factor=factor)
    latent = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    upstream = torch.arange(1, len(values) + 1, dtype=torch.float64)
    weight = made(latent)
    wp, wn = rounded(positive, negative)
    w = np.array(values)
    above, below = w > factor, w < -factor  # eq. 9 with max|w| = 1
    np.testing.assert_array_equal(weight.detach().numpy(), wp * above - wn * below)  # eq. 6
    gradients = torch.autograd.grad(weight, (latent, made.positive, made.negative), upstream)
    g = upstream.numpy()
    np.testing.assert_array_equal(
        gradients[0].numpy(), g * np.where(above, wp, np.where(below, wn, 1.0))
    )
    assert gradients[1].item() == (g * above).sum()
    assert gradients[2].item() == -(g * below).sum()


def test_the_gradients_of_the_scales_are_those_of_finite_differences() -> None:
    """The loss is linear in W_p and W_n, so a difference of whole units is exact."""
    values = [1.0, -0.5, 0.25, 0.01, -0.75]
    upstream = torch.tensor([1.0, 2.0, -3.0, 4.0, 8.0], dtype=torch.float64)

    def loss(positive: float, negative: float) -> float:
        made = started(values, positive, negative)
        return float((made(torch.tensor(values, dtype=torch.float64)) * upstream).sum().detach())

    made = started(values, 1.0, 0.5)
    (made(torch.tensor(values, dtype=torch.float64)) * upstream).sum().backward()
    assert made.positive.grad is not None
    assert made.negative.grad is not None
    step = 2.0**-7
    assert (loss(1 + step, 0.5) - loss(1.0, 0.5)) / step == made.positive.grad.item() == -2.0
    assert (loss(1.0, 0.5 + step) - loss(1.0, 0.5)) / step == made.negative.grad.item() == -10.0


def test_the_start_is_the_normalised_weight_and_the_mean_magnitudes() -> None:
    made = TrainedScales(threshold_factor=0.25)
    latent = made.right_inverse(torch.tensor([4.0, 2.0, -1.5, 1.0, -3.5, 0.0]))
    assert latent.tolist() == [1.0, 0.5, -0.375, 0.25, -0.875, 0.0]
    assert made.positive.item() == 3.0  # 1.0 is on the threshold, so it is 0
    assert made.negative.item() == 2.5
    assert made(latent).tolist() == [3.0, 3.0, -2.5, 0.0, -2.5, 0.0]


def test_a_sign_that_no_weight_has_starts_at_the_other_ones_scale() -> None:
    made = TrainedScales()
    made.right_inverse(torch.tensor([1.0, 3.0]))
    assert (made.positive.item(), made.negative.item()) == (2.0, 2.0)


def test_relative_scales_are_the_same_weight_with_the_gradient_in_the_unit_of_the_start() -> None:
    weight = torch.tensor([0.04, 0.02, -0.015, 0.001, -0.035, 0.0], dtype=torch.float64)
    plain, relative = TrainedScales().double(), TrainedScales(relative=True).double()
    latent = plain.right_inverse(weight)
    assert torch.equal(relative.right_inverse(weight), latent)
    assert torch.equal(relative(latent), plain(latent))
    mean = 0.11 / 4  # 0.001 is below the threshold
    assert relative.start.item() == pytest.approx(mean, rel=1e-15)
    assert relative.positive.item() == pytest.approx(0.03 / mean, rel=1e-15)
    upstream = torch.arange(1.0, 7.0, dtype=torch.float64)
    for made, unit in ((plain, 1.0), (relative, mean)):
        found = torch.autograd.grad((made(latent) * upstream).sum(), (made.positive, made.negative))
        assert [g.item() for g in found] == pytest.approx([3 * unit, -8 * unit], rel=1e-15)


@pytest.mark.parametrize("zeros", [0, 1, 7, 9])
def test_sparsity_is_the_share_of_zeros(zeros: int) -> None:
    made = TrainedScales(sparsity=zeros / 10)
    weight = made(made.right_inverse(torch.tensor([5.0, -1, 2, -10, 9, 3, -4, 8, -7, 6])))
    assert int((weight == 0).sum()) == zeros
    assert weight[3] != 0


def test_sparsity_stays_while_the_weights_move() -> None:
    made = TrainedScales(sparsity=0.75)
    latent = made.right_inverse(torch.randn(40, 10)).requires_grad_()
    optimizer = torch.optim.Adam([latent, *made.parameters()], lr=0.1)
    target = torch.randn(40, 10)
    for _ in range(5):
        weight = made(latent)
        assert int((weight == 0).sum()) == 300
        optimizer.zero_grad()
        (weight - target).square().sum().backward()
        optimizer.step()


def test_a_scale_below_one_unit_stays_positive_and_learns() -> None:
    made = started([1.0, -1.0], 1.0, -3.0)
    weight = made(torch.tensor([1.0, -1.0], dtype=torch.float64))
    assert weight.tolist() == [1.0, -(2.0**-7)]
    assert torch.autograd.grad(weight.sum(), made.negative)[0].item() == -1.0


def test_symmetric_is_one_plane_with_the_mean_of_both_scales() -> None:
    made = started([1.0, -0.5, 0.0], 0.5, 1.0, symmetric=True)
    latent = torch.tensor([1.0, -0.5, 0.0], dtype=torch.float64)
    assert made(latent).tolist() == [0.75, -0.75, 0.0]
    parts = made.decompose(latent)
    assert parts.planes.tolist() == [[1, -1, 0]]
    assert (parts.coefficients, parts.scale.item()) == ((1,), 0.75)
    gradients = torch.autograd.grad(made(latent)[0], (made.positive, made.negative))
    assert [gradient.item() for gradient in gradients] == [0.5, 0.5]


def test_planes_and_coefficients() -> None:
    latent = torch.tensor([1.0, -0.5, 0.0], dtype=torch.float64)
    parts = started(latent.tolist(), 1.0, 0.5).decompose(latent)
    assert parts.planes.tolist() == [[1, 0, 0], [0, -1, 0]]
    assert (parts.coefficients, parts.scale.item()) == ((128, 64), 2.0**-7)


def test_registered_and_printed() -> None:
    assert METHODS["ttq"] is TrainedScales
    assert repr(TrainedScales()) == (
        "TrainedScales(threshold_factor=0.05, sparsity=None, symmetric=False, relative=False)"
    )


def test_ruined_scales_and_constant_weights_are_refused() -> None:
    made = started([1.0], float("nan"), 1.0)
    with pytest.raises(ValueError) as caught:
        made.decompose(torch.ones(1))
    assert str(caught.value) == "the scales W_p and W_n must be finite, not [nan, 1.0]"
    with pytest.raises(ValueError) as caught:
        TrainedScales(sparsity=0.5).right_inverse(torch.ones(2, 2))
    assert str(caught.value) == (
        "the weight of shape [2, 2] has no element above the threshold: lower sparsity"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold_factor": 1}, "threshold_factor must be at least 0 and below 1, not 1"),
        ({"sparsity": 1}, "sparsity must be at least 0 and below 1, not 1"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        TrainedScales(**options)
    assert str(caught.value) == message
