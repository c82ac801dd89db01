"""ICS against the equations of He, Gong and Fan (WACV 2019), written a second time in numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from tritforge.quant.methods.base import METHODS
from tritforge.quant.methods.ics import IterativeScaling
from tritforge.quant.numerics import round_significand

SHAPES = [(1,), (7,), (4, 3), (3, 2, 3, 3), (10, 384)]
# Few distinct values, so that ties, values on the threshold and values of exactly 1 do occur.
weights = st.lists(
    st.one_of(
        st.sampled_from([0.0, 0.05, -0.05, 0.1, -0.1, 0.5, 1.0, -1.0, 1.25, -2.0, 1 + 2.0**-23]),
        st.floats(-2, 2, width=32),
    ),
    min_size=1,
    max_size=40,
).filter(lambda values: any(abs(v) > 1e-30 for v in values))
factors = st.sampled_from([0.05, 0.1, 0.25, 0.5, 0.9])


def equations(w: npt.NDArray[np.float64], beta: float) -> tuple[npt.NDArray[np.int8], float]:
    """Tern(w) and alpha before rounding: threshold below eq. 2, eq. 1 and eq. 2, one weight at a
    time."""
    threshold = beta * max(abs(w.flatten()))
    trits = np.zeros(w.shape, dtype=np.int8)
    above = []
    for index, value in np.ndenumerate(w):
        if abs(value) >= threshold:
            trits[index] = 1 if value > 0 else -1
            above.append(abs(value))
    return trits, float(np.mean(above))


def random(shape: tuple[int, ...], seed: int = 0, spread: float = 1.0) -> torch.Tensor:
    return (
        torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        * spread
    )


@given(values=weights, beta=factors)
def test_the_forward_pass_is_equations_1_and_2(values: list[float], beta: float) -> None:
    w = torch.tensor(values, dtype=torch.float64)
    trits, alpha = equations(w.numpy(), beta)
    ternarizer = IterativeScaling(beta)
    scale = ternarizer.scale(w)
    # The order of the summation can move the mean across a tie of the rounding: both neighbours are
    # right.
    assert abs(scale.item() - alpha) <= alpha * 2.0**-12 * (1 + 1e-9)
    assert torch.equal(scale, round_significand(scale))
    assert torch.equal(ternarizer(w), scale * torch.from_numpy(trits).double())


@pytest.mark.parametrize("shape", SHAPES)
def test_alpha_is_the_rounded_mean_above_the_threshold(shape: tuple[int, ...]) -> None:
    w = random(shape)
    _, alpha = equations(w.numpy(), 0.05)
    assert torch.equal(
        IterativeScaling().scale(w), round_significand(torch.tensor(alpha, dtype=torch.float64))
    )


@pytest.mark.parametrize("clip", [True, False])
@given(values=weights, beta=factors, seed=st.integers(0, 99))
def test_the_gradient_is_equation_4(
    clip: bool, values: list[float], beta: float, seed: int
) -> None:
    w = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    upstream = random(w.shape, seed)
    (gradient,) = torch.autograd.grad(IterativeScaling(beta, clip)(w), w, upstream)
    expected = [
        g if abs(v) <= 1 or not clip else 0.0
        for g, v in zip(upstream.tolist(), values, strict=True)
    ]
    assert gradient.tolist() == expected


def test_the_gradient_through_a_convolution_is_the_one_of_the_ternary_weight() -> None:
    latent = random((4, 2, 3, 3), spread=0.8).requires_grad_()
    assert (latent.abs() > 1).any()
    assert (latent.abs() <= 1).any()
    x = random((3, 2, 5, 5), seed=1)
    ternary = IterativeScaling()(latent).detach().requires_grad_()
    functional.conv2d(x, ternary).square().sum().backward()
    functional.conv2d(x, IterativeScaling()(latent)).square().sum().backward()
    assert ternary.grad is not None
    assert latent.grad is not None
    assert torch.equal(latent.grad, ternary.grad * (latent.detach().abs() <= 1))


def test_weights_on_the_threshold_count_as_above_it() -> None:
    w = torch.tensor([1.0, 0.25, -0.25, 0.125], dtype=torch.float64)
    assert IterativeScaling(0.25)(w).tolist() == [0.5, 0.5, -0.5, 0.0]


def test_a_weight_of_exactly_one_still_moves() -> None:
    w = torch.tensor([1.0, -1.0, 1.0 + 2.0**-52, -2.0], dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(IterativeScaling()(w).sum(), w)
    assert gradient.tolist() == [1.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("beta", [0.05, 0.5])
def test_the_decomposition_is_the_forward_pass(shape: tuple[int, ...], beta: float) -> None:
    w = random(shape, seed=3)
    ternarizer = IterativeScaling(beta)
    decomposition = ternarizer.decompose(w)
    assert decomposition.planes.shape == (1, *shape)
    assert decomposition.planes.dtype == torch.int8
    assert decomposition.coefficients == (1,)
    assert decomposition.scale.shape == ()
    assert torch.equal(decomposition.weight(), ternarizer(w))


@pytest.mark.parametrize("factor", [2.0**-20, 3.0, 1e6])
def test_the_trits_do_not_depend_on_the_size_of_the_weights(factor: float) -> None:
    w = random((6, 50))
    planes = IterativeScaling().decompose(w).planes
    assert torch.equal(IterativeScaling().decompose(w * factor).planes, planes)


def test_the_type_is_kept_and_the_method_is_registered() -> None:
    assert IterativeScaling()(torch.ones(2)).dtype == torch.float32
    assert METHODS["ics"] is IterativeScaling
    assert repr(IterativeScaling()) == "IterativeScaling(threshold_factor=0.05, clip_gradient=True)"


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (torch.zeros(2, 3), "the weight of shape [2, 3] is all zero: ICS finds no threshold in it"),
        (
            torch.tensor([1.0, float("nan")]),
            "the weight of shape [2] holds values that are not finite",
        ),
        (
            torch.tensor([1.0, float("inf")]),
            "the weight of shape [2] holds values that are not finite",
        ),
    ],
)
def test_weights_without_a_decomposition_are_refused(weight: torch.Tensor, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        IterativeScaling().decompose(weight)
    assert str(caught.value) == message


@pytest.mark.parametrize("value", [0, 1, -0.1, 1.5, float("nan")])
def test_threshold_factors_out_of_range_are_refused(value: float) -> None:
    with pytest.raises(ValueError) as caught:
        IterativeScaling(value)
    assert str(caught.value) == f"threshold_factor must be above 0 and below 1, not {value!r}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold_factor": "0.05"}, "threshold_factor must be a number, not '0.05'"),
        ({"threshold_factor": True}, "threshold_factor must be a number, not True"),
        ({"clip_gradient": 1}, "clip_gradient must be a bool, not 1"),
        ({"expansion": 2.0}, "expansion must be an int, not 2.0"),
    ],
)
def test_options_of_the_wrong_kind_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(TypeError) as caught:
        IterativeScaling(**options)  # type: ignore[arg-type]
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"expansion": 0}, "expansion must be in 1..8, not 0"),
        ({"expansion": 9}, "expansion must be in 1..8, not 9"),
        (
            {"expansion": 3, "expansion_factors": (0.1,)},
            "expansion_factors must be 2 numbers, one for each plane after the first, not (0.1,)",
        ),
        (
            {"expansion": 2, "expansion_factors": (1,)},
            "expansion_factors must be above 0 and below 1, not 1",
        ),
        (
            {"expansion": 2, "threshold_factor": 0.5},
            "expansion_factors must be above 0 and below 1, not 1.0",
        ),
    ],
)
def test_expansions_out_of_range_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        IterativeScaling(**options)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_the_factors_of_the_paper_are_the_default() -> None:
    assert IterativeScaling(expansion=4).threshold_factors == (0.05, 0.1, 0.15, 0.2)
    assert repr(IterativeScaling(expansion=2)) == (
        "IterativeScaling(threshold_factor=0.05, clip_gradient=True, expansion=2, "
        "expansion_factors=[0.1])"
    )


@given(values=weights, betas=st.lists(factors, min_size=2, max_size=4))
def test_an_expansion_is_the_sum_of_equation_5(values: list[float], betas: list[float]) -> None:
    w = torch.tensor(values, dtype=torch.float64)
    made = IterativeScaling(betas[0], expansion=len(betas), expansion_factors=tuple(betas[1:]))
    single = [equations(w.numpy(), beta) for beta in betas]
    parts = made.decompose(w)
    assert parts.planes.tolist() == [trits.tolist() for trits, _ in single]
    unit = parts.scale.item()
    for (_, alpha), coefficient in zip(single, parts.coefficients, strict=True):
        assert abs(coefficient - alpha / unit) <= 0.5 + 1e-9  # the order of the sum can move a tie
    assert 96 <= max(parts.coefficients) <= 192
    total = sum(
        c * trits.astype(np.int64) for (trits, _), c in zip(single, parts.coefficients, strict=True)
    )
    assert torch.equal(made(w), unit * torch.as_tensor(total, dtype=torch.float64))


@pytest.mark.parametrize("clip", [True, False])
def test_each_plane_of_an_expansion_passes_its_gradient(clip: bool) -> None:
    """One weight in t layers collects t gradients: those of the convolutions it is split into."""
    latent = random((4, 2, 3, 3), spread=0.8).requires_grad_()
    x = random((3, 2, 5, 5), seed=1)
    betas = (0.05, 0.1, 0.2)
    made = IterativeScaling(betas[0], clip, expansion=3, expansion_factors=tuple(betas[1:]))
    output = functional.conv2d(x, made(latent))
    upstream = random(tuple(output.shape), seed=2)
    (gradient,) = torch.autograd.grad(output, latent, upstream)
    split = sum(functional.conv2d(x, IterativeScaling(beta, clip)(latent)) for beta in betas)
    (expected,) = torch.autograd.grad(split, latent, upstream)  # type: ignore[type-var, arg-type]
    torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-12)
