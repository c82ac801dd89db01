"""The first equality of the contract: the torch model in float64 and the reference give the same
integers."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.export.models import assert_same_integers, sequential, shaken
from tritforge import quant
from tritforge.export.ir import serialize
from tritforge.export.ir.nodes import Threshold
from tritforge.export.lowering.lower import lower
from tritforge.quant.activation import UnsignedQuantizer
from tritforge.quant.apply import accumulator_unit
from tritforge.quant.datasets import load
from tritforge.quant.evaluate import exact, integer_activations
from tritforge.quant.networks.digits import Digits
from tritforge.sim.reference import run

WORDS = 64 + 8 * 8 * 16 + 4 * 4 * 24 + 10 + 1
"""Integers of an image of the default digits network: input, two activations, scores, class."""


def images(count: int, *shape: int, seed: int = 0) -> Tensor:
    return torch.rand(count, *shape, generator=torch.Generator().manual_seed(seed))


def digits(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    model = quant.ternarize(Digits())
    model.train()
    for _ in range(8):  # the norms' running statistics
        model(torch.rand(64, 1, 8, 8))
    return model


def norms(model: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]


def test_digits_as_initialised() -> None:
    model = digits()
    assert (
        assert_same_integers(model, lower(model, (1, 8, 8), name="digits"), images(50, 1, 8, 8))
        == 50 * WORDS
    )


def test_digits_after_real_training() -> None:
    torch.manual_seed(3)
    data = load("digits")
    model = quant.ternarize(Digits(channels=(6, 8)))
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    x, y = data.train_images, data.train_labels
    for step in range(60):
        part = slice(step * 64 % 1280, step * 64 % 1280 + 64)
        loss = nn.functional.cross_entropy(model(x[part]), y[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert_same_integers(model, lower(model, (1, 8, 8), name="digits"), data.test_images)


@pytest.mark.parametrize("seed", range(3))
def test_norms_with_any_sign_and_size(seed: int) -> None:
    model = shaken(digits(seed), seed)
    lowered = lower(model, (1, 8, 8), name="digits")
    assert assert_same_integers(model, lowered, images(30, 1, 8, 8)) == 30 * WORDS


def test_all_slopes_negative_or_zero() -> None:
    model = digits()
    for norm in norms(model):
        with torch.no_grad():
            norm.weight.neg_()
            norm.weight[::3] = 0.0
            norm.bias.copy_(
                torch.linspace(-1, 3, len(norm.bias))
            )  # constant channels of every code
    lowered = lower(model, (1, 8, 8), name="digits")
    assert assert_same_integers(model, lowered, images(30, 1, 8, 8)) == 30 * WORDS
    codes = integer_activations(exact(model), images(30, 1, 8, 8))["act1"][:, ::3]
    assert (codes == codes[:1, :, :1, :1]).all()
    assert np.unique(codes).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("sign", [1, -1])
def test_thresholds_on_exact_ties(sign: int) -> None:
    """Put the first step of every channel of act1 exactly on an integer, where rounding alone
    decides."""
    model = exact(digits())
    assert isinstance(model, Digits)
    unit = float(accumulator_unit(model.conv1, model.quant_in))
    step = model.act1.effective_step().item()
    integers = torch.arange(-3, 13, dtype=torch.float64)
    norm = model.bn1
    with torch.no_grad():
        norm.eps = 0.0
        norm.running_mean.zero_()  # type: ignore[union-attr]
        norm.running_var.fill_(1.0)  # type: ignore[union-attr]
        norm.weight.fill_(float(sign))
        norm.bias.copy_(step / 2 - sign * unit * integers)  # exact: 12 + 12 + 4 bits
    lowered = lower(model, (1, 8, 8), name="digits")
    threshold = lowered.network.nodes[1]
    assert isinstance(threshold, Threshold)
    assert threshold.thresholds[:, 0].tolist() == (sign * integers).tolist()
    x = images(200, 1, 8, 8)
    assert assert_same_integers(model, lowered, x) == 200 * WORDS
    inputs = integer_activations(model, x)["quant_in"].transpose(0, 2, 3, 1)
    ties = run(lowered.network, inputs)["conv1"] == threshold.thresholds[:, 0]
    assert ties.any(axis=(0, 1, 2)).all()  # every channel met its tie


def test_scores_that_tie_take_the_lowest_class() -> None:
    model = sequential(nn.Flatten(), nn.Linear(4, 3))
    linear = model[2]
    with torch.no_grad():
        latent = linear.parametrizations.weight.original
        latent[1:] = latent[0]  # three equal rows
        linear.parametrizations.bias.original.zero_()
    lowered = lower(model, (1, 2, 2), name="ties")
    assert assert_same_integers(model, lowered, images(20, 1, 2, 2)) == 20 * (4 + 3 + 1)
    classes = run(lowered.network, np.ones((1, 2, 2, 1), dtype=np.int64))["argmax"]
    assert classes.ravel().tolist() == [0]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31 - 1))
def test_every_input_of_a_small_network(seed: int) -> None:
    model = sequential(
        nn.Linear(4, 5), nn.BatchNorm1d(5), UnsignedQuantizer(3), nn.Linear(5, 3), bits=2, seed=seed
    )
    grid = torch.tensor(list(itertools.product(range(4), repeat=4)), dtype=torch.float32) / 4
    lowered = lower(model, (4,), name="small")
    assert assert_same_integers(model, lowered, grid) == 256 * (4 + 5 + 3 + 1)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31 - 1),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    stride=st.integers(1, 2),
    padding=st.integers(0, 2),
    bias=st.booleans(),
    norm=st.booleans(),
    relu=st.booleans(),
    pool=st.booleans(),
    bits=st.integers(1, 5),
)
def test_random_networks(
    seed: int,
    kernel: tuple[int, int],
    stride: int,
    padding: int,
    bias: bool,
    norm: bool,
    relu: bool,
    pool: bool,
    bits: int,
) -> None:
    stage = [nn.Conv2d(2, 4, kernel, stride=stride, padding=padding, bias=bias)]
    stage += [nn.BatchNorm2d(4)] * norm + [nn.ReLU()] * relu + [UnsignedQuantizer(bits)]
    stage += [nn.MaxPool2d(2)] * pool + [
        nn.Conv2d(4, 3, 1, bias=bias),
        UnsignedQuantizer(2),
        nn.Flatten(),
    ]
    sample = images(9, 2, 7, 6, seed=seed % 1000)
    with torch.no_grad():
        size = nn.Sequential(*stage)(sample[:1]).shape[1]
    model = sequential(*stage, nn.Linear(size, 3, bias=bias), seed=seed)
    lowered = lower(model, (2, 7, 6), name="random")
    assert assert_same_integers(model, lowered, sample) > 9 * (2 * 7 * 6 + size + 3)


def test_equality_survives_the_file(tmp_path: Path) -> None:
    model = shaken(digits())
    lowered = lower(model, (1, 8, 8), name="digits")
    serialize.save(lowered.network, tmp_path)
    again = serialize.load(tmp_path)
    x = integer_activations(exact(model), images(20, 1, 8, 8))["quant_in"].transpose(0, 2, 3, 1)
    expected, found = run(lowered.network, x), run(again, x)
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("padding", [0, (2, 3), "same"])
def test_groups_and_dilation(padding: int | tuple[int, int] | str) -> None:
    """Grouped, depthwise and dilated convolutions as torch has them."""
    torch.manual_seed(0)
    model = sequential(
        nn.Conv2d(4, 6, 3, groups=2, dilation=(1, 2), padding=padding),
        UnsignedQuantizer(2),
        nn.Conv2d(6, 6, (3, 1), groups=6, dilation=2, padding=padding),
        UnsignedQuantizer(2),
        nn.Conv2d(6, 3, 1, groups=3),
        UnsignedQuantizer(3),
    )
    lowered = lower(model, (4, 9, 9), name="groups", argmax=False)
    assert [node.groups for node in lowered.network.matrix_nodes()] == [2, 6, 3]  # type: ignore[attr-defined]
    assert assert_same_integers(model, lowered, images(5, 4, 9, 9)) > 5 * 4 * 81
