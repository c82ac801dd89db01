"""TWN against the equations of Li, Zhang and Liu, written a second time in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tritforge.quant.methods.base import METHODS
from tritforge.quant.methods.twn import TernaryWeight
from tritforge.quant.numerics import round_significand

# Sums of these are exact, so that a value can lie exactly on the threshold.
weights = st.lists(st.integers(-64, 64).map(lambda n: n / 16), min_size=1, max_size=40).filter(any)


@given(values=weights, factor=st.sampled_from([0.0, 0.25, 0.5, 0.7, 0.75]))
def test_the_forward_pass_is_threshold_and_mean(values: list[float], factor: float) -> None:
    w = np.array(values)
    threshold = factor * (np.abs(w).sum() / len(w))
    kept = [abs(value) for value in values if abs(value) > threshold]
    alpha = round_significand(torch.tensor(sum(kept) / len(kept), dtype=torch.float64))
    expected = [
        alpha.item() * np.sign(value) if abs(value) > threshold else 0.0 for value in values
    ]
    assert TernaryWeight(factor)(torch.from_numpy(w)).tolist() == expected
    assert torch.equal(TernaryWeight(factor).scale(torch.from_numpy(w)), alpha)


def test_weights_on_the_threshold_count_as_below_it() -> None:
    w = torch.tensor([0.5, 1.0, -0.5, -2.0], dtype=torch.float64)  # mean 1
    assert TernaryWeight(0.5)(w).tolist() == [0.0, 1.5, 0.0, -1.5]


@given(values=weights, seed=st.integers(0, 99))
def test_the_gradient_passes_unchanged(values: list[float], seed: int) -> None:
    w = torch.tensor(values, requires_grad=True)
    upstream = torch.randn(len(values), generator=torch.Generator().manual_seed(seed))
    (gradient,) = torch.autograd.grad(TernaryWeight()(w), w, upstream)
    assert torch.equal(gradient, upstream)


def test_the_zeros_of_a_normal_weight() -> None:
    """0.7 mean|w| is 0.56 sigma, and 42 % of a normal distribution lie within."""
    w = torch.randn(400, 500, dtype=torch.float64)
    zeros = (TernaryWeight().decompose(w).planes == 0).double().mean().item()
    assert 0.415 < zeros < 0.433


def test_a_constant_weight_has_one_magnitude() -> None:
    assert TernaryWeight()(torch.full((3,), -0.25)).tolist() == [-0.25] * 3


def test_registered_and_printed() -> None:
    assert METHODS["twn"] is TernaryWeight
    assert repr(TernaryWeight()) == "TernaryWeight(threshold_factor=0.7)"


@pytest.mark.parametrize("value", [-0.1, 1, float("nan")])
def test_threshold_factors_out_of_range_are_refused(value: float) -> None:
    with pytest.raises(ValueError) as caught:
        TernaryWeight(value)
    assert str(caught.value) == f"threshold_factor must be at least 0 and below 1, not {value!r}"
