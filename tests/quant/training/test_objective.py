"""The hooks of the methods: ESA's penalty, and the first pass of Algorithm 1 for TGA's
thresholds."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tritforge import quant
from tritforge.quant import datasets
from tritforge.quant.activation import UnsignedQuantizer
from tritforge.quant.methods.tga import TruncatedGaussian
from tritforge.quant.networks.digits import Digits
from tritforge.quant.training.loop import train
from tritforge.quant.training.objective import (
    penalty,
    step_thresholds,
    ternarizers,
    threshold_parameters,
)
from tritforge.quant.training.settings import TrainingConfig


def batch(seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(16, 1, 8, 8, generator=generator), torch.randint(
        10, (16,), generator=generator
    )


def loss(model: nn.Module) -> Tensor:
    x, y = batch()
    return nn.functional.cross_entropy(model(x), y)


def test_the_ternarizers_are_found_with_their_latent_weights() -> None:
    model = quant.ternarize(Digits(channels=(2, 3)), "tga")
    found = list(ternarizers(model))
    layers = [model.conv1, model.conv2, model.classifier]
    assert [latent for _, latent in found] == [m.parametrizations.weight.original for m in layers]
    assert all(isinstance(ternarizer, TruncatedGaussian) for ternarizer, _ in found)
    assert list(ternarizers(Digits())) == []


def test_the_penalty_is_the_sum_over_the_layers() -> None:
    model = quant.ternarize(Digits(channels=(2, 3)), "esa", ramp=0.5)
    value = penalty(model, 0.25)
    assert value is not None
    each = [t.penalty(latent, 0.25) for t, latent in ternarizers(model)]
    assert value.item() == torch.stack([term for term in each if term is not None]).sum().item()
    value.backward()
    assert all(latent.grad is not None for _, latent in ternarizers(model))
    assert penalty(quant.ternarize(Digits()), 0.5) is None


def test_a_pass_moves_the_thresholds_by_plain_sgd_and_nothing_else() -> None:
    model = quant.ternarize(Digits(channels=(2, 3)), "tga")
    deltas = threshold_parameters(model)
    assert len(deltas) == 3
    before = copy.deepcopy(model.state_dict())
    gradients = torch.autograd.grad(
        loss(copy_of := copy.deepcopy(model)), threshold_parameters(copy_of)
    )
    step_thresholds(model, lambda: loss(model), 0.001)
    moved = {
        name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])
    }
    assert moved == {
        f"{path}.parametrizations.weight.0.delta" for path in ("conv1", "conv2", "classifier")
    }
    for (ternarizer, latent), gradient in zip(ternarizers(model), gradients, strict=True):
        assert isinstance(ternarizer, TruncatedGaussian)
        start = 0.1 * latent.detach().abs().max()
        assert torch.equal(ternarizer.delta.detach(), start - 0.001 * gradient)
    assert all(p.grad is None for p in model.parameters())


def test_thresholds_are_settled_after_the_pass() -> None:
    model = quant.ternarize(
        nn.Sequential(UnsignedQuantizer(4), nn.Flatten(), nn.Linear(64, 10)), "tga", clip_lowest=0.2
    )
    step_thresholds(model, lambda: loss(model), 1e4)
    ((ternarizer, latent),) = ternarizers(model)
    assert isinstance(ternarizer, TruncatedGaussian)
    assert 0.2 * latent.std() <= ternarizer.delta <= 3 * latent.std()


def test_without_thresholds_the_model_is_not_even_run() -> None:
    def never() -> Tensor:
        raise AssertionError

    step_thresholds(quant.ternarize(Digits()), never, 0.1)


def test_the_gradient_of_a_threshold_can_be_limited() -> None:
    free, limited = (
        quant.ternarize(copy.deepcopy(network), "tga", gradient_limit=limit)
        for network in [Digits(channels=(2, 3))]
        for limit in (None, 1e-4)
    )
    moved = []
    for model in (free, limited):
        before = [p.detach().clone() for p in threshold_parameters(model)]
        step_thresholds(model, lambda model=model: loss(model), 0.5)  # type: ignore[misc]
        moved.append(
            [
                (p.detach() - b).abs().item()
                for p, b in zip(threshold_parameters(model), before, strict=True)
            ]
        )
    assert max(moved[0]) > 1e-3  # the last layer, without a batch norm behind it
    assert max(moved[1]) <= 0.5 * 1e-4 * (1 + 1e-3)
    assert min(moved[1]) == min(moved[0])


def test_the_gradient_is_clipped_by_the_norm_of_what_the_step_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thresholds have a pass of their own: their gradients neither count nor add up from step to
    step."""
    torch.manual_seed(0)
    model = quant.ternarize(Digits(channels=(3, 4)), "tga")
    clipped: list[list[nn.Parameter]] = []
    monkeypatch.setattr(
        nn.utils, "clip_grad_norm_", lambda parameters, norm: clipped.append(list(parameters))
    )
    config = TrainingConfig(epochs=1, batch_size=720, learning_rate=0.01, seed=5, gradient_clip=1.0)
    train(model, datasets.load("digits"), config, tmp_path, progress=False)
    expected = [
        parameter for name, parameter in model.named_parameters() if not name.endswith(".delta")
    ]
    assert len(clipped) == 2
    for parameters in clipped:
        assert [id(p) for p in parameters] == [id(p) for p in expected]
