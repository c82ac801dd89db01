from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tritforge import quant
from tritforge.quant import datasets
from tritforge.quant.networks.digits import Digits
from tritforge.quant.training.divergence import Watch, cause
from tritforge.quant.training.loop import TrainingError, train
from tritforge.quant.training.settings import TrainingConfig


def losses(*values: float) -> list[torch.Tensor]:
    return [torch.tensor(value) for value in values]


def test_on_the_cpu_a_step_is_known_at_once() -> None:
    watch = Watch(torch.device("cpu"))
    found = [watch.failed(loss, step) for step, loss in enumerate(losses(1, 2, float("inf"), 3))]
    assert found == [False, False, True, False]
    assert watch.step() == 2
    assert Watch(torch.device("cpu")).step() is None


def test_elsewhere_it_is_noted_and_asked_for_once() -> None:
    watch = Watch(torch.device("cpu"))
    watch._at_once = False
    assert not any(
        watch.failed(loss, step)
        for step, loss in enumerate(losses(1, float("nan"), 1, float("nan")))
    )
    assert watch.step() == 1


def spoiled(method: str, path: str, value: float) -> nn.Module:
    torch.manual_seed(0)
    model = quant.ternarize(Digits(channels=(2, 3)), method)
    with torch.no_grad():
        model.get_parameter(path).fill_(value)
    return model


LATENT = "parametrizations.weight.original"


@pytest.mark.parametrize(
    ("method", "path", "value", "message"),
    [
        (
            "ttq",
            "conv2.parametrizations.weight.0.negative",
            float("inf"),
            "negative of layer 'conv2' is inf",
        ),
        (
            "tga",
            "conv1.parametrizations.weight.0.delta",
            float("nan"),
            "delta of layer 'conv1' is nan",
        ),
        (
            "ics",
            f"classifier.{LATENT}",
            float("nan"),
            "layer 'classifier': the weight of shape [10, 48] holds values that are not finite",
        ),
        (
            "twn",
            f"conv1.{LATENT}",
            0.0,
            "layer 'conv1': the weight of shape [2, 1, 3, 3] is all zero: TWN finds no threshold "
            "in it",
        ),
        (
            "tga",
            f"conv2.{LATENT}",
            0.25,
            "layer 'conv2': the weight of shape [3, 2, 3, 3] is constant: TGA finds no spread in "
            "it",
        ),
        ("ics", "bn2.bias", float("nan"), "parameter 'bn2.bias' is not finite"),
        ("ics", "bn2.bias", 7.0, "every parameter is still finite"),
    ],
)
def test_the_cause_is_named(method: str, path: str, value: float, message: str) -> None:
    assert cause(spoiled(method, path, value)) == message


def test_the_last_step_of_an_epoch_cannot_leave_what_is_not_finite(tmp_path: Path) -> None:
    """Its own loss is still finite; the state to go on from is that of the epoch before."""
    torch.manual_seed(0)
    model = quant.ternarize(Digits(channels=(2, 3)), "tga")
    ruined = model.get_parameter("classifier.parametrizations.weight.0.delta")
    steps = 0

    class Ruining(torch.optim.AdamW):
        def step(self, closure: Any = None) -> Any:
            nonlocal steps
            steps += 1
            if steps == 4:
                ruined.data.fill_(float("nan"))
            return super().step(closure)

    config = TrainingConfig(epochs=3, batch_size=720, learning_rate=0.01, seed=5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim, "AdamW", Ruining)
        with pytest.raises(TrainingError) as caught:
            train(model, datasets.load("digits"), config, tmp_path, progress=False)
    assert str(caught.value) == (
        "a parameter is not finite after step 2 of epoch 2: delta of layer 'classifier' is nan; "
        "lower learning_rate (0.01) or set gradient_clip"
    )
    torch.manual_seed(0)
    again = quant.ternarize(Digits(channels=(2, 3)), "tga")
    assert (
        train(again, datasets.load("digits"), config, tmp_path, progress=False).resumed_epochs == 1
    )
