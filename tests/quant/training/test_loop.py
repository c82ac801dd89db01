from __future__ import annotations

import csv
import json
import math
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tritforge import quant
from tritforge.quant import checkpoint, datasets
from tritforge.quant.datasets import Dataset
from tritforge.quant.evaluate import accuracy, exact
from tritforge.quant.networks.digits import Digits
from tritforge.quant.training.loop import TrainingError, TrainingResult, train
from tritforge.quant.training.settings import TrainingConfig

REPOSITORY = Path(__file__).parents[3]
CONFIG = TrainingConfig(epochs=6, batch_size=50, learning_rate=0.01, seed=5)


def small_dataset() -> Dataset:
    full = datasets.load("digits")
    return replace(
        full,
        train_images=full.train_images[::9],
        train_labels=full.train_labels[::9],
        test_images=full.test_images[::9],
        test_labels=full.test_labels[::9],
    )


def small_model(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    model = Digits(channels=(3, 4))
    model.pool1 = nn.Sequential(model.pool1, nn.Dropout(0.1))  # so that a step needs random numbers
    return quant.ternarize(model)


def run(directory: Path, model: nn.Module | None = None, **options: Any) -> TrainingResult:
    config = options.pop("config", CONFIG)
    model = small_model() if model is None else model
    return train(
        model, small_dataset(), config, directory, progress=False, save_interval_s=0, **options
    )


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


class Interrupted(Exception):
    pass


def interrupted(directory: Path, after_batches: int, **options: Any) -> None:
    """Train until a batch raises, as Ctrl-C would."""
    model = small_model()
    left = after_batches

    def count(module: nn.Module, inputs: Any) -> None:
        nonlocal left
        if left == 0:
            raise Interrupted
        left -= 1

    model.register_forward_pre_hook(count)
    with pytest.raises(Interrupted):
        run(directory, model, **options)


def weights(directory: Path) -> bytes:
    return (directory / "model.safetensors").read_bytes()


def test_training_writes_a_checkpoint_a_log_and_nothing_else(tmp_path: Path) -> None:
    model = small_model()
    result = run(tmp_path, model, meta={"network": "small"})
    assert sorted(files(tmp_path)) == ["log.csv", "model.json", "model.safetensors"]
    state, meta = checkpoint.load(tmp_path)
    assert all(torch.equal(state[name], tensor) for name, tensor in model.state_dict().items())
    assert meta["network"] == "small"
    assert meta["training"] == json.loads(json.dumps(asdict(CONFIG)))
    assert meta["result"] == asdict(result)
    with open(tmp_path / "log.csv") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert [float(row["loss"]) for row in rows] == [record["loss"] for record in meta["history"]]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert not model.training


def test_the_figures_are_those_of_the_exact_model(tmp_path: Path) -> None:
    model, data = small_model(), small_dataset()
    result = run(tmp_path, model)
    assert result.test_accuracy == accuracy(exact(model), data.test_images, data.test_labels)
    assert result.train_accuracy == accuracy(exact(model), data.train_images, data.train_labels)
    assert (result.train_images, result.test_images) == (
        len(data.train_images),
        len(data.test_images),
    )
    assert (result.epochs, result.resumed_epochs) == (6, 0)


def test_the_held_out_part_cannot_influence_the_weights(tmp_path: Path) -> None:
    data = small_dataset()
    other = replace(data, test_images=1 - data.test_images, test_labels=9 - data.test_labels)
    for name, part in (("a", data), ("b", other)):
        train(small_model(), part, CONFIG, tmp_path / name, progress=False)
    assert weights(tmp_path / "a") == weights(tmp_path / "b")


def test_one_seed_gives_one_result_and_another_seed_another(tmp_path: Path) -> None:
    run(tmp_path / "a")
    torch.rand(7)  # the state of the caller's random numbers must not matter
    run(tmp_path / "b")
    run(tmp_path / "c", config=replace(CONFIG, seed=6))
    assert weights(tmp_path / "a") == weights(tmp_path / "b") != weights(tmp_path / "c")


def test_the_callers_random_numbers_and_threads_are_left_alone(tmp_path: Path) -> None:
    model, threads, seen = small_model(), torch.get_num_threads(), set()
    model.register_forward_pre_hook(lambda module, inputs: seen.add(torch.get_num_threads()))
    try:
        torch.set_num_threads(2)
        torch.manual_seed(1)
        expected = torch.rand(3)
        torch.manual_seed(1)
        run(tmp_path, model)
        assert torch.equal(torch.rand(3), expected)
        assert torch.get_num_threads() == 2
        assert seen == {CONFIG.threads} == {1}
    finally:
        torch.set_num_threads(threads)


def test_each_epoch_shows_every_image_once_in_an_order_of_its_own(tmp_path: Path) -> None:
    model, batches = small_model(), []
    model.register_forward_pre_hook(lambda module, inputs: batches.append(inputs[0]))
    run(tmp_path, model)
    assert {len(batch) for batch in batches[:24]} == {40}  # 160 images, at most 50 in a batch
    epochs = [torch.cat(batches[i : i + 4]).flatten(1).tolist() for i in range(0, 24, 4)]
    images = sorted(small_dataset().train_images.flatten(1).tolist())
    for index, epoch in enumerate(epochs):
        assert sorted(epoch) == images
        assert epoch not in epochs[:index]


def test_the_learning_rate_falls_to_zero_along_a_half_cosine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[float] = []

    class Recording(torch.optim.AdamW):
        def step(self, closure: Any = None) -> Any:
            rates.extend({group["lr"] for group in self.param_groups})
            return super().step(closure)

    monkeypatch.setattr(torch.optim, "AdamW", Recording)
    run(tmp_path)
    assert rates == [0.01 * 0.5 * (1 + math.cos(math.pi * step / 24)) for step in range(24)]


def test_a_model_left_in_evaluation_mode_is_trained_all_the_same(tmp_path: Path) -> None:
    run(tmp_path / "a", small_model().train())
    run(tmp_path / "b", small_model().eval())
    assert weights(tmp_path / "a") == weights(tmp_path / "b")


def test_weight_decay_is_for_weights_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[torch.optim.Optimizer] = []

    class Recording(torch.optim.AdamW):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            made.append(self)

    monkeypatch.setattr(torch.optim, "AdamW", Recording)
    model = small_model()
    run(tmp_path, model, config=replace(CONFIG, weight_decay=0.125))
    decay = {
        id(p): group["weight_decay"] for group in made[0].param_groups for p in group["params"]
    }
    for name, parameter in model.named_parameters():
        assert decay[id(parameter)] == (0.125 if name.endswith("weight.original") else 0.0), name


@pytest.mark.parametrize("batches", [4, 5, 14])
def test_an_interrupted_run_resumes_to_the_same_weights(tmp_path: Path, batches: int) -> None:
    """Four batches an epoch: stop at the end of the first, within the second and within the
    fourth."""
    run(tmp_path / "whole")
    interrupted(tmp_path / "parts", batches)
    assert "model.json" not in files(tmp_path / "parts")
    result = run(tmp_path / "parts")
    assert result.resumed_epochs == batches // 4
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")
    assert files(tmp_path / "parts")["log.csv"] == files(tmp_path / "whole")["log.csv"]
    assert "resume.safetensors" not in files(tmp_path / "parts")


CHILD = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from importlib import util
spec = util.spec_from_file_location("test_train", sys.argv[2])
module = util.module_from_spec(spec)
sys.modules["test_train"] = module  # its dataclasses look themselves up
spec.loader.exec_module(module)

where, left = sys.argv[4], int(sys.argv[5])

def count(*arguments):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

model = module.small_model()
if where == "batch":
    model.register_forward_pre_hook(count)
elif where == "fsync":
    fsync = os.fsync
    os.fsync = lambda descriptor: (count(), fsync(descriptor))
module.run(Path(sys.argv[3]), model)
"""


def child(directory: Path, where: str, count: int) -> int:
    """Train in a process of its own that kills itself at the ``count``-th batch or write."""
    arguments = [str(REPOSITORY), __file__, str(directory), where, str(count)]
    return subprocess.run([sys.executable, "-c", CHILD, *arguments], check=False).returncode


def test_a_killed_process_resumes_to_identical_weights(tmp_path: Path) -> None:
    """SIGKILL within an epoch, then SIGKILL while a resume state is being written, then to the
    end."""
    run(tmp_path / "whole")
    parts = tmp_path / "parts"
    assert child(parts, "batch", 11) == -signal.SIGKILL
    assert set(files(parts)) == {"log.csv", "resume.safetensors"}
    assert child(parts, "fsync", 3) == -signal.SIGKILL
    assert any(name.startswith(".resume") for name in files(parts))
    assert child(parts, "never", 0) == 0
    assert weights(parts) == weights(tmp_path / "whole")
    assert files(parts)["log.csv"] == files(tmp_path / "whole")["log.csv"]
    assert json.loads(files(parts)["model.json"])["meta"]["result"]["resumed_epochs"] == 3


def test_a_finished_run_is_trained_anew(tmp_path: Path) -> None:
    run(tmp_path)
    first = weights(tmp_path)
    assert run(tmp_path).resumed_epochs == 0
    assert weights(tmp_path) == first


def test_resuming_can_be_declined(tmp_path: Path) -> None:
    interrupted(tmp_path, 9)
    other = replace(CONFIG, learning_rate=0.02)
    assert run(tmp_path, resume=False, config=other).resumed_epochs == 0
    run(tmp_path / "other", config=other)
    assert weights(tmp_path) == weights(tmp_path / "other")


def test_a_loss_that_is_not_finite_ends_the_training(tmp_path: Path) -> None:
    model = small_model()
    with torch.no_grad():
        model.bn1.weight.fill_(float("nan"))
    with pytest.raises(TrainingError) as caught:
        run(tmp_path, model)
    assert str(caught.value) == (
        "the loss is not finite at step 1 of epoch 1: parameter 'bn1.weight' is not finite; "
        "lower learning_rate (0.01) or set gradient_clip"
    )
    assert files(tmp_path) == {}


def test_progress_shows_loss_and_accuracy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(small_model(), small_dataset(), replace(CONFIG, epochs=2), tmp_path)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "train: 100%" in shown.err
    assert "loss=" in shown.err
    assert "accuracy=" in shown.err


@pytest.mark.parametrize("method", ["esa", "tga", "ttq"])
def test_methods_with_more_than_a_latent_weight_learn_and_resume_to_the_same_weights(
    tmp_path: Path, method: str
) -> None:
    def model() -> nn.Module:
        torch.manual_seed(0)
        return quant.ternarize(Digits(channels=(3, 4)), method)

    class Stop(Exception):
        pass

    config = replace(CONFIG, epochs=3)
    stopped, batches = model(), iter(range(9 if method == "tga" else 5))

    def stop(module: nn.Module, inputs: Any) -> None:
        if next(batches, None) is None:
            raise Stop

    stopped.register_forward_pre_hook(stop)
    with pytest.raises(Stop):
        run(tmp_path / "resumed", stopped, config=config)
    assert (tmp_path / "resumed" / "resume.safetensors").is_file()
    trained = model()
    run(tmp_path / "whole", trained, config=config)
    assert run(tmp_path / "resumed", model(), config=config).resumed_epochs > 0
    assert weights(tmp_path / "whole") == weights(tmp_path / "resumed")
    with (tmp_path / "whole" / "log.csv").open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert losses[-1] < losses[0]


SGD = replace(
    CONFIG,
    optimizer="sgd",
    learning_rate=0.05,
    nesterov=True,
    schedule="step",
    milestones=(2, 4),
    label_smoothing=0.1,
    gradient_clip=0.5,
    augmentation="crop-flip",
    validation=30,
    keep="best",
    recalibrate=100,
)
"""Everything that is off by default."""


@pytest.mark.parametrize("batches", [5, 14])
def test_with_everything_on_an_interrupted_run_resumes_to_the_same_weights(
    tmp_path: Path, batches: int
) -> None:
    """Three batches an epoch, and one of evaluation."""
    whole = run(tmp_path / "whole", config=SGD)
    interrupted(tmp_path / "parts", batches, config=SGD)
    result = run(tmp_path / "parts", config=SGD)
    assert result.resumed_epochs == batches // 4
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")
    assert files(tmp_path / "parts")["log.csv"] == files(tmp_path / "whole")["log.csv"]
    assert (result.kept_epoch, result.test_accuracy) == (whole.kept_epoch, whole.test_accuracy)


def test_the_epoch_with_the_best_validation_accuracy_is_kept(tmp_path: Path) -> None:
    config = replace(
        CONFIG, learning_rate=0.3, validation=40, keep="best"
    )  # too fast to end at its best
    model = small_model()
    result = run(tmp_path / "best", model, config=config)
    with (tmp_path / "best" / "log.csv").open() as file:
        judged = [float(row["validation_accuracy"]) for row in csv.DictReader(file)]
    assert result.kept_epoch == 1 + judged.index(max(judged)) < 6
    assert result.validation_accuracy is not None
    assert (
        abs(result.validation_accuracy - max(judged)) <= 1 / 40
    )  # float64 may decide a tie otherwise
    assert (result.validation_images, result.train_images) == (40, 120)
    last = run(tmp_path / "last", config=replace(config, keep="last"))
    assert last.kept_epoch == 6
    assert weights(tmp_path / "best") != weights(tmp_path / "last")


def test_selection_does_not_look_at_the_held_out_part(tmp_path: Path) -> None:
    data = small_dataset()
    other = replace(data, test_images=1 - data.test_images, test_labels=9 - data.test_labels)
    for name, part in (("a", data), ("b", other)):
        train(small_model(), part, SGD, tmp_path / name, progress=False)
    assert weights(tmp_path / "a") == weights(tmp_path / "b")


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer": "adam", "nesterov": False},
        {"nesterov": False},
        {"momentum": 0.8},
        {"milestones": (3, 4)},
        {"factor": 0.5},
        {"label_smoothing": 0.0},
        {"gradient_clip": None},
        {"augmentation": "none"},
        {"recalibrate": 0},
    ],
    ids=str,
)
def test_every_setting_has_its_effect(tmp_path: Path, change: dict[str, Any]) -> None:
    run(tmp_path / "a", config=SGD)
    run(tmp_path / "b", config=replace(SGD, **change))
    assert weights(tmp_path / "a") != weights(tmp_path / "b")


def test_bytes_are_trained_on_as_their_values(tmp_path: Path) -> None:
    data = small_dataset()
    quantized = (data.train_images * 255).round().to(torch.uint8)
    as_bytes = replace(
        data, train_images=quantized, test_images=(data.test_images * 255).to(torch.uint8)
    )
    as_values = replace(
        data, train_images=quantized.float() / 255, test_images=as_bytes.test_images.float() / 255
    )
    results = [
        train(small_model(), part, CONFIG, tmp_path / name, progress=False)
        for name, part in (("a", as_bytes), ("b", as_values))
    ]
    assert weights(tmp_path / "a") == weights(tmp_path / "b")
    assert results[0].test_accuracy == results[1].test_accuracy


def test_a_parameter_that_runs_away_is_named_and_the_last_good_epoch_is_kept(
    tmp_path: Path,
) -> None:
    """Delta of a layer becomes NaN in the third epoch of four batches, each of two passes."""
    torch.manual_seed(0)
    model = quant.ternarize(Digits(channels=(3, 4)), "tga")
    delta = model.conv2.parametrizations.weight[0].delta  # type: ignore[union-attr,index]
    calls = 0

    def spoil(module: nn.Module, inputs: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 2 * 4 * 2 + 3:
            with torch.no_grad():
                delta.fill_(float("nan"))

    model.register_forward_pre_hook(spoil)
    with pytest.raises(TrainingError) as caught:
        train(model, small_dataset(), CONFIG, tmp_path, progress=False, save_interval_s=1e9)
    assert str(caught.value) == (
        "the loss is not finite at step 2 of epoch 3: delta of layer 'conv2' is nan; "
        "lower learning_rate (0.01) or set gradient_clip"
    )
    assert sorted(files(tmp_path)) == ["log.csv", "resume.safetensors"]
    torch.manual_seed(0)
    again = quant.ternarize(Digits(channels=(3, 4)), "tga")
    assert run(tmp_path, again).resumed_epochs == 2


@pytest.mark.parametrize(("batch_size", "images"), [(1, 160), (2, 159)])
def test_a_batch_of_one_with_a_batch_norm_is_refused(
    tmp_path: Path, batch_size: int, images: int
) -> None:
    data = small_dataset()
    some = replace(
        data, train_images=data.train_images[:images], train_labels=data.train_labels[:images]
    )
    with pytest.raises(TrainingError) as caught:
        train(small_model(), some, replace(CONFIG, batch_size=batch_size), tmp_path, progress=False)
    assert str(caught.value) == (
        f"batch_size {batch_size} leaves a batch of one image of {images}, which batch norm 'bn1' "
        "cannot "
        "normalize: choose at least 3, or 2 with an even number of images"
    )


@pytest.mark.parametrize("setting", ["mixed_precision", "compile"])
def test_what_needs_a_gpu_is_refused_without_one(tmp_path: Path, setting: str) -> None:
    with pytest.raises(TrainingError) as caught:
        run(tmp_path, config=replace(CONFIG, **{setting: True}))
    assert str(caught.value) == f"{setting} needs a GPU, the model is on the CPU: leave it out"
