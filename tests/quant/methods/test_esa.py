"""ESA against the equations of Deng and Zhang."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from tritforge import quant
from tritforge.quant.methods.base import METHODS
from tritforge.quant.methods.esa import TanhWeight, discretization

THETA = torch.tensor([[-3.0, -0.6, -0.54, 0.0], [0.3, 0.5493, 0.5494, 1.2]], dtype=torch.float64)


def test_training_is_tanh_with_its_true_gradient() -> None:
    theta = THETA.clone().requires_grad_()
    weight = TanhWeight()(theta)
    np.testing.assert_array_equal(weight.detach().numpy(), torch.tanh(THETA).numpy())
    (gradient,) = torch.autograd.grad(weight, theta, torch.full_like(THETA, 2.0))
    torch.testing.assert_close(gradient, 2 * (1 - torch.tanh(THETA) ** 2), rtol=1e-14, atol=0)


def test_evaluation_is_the_nearest_integer() -> None:
    made = TanhWeight().eval()
    assert (
        made(THETA).tolist() == [[-1, -1, 0, 0], [0, 0, 1, 1]] == torch.tanh(THETA).round().tolist()
    )
    assert made.decompose(THETA).planes[0].tolist() == made(THETA).tolist()
    assert made.scale(THETA).item() == 1.0


@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.5, 1.4, 2.0])
def test_the_regularizer_is_equation_4_and_its_gradient_equation_9(alpha: float) -> None:
    theta = THETA.clone().requires_grad_()
    value = discretization(torch.tanh(theta), alpha, mean=False)
    expected = sum(
        (alpha - math.tanh(t) ** 2) * math.tanh(t) ** 2 for t in THETA.flatten().tolist()
    )
    assert math.isclose(value.item(), expected, rel_tol=1e-12)
    (gradient,) = torch.autograd.grad(value, theta)
    tanh = torch.tanh(THETA)
    equation_9 = 2 * tanh * (1 - tanh**2) * (alpha - 2 * tanh**2)
    torch.testing.assert_close(gradient, equation_9, rtol=1e-12, atol=1e-15)
    assert math.isclose(discretization(tanh, alpha).item(), expected / 8, rel_tol=1e-12)


@pytest.mark.parametrize(("progress", "share"), [(0.0, 0.0), (0.2, 0.25), (0.8, 1.0), (1.0, 1.0)])
def test_the_penalty_rises_along_its_ramp(progress: float, share: float) -> None:
    made = TanhWeight(alpha=0.5, strength=4, ramp=0.8)
    expected = 4 * share * discretization(torch.tanh(THETA), 0.5).item()
    assert math.isclose(made.penalty(THETA, progress).item(), expected, rel_tol=1e-12, abs_tol=0)


def test_the_papers_penalty_is_a_sum_from_the_start() -> None:
    made = TanhWeight(alpha=1e-4, strength=1e-7, mean=False, ramp=0)
    expected = 1e-7 * discretization(torch.tanh(THETA), 1e-4, mean=False).item()
    assert made.penalty(THETA, 0.0).item() == expected


@pytest.mark.parametrize(
    ("epoch", "factor"), [(0, 1), (49, 1), (50, 1e2), (69, 1e2), (70, 1e3), (90, 1e3)]
)
def test_the_papers_schedule_multiplies_lambda(epoch: int, factor: float) -> None:
    """Its ResNet-18: 90 epochs, lambda 1e-9, times 1e2 at epoch 50 and times 10 at epoch 70."""
    made = TanhWeight(
        0.3, 1e-9, mean=False, ramp=0, raise_at=(50 / 90, 70 / 90), raise_by=(1e2, 10)
    )
    expected = 1e-9 * factor * discretization(torch.tanh(THETA), 0.3, mean=False).item()
    assert math.isclose(made.penalty(THETA, epoch / 90).item(), expected, rel_tol=1e-12)


@pytest.mark.parametrize("sparsity", [0.3, 0.65, 0.9, 0.999])
def test_the_sparsity_asked_for_is_the_share_of_zeros(sparsity: float) -> None:
    theta = torch.randn(25, 40, dtype=torch.float64)
    made = TanhWeight(sparsity=sparsity).eval()
    zeros = (made.decompose(theta).planes == 0).sum().item()
    assert zeros == round(1000 * sparsity)
    assert torch.equal(made(theta), made.decompose(theta).planes[0].double())
    assert torch.equal(made(theta), made(7 * theta))  # what is stretched does not matter


def test_the_share_of_zeros_of_a_large_layer_is_exact() -> None:
    planes = TanhWeight(sparsity=0.8).decompose(torch.randn(300, 400, dtype=torch.float64)).planes
    assert (planes == 0).sum() == 0.8 * 300 * 400


@pytest.mark.parametrize(("least", "kept"), [(0, 10), (2, 10), (5, 20), (25, 99), (99, 99)])
def test_rows_keep_some_weights(least: int, kept: int) -> None:
    """Of 4 rows of 25; one weight of a layer is 0 whatever is asked for."""
    theta = torch.randn(4, 1, 5, 5, dtype=torch.float64)
    planes = TanhWeight(sparsity=0.9, least_in_row=least).decompose(theta).planes
    assert (planes != 0).sum() == kept


@pytest.mark.parametrize("sparsity", [None, 0.5])
def test_float32_and_float64_round_alike_however_close_to_the_cut(sparsity: float | None) -> None:
    """Training gathers weights at the cut, closer than float32 tells their products apart."""
    made = TanhWeight(sparsity=sparsity).eval()
    near = torch.tensor(0.5493061542510986).view(torch.int32) + torch.arange(
        -50, 50, dtype=torch.int32
    )
    theta = (near.view(torch.float32) * torch.tensor([1.0, -1.0]).repeat(50)).reshape(10, 10)
    trits = made.decompose(theta.double()).planes[0]
    assert torch.equal(made(theta).to(torch.int8), trits)
    assert torch.equal(made.decompose(theta).planes[0], trits)
    assert 40 <= (trits == 0).sum() <= 60


def test_a_stretched_weight_is_tanh_with_its_gradient_and_its_ridge_at_the_cut() -> None:
    theta = torch.randn(20, 30, dtype=torch.float64).requires_grad_()
    made = TanhWeight(sparsity=0.9, mean=False, strength=1, ramp=0)
    weight = made(theta)
    factor = (torch.atanh(weight) / theta).detach()
    torch.testing.assert_close(factor, factor[0, 0].expand(20, 30), rtol=1e-9, atol=0)
    assert (weight.detach().abs() < 0.5).sum() == 540
    (gradient,) = torch.autograd.grad(weight, theta, torch.ones_like(theta), retain_graph=True)
    torch.testing.assert_close(gradient, factor * (1 - weight.detach() ** 2), rtol=1e-9, atol=0)
    assert math.isclose(
        made.penalty(theta, 1.0).item(),
        discretization(weight, 0.5, mean=False).item(),
        rel_tol=1e-12,
    )


def test_a_step_is_of_one_cut_and_evaluation_of_the_weights_that_are_there() -> None:
    before, after = torch.randn(2, 20, 30, dtype=torch.float64) * torch.tensor([1.0, 3.0]).reshape(
        2, 1, 1
    )
    made, other = TanhWeight(sparsity=0.9, ramp=0), TanhWeight(sparsity=0.9, ramp=0)
    made.begin_step(before, 0.0)
    assert torch.equal(made(before), other(before))
    factor = torch.atanh(made(before)) / before
    torch.testing.assert_close(made(after), torch.tanh(factor * after), rtol=1e-9, atol=1e-12)
    soft = discretization(made(after), 0.5)
    torch.testing.assert_close(made.penalty(after, 1.0), 10 * soft, rtol=1e-12, atol=0)
    assert torch.equal(made.decompose(after).planes, other.decompose(after).planes)
    assert torch.equal(made.eval()(after), other.eval()(after))
    made.train().begin_step(after, 0.0)
    assert torch.equal(made(after), other.train()(after))


@pytest.mark.parametrize(
    ("shape", "unit"), [((10, 512), 2**-4), ((4, 32, 5, 5), 2**-5), ((8, 1), 1.0)]
)
def test_a_normalized_weight_is_a_power_of_two_times_the_trits(
    shape: tuple[int, ...], unit: float
) -> None:
    theta = torch.randn(shape, dtype=torch.float64)
    plain, made = TanhWeight(), TanhWeight(normalized=True)
    assert torch.equal(made(theta), unit * plain(theta))
    parts = made.eval().decompose(theta)
    assert (parts.coefficients, parts.scale.item(), made.scale(theta).item()) == ((1,), unit, unit)
    assert torch.equal(parts.weight(), made(theta))
    assert torch.equal(made.penalty(theta, 1.0), plain.penalty(theta, 1.0))


def test_hardening_rounds_in_training_too_with_the_gradient_of_tanh() -> None:
    made = TanhWeight(harden=0.5)
    theta = THETA.clone().requires_grad_()
    for progress, rounds in ((0.0, False), (0.49, False), (0.5, True), (0.9, True), (0.1, False)):
        made.begin_step(theta, progress)
        weight = made(theta)
        assert (
            weight.tolist() == (torch.tanh(THETA).round() if rounds else torch.tanh(THETA)).tolist()
        )
        (gradient,) = torch.autograd.grad(weight, theta, torch.full_like(THETA, 2.0))
        torch.testing.assert_close(gradient, 2 * (1 - torch.tanh(THETA) ** 2), rtol=1e-14, atol=0)
    never = TanhWeight()
    never.begin_step(THETA, 0.99)
    assert never(THETA).tolist() == torch.tanh(THETA).tolist()


def test_descent_on_the_regularizer_alone_gives_more_zeros_for_a_larger_alpha() -> None:
    """Theorem 3: what lies within sqrt(alpha / 2) of 0 goes to 0, the rest to -1 or +1."""
    start = torch.linspace(-0.99, 0.99, 199, dtype=torch.float64)
    zeros = []
    for alpha in (0.1, 0.5, 1.0, 1.5):
        theta = torch.atanh(start).requires_grad_()
        optimizer = torch.optim.SGD([theta], lr=0.5)
        for _ in range(3000):
            optimizer.zero_grad()
            discretization(torch.tanh(theta), alpha, mean=False).backward()
            optimizer.step()
        planes = TanhWeight(alpha).decompose(theta).planes[0]
        assert torch.equal(planes == 0, start.abs() < math.sqrt(alpha / 2))
        zeros.append(int((planes == 0).sum()))
    assert zeros == sorted(set(zeros))


@pytest.mark.parametrize("spread", [0.1, 0.5, 0.9])
def test_the_start_is_the_weight_stretched(spread: float) -> None:
    weight = torch.randn(50, 20, dtype=torch.float64) * 1e-3
    theta = TanhWeight(initial_spread=spread).right_inverse(weight)
    assert math.isclose(torch.tanh(theta).square().mean().sqrt().item(), spread, rel_tol=1e-9)
    torch.testing.assert_close(
        theta / weight, (theta / weight)[0, 0].expand(50, 20), rtol=1e-12, atol=0
    )


def test_the_papers_start_is_the_weight_itself_and_all_zeros() -> None:
    weight = torch.randn(5, 4) * 0.1
    made = TanhWeight(initial_spread=None)
    assert made.right_inverse(weight) is weight
    assert not made.decompose(weight).planes.any()


def test_a_model_is_soft_in_training_and_ternary_in_evaluation() -> None:
    model = quant.ternarize(torch.nn.Sequential(torch.nn.Linear(30, 20, bias=False)).eval(), "esa")
    assert set(model[0].weight.unique().tolist()) == {-1.0, 0.0, 1.0}
    assert len(model.train()[0].weight.unique()) > 500


def test_registered_and_printed() -> None:
    assert METHODS["esa"] is TanhWeight
    assert repr(TanhWeight()) == (
        "TanhWeight(alpha=0.5, strength=10.0, mean=True, ramp=0.8, initial_spread=0.5, raised=(), "
        "harden=None, sparsity=None, normalized=False, least_in_row=0)"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 2.5}, "alpha must be at least 0 and at most 2, not 2.5"),
        ({"strength": -1}, "strength must be at least 0, not -1"),
        ({"ramp": 1.5}, "ramp must be at least 0 and at most 1, not 1.5"),
        ({"initial_spread": 1}, "initial_spread must be above 0 and below 1, not 1"),
        ({"sparsity": 1}, "sparsity must be above 0 and below 1, not 1"),
        ({"least_in_row": 3}, "least_in_row belongs to sparsity: 3 without it"),
        ({"least_in_row": -1, "sparsity": 0.5}, "least_in_row must be at least 0, not -1"),
        ({"harden": 1.5}, "harden must be at least 0 and at most 1, not 1.5"),
        ({"raise_at": (1,), "raise_by": (2,)}, "raise_at must be above 0 and below 1, not 1"),
        ({"raise_at": (0.5,), "raise_by": (0,)}, "raise_by must be above 0, not 0"),
        ({"raise_at": (0.5, 0.5), "raise_by": (2, 2)}, "raise_at must ascend, not (0.5, 0.5)"),
        (
            {"raise_at": (0.5,)},
            "raise_at and raise_by must be equally many numbers, not (0.5,) and ()",
        ),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        TanhWeight(**options)
    assert str(caught.value) == message
