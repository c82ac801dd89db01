"""Training on a GPU: what the tests of the other modules show on the CPU, and what a GPU alone
can."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tritforge import quant
from tritforge.quant import datasets
from tritforge.quant.datasets import Dataset
from tritforge.quant.evaluate import exact, predictions
from tritforge.quant.networks.digits import Digits
from tritforge.quant.training.loop import TrainingResult, train
from tritforge.quant.training.settings import TrainingConfig

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU")

CONFIG = TrainingConfig(
    epochs=8,
    batch_size=50,
    learning_rate=0.01,
    seed=5,
    augmentation="crop",
    padding=1,
    validation=50,
)
METHODS: list[tuple[str, dict[str, Any]]] = [
    ("twn", {}),
    ("ics", {"expansion": 2}),
    ("tga", {"gradient_limit": 0.001}),
    ("ttq", {"relative": True}),
    ("sttn", {}),
    ("esa", {"sparsity": 0.5, "harden": 0.5, "normalized": True}),
]
EVERY_METHOD = pytest.mark.parametrize(
    ("method", "options"), METHODS, ids=[name for name, _ in METHODS]
)


def some(images: int) -> Dataset:
    full = datasets.load("digits")
    return replace(
        full, train_images=full.train_images[:images], train_labels=full.train_labels[:images]
    )


def model(method: str, options: dict[str, Any]) -> nn.Module:
    torch.manual_seed(0)
    return quant.ternarize(Digits(channels=(8, 12)), method=method, **options).cuda()


def run(directory: Path, made: nn.Module, images: int = 800, **changed: Any) -> TrainingResult:
    return train(made, some(images), replace(CONFIG, **changed), directory, progress=False)


@EVERY_METHOD
def test_the_exact_model_is_the_same_on_both(
    method: str, options: dict[str, Any], tmp_path: Path
) -> None:
    made = model(method, options)
    assert run(tmp_path, made).train_accuracy > 0.5
    images = some(800).test_images
    here = exact(made)
    scores = here(images.cuda().double())
    assert torch.equal(scores.cpu(), here.cpu()(images.double()))  # not a bit apart


@EVERY_METHOD
def test_no_step_waits_for_the_gpu(method: str, options: dict[str, Any], tmp_path: Path) -> None:
    """An epoch waits as often, to look at its result, however many steps it has."""

    def waits(images: int, epochs: int) -> int:
        made = model(method, options)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                run(tmp_path / f"{images}_{epochs}", made, images, epochs=epochs)
            finally:
                torch.cuda.set_sync_debug_mode("default")
        return sum("called a synchronizing" in str(warning.message) for warning in caught)

    few, many = (waits(images, 2) - waits(images, 1) for images in (450, 850))
    assert 0 < few == many


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what torch.compile itself does
@pytest.mark.parametrize("setting", ["compile", "mixed_precision"])
@EVERY_METHOD
def test_what_only_a_gpu_has(
    setting: str, method: str, options: dict[str, Any], tmp_path: Path
) -> None:
    made = model(method, options)
    result = run(tmp_path, made, **{setting: True})
    assert result.train_accuracy > 0.5
    held_out = some(800)
    right = predictions(exact(made), held_out.test_images) == held_out.test_labels
    assert result.test_accuracy == int(right.sum()) / len(right)


def test_the_steps_are_those_of_the_cpu(tmp_path: Path) -> None:
    """But for the order of summation, in float64, where no format of a GPU's own comes in."""
    losses = []
    for device in ("cuda", "cpu"):
        made = model("ics", {}).double().to(device)
        run(tmp_path / device, made, epochs=1)
        losses.append(float((tmp_path / device / "log.csv").read_text().split()[1].split(",")[1]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)


def test_it_goes_on_where_it_was_cut_off(tmp_path: Path) -> None:
    class Interrupted(Exception):
        pass

    def stop(module: nn.Module, inputs: Any) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise Interrupted

    left = 40
    made = model("tga", {})
    made.register_forward_pre_hook(stop)
    with pytest.raises(Interrupted):
        train(made, some(800), CONFIG, tmp_path, progress=False, save_interval_s=0)
    assert run(tmp_path, model("tga", {})).resumed_epochs == 1
