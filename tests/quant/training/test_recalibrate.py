from __future__ import annotations

import pytest
import torch
from torch import nn

from tritforge import quant
from tritforge.quant.networks.digits import Digits
from tritforge.quant.training.recalibrate import recalibrate


def test_the_statistics_are_those_of_the_images() -> None:
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(3))
    images = torch.randn(10, 3, 1, 1) * 3 + 1
    recalibrate(model, images, batch=5)
    norm = model[1]
    first, second = images.flatten(1).split(5)
    torch.testing.assert_close(norm.running_mean, images.flatten(1).mean(0))
    torch.testing.assert_close(norm.running_var, (first.var(0) + second.var(0)) / 2)
    assert norm.momentum == 0.1
    assert not norm.training
    assert not model.training


def test_weights_count_as_they_are_deployed() -> None:
    """Those of ESA are soft in training and rounded in evaluation."""
    torch.manual_seed(0)
    model = quant.ternarize(Digits(channels=(3, 4)), "esa")
    images = torch.rand(20, 1, 8, 8)
    before = {name: p.clone() for name, p in model.named_parameters()}
    recalibrate(model, images)
    x = model.quant_in(images)  # type: ignore[operator]
    found = model.conv1(x)  # type: ignore[operator]  # evaluation: rounded weights
    torch.testing.assert_close(model.bn1.running_mean, found.mean((0, 2, 3)))  # type: ignore[union-attr]
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters())


def test_bytes_will_do() -> None:
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(1))
    recalibrate(model, torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1, 1))
    assert model[1].running_mean.item() == 0.5


@pytest.mark.parametrize(("images", "batch"), [(1, 4), (4, 1)])
def test_one_image_has_no_variance(images: int, batch: int) -> None:
    with pytest.raises(ValueError) as caught:
        recalibrate(nn.Sequential(nn.Linear(2, 2)), torch.rand(images, 2), batch)
    assert str(caught.value) == f"images and batch must be at least 2, not {images} and {batch}"
