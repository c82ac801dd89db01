"""STTN against the equations of Xu et al., and its gradient against finite differences of the
surrogate."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from tritforge.quant.methods.base import METHODS
from tritforge.quant.methods.sttn import SoftThreshold
from tritforge.quant.numerics import round_significand

SHAPES = [(1, 1), (4, 3), (3, 2, 3, 3)]


def kernels(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    """Two latent kernels of binary fractions (their sums are exact in any order), some of them
    beyond 1."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(2, *shape, generator=generator, dtype=torch.float64) * 51).round() / 64


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_forward_pass_is_equations_6_to_10(shape: tuple[int, ...], per_channel: bool) -> None:
    latent = kernels(shape)
    first, second = latent.numpy()
    channels = [slice(c, c + 1) for c in range(shape[0])] if per_channel else [slice(None)]
    weight = SoftThreshold(per_channel)(latent).numpy()
    for channel in channels:
        w1, w2 = first[channel], second[channel]
        alpha = (np.abs(w1).sum() + np.abs(w2).sum()) / (2 * w1.size)
        scale = round_significand(torch.tensor(2 * alpha, dtype=torch.float64)).item()
        ternary = np.where(w1 < 0, -1, 1) + np.where(w2 < 0, -1, 1)
        np.testing.assert_array_equal(weight[channel], scale * (ternary / 2))


def test_the_sign_of_zero_is_positive() -> None:
    latent = torch.tensor([[[0.0, -0.0, 1.0]], [[0.0, -1.0, 0.0]]], dtype=torch.float64)
    assert SoftThreshold().decompose(latent).planes.tolist() == [[[1, 0, 1]]]


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_gradient_is_equation_13(shape: tuple[int, ...], per_channel: bool) -> None:
    latent = kernels(shape, seed=1).requires_grad_()
    upstream = kernels(shape, seed=2)[0]
    made = SoftThreshold(per_channel)
    (gradient,) = torch.autograd.grad(made(latent), latent, upstream)
    g, w = upstream.numpy(), latent.detach().numpy()
    assert shape == (1, 1) or (np.abs(w) > 1).any()
    for channel in [slice(c, c + 1) for c in range(shape[0])] if per_channel else [slice(None)]:
        part = w[:, channel]
        signs = np.where(part < 0, -1.0, 1.0)
        n = part[0].size
        scale = made.scale(latent)
        alpha = (
            scale[channel] if per_channel else scale
        ).item() / 2  # the rounded one of the forward pass
        through_alpha = signs * ((g[channel] * signs.sum(0)).sum() / (2 * n))
        expected = through_alpha + alpha * g[channel] * (np.abs(part) <= 1)
        np.testing.assert_array_equal(gradient[:, channel].numpy(), expected)


def test_the_gradient_is_that_of_finite_differences_of_the_surrogate() -> None:
    """The surrogate: sign(w) replaced by its value plus w - w0 inside [-1, 1], alpha unrounded."""
    start = kernels((3, 4), seed=3)
    upstream = kernels((3, 4), seed=4)[0]
    inside = (start.abs() <= 1).double()
    signs = torch.where(start < 0, -1.0, 1.0).double()

    def surrogate(latent: Tensor) -> Tensor:
        alpha = latent.abs().mean()
        return (alpha * (signs + (latent - start) * inside).sum(0) * upstream).sum()

    latent = start.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(SoftThreshold()(latent), latent, upstream)
    step = 1e-6
    for index in itertools.product(range(2), range(3), range(4)):
        moved = torch.zeros_like(start)
        moved[index] = step
        slope = (surrogate(start + moved) - surrogate(start - moved)).item() / (2 * step)
        assert abs(slope - gradient[index].item()) < 1e-3  # 12 significant bits of alpha


def test_the_start_is_the_weight_and_a_permutation_of_it() -> None:
    weight = torch.randn(6, 5, 3, 3)
    first, second = SoftThreshold().right_inverse(weight)
    assert torch.equal(first, weight)
    assert not torch.equal(second, weight)
    assert torch.equal(second.flatten().sort().values, weight.flatten().sort().values)


def test_half_of_the_weights_start_at_zero() -> None:
    made = SoftThreshold()
    planes = made.decompose(made.right_inverse(torch.randn(200, 300))).planes
    assert 0.49 < (planes == 0).double().mean().item() < 0.51


def test_a_channel_without_a_scale_is_refused() -> None:
    latent = torch.ones(2, 3, 4)
    latent[:, 1] = 0
    assert SoftThreshold().decompose(latent).scale.ndim == 0
    with pytest.raises(ValueError) as caught:
        SoftThreshold(per_channel=True).decompose(latent)
    assert (
        str(caught.value) == "both kernels of channel 1 are all zero: STTN finds no scale in them"
    )


def test_registered_and_printed() -> None:
    assert METHODS["sttn"] is SoftThreshold
    assert repr(SoftThreshold()) == "SoftThreshold(per_channel=False)"
    with pytest.raises(TypeError) as caught:
        SoftThreshold(per_channel="yes")  # type: ignore[arg-type]
    assert str(caught.value) == "per_channel must be a bool, not 'yes'"
