"""Training that can be killed at any moment and resumed to the same weights, bit for bit."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm  # type: ignore[import-untyped]

from quant import checkpoint
from quant.data.dataset import Dataset
from quant.evaluate import accuracy, exact
from quant.objective import penalty, step_thresholds, threshold_parameters
from quant.resume import EpochRecord, ResumeState, fingerprint

__all__ = ["TrainingConfig", "TrainingError", "TrainingResult", "train"]

LOG = "log.csv"


class TrainingError(ValueError):
    """A training that cannot go on; the message says what to change."""


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """What the user chooses.

    Parameters
    ----------
    epochs: passes over the training images, at least 1.
    batch_size: images per step at the most; the batches of an epoch differ by at most one image.
    learning_rate: of Adam at the first step; it falls to 0 along a half cosine.
    seed: of the order of the images (and of dropout); the caller seeds the starting weights.
    weight_decay: decoupled (AdamW), on parameters of two axes and more.
    threads: of torch; the weights are reproducible for one number of threads on one kind of machine.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    seed: int
    weight_decay: float = 0.0
    threads: int = 1

    def __post_init__(self) -> None:
        for name, lowest in (("epochs", 1), ("batch_size", 1), ("seed", 0), ("threads", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"{name} must be an int, not {value!r}")
            if value < lowest:
                raise ValueError(f"{name} must be at least {lowest}, not {value!r}")
        for name in ("learning_rate", "weight_decay"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise TypeError(f"{name} must be a number, not {value!r}")
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be finite and not negative, not {value!r}")
        if self.learning_rate == 0:
            raise ValueError("learning_rate must be above 0, not 0")


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """What a training gave.

    Parameters
    ----------
    train_accuracy: share of training images that the final model classifies rightly.
    test_accuracy: the same for the held-out images, read once, after the last step.
    train_images, test_images: how many images these figures are of.
    epochs: how many were trained in all, resumed ones included.
    resumed_epochs: how many of them an earlier run had done.
    seconds: wall time of this run.

    Both accuracies are those of the exact model (float64, evaluation), the one that the hardware equals.
    """

    train_accuracy: float
    test_accuracy: float
    train_images: int
    test_images: int
    epochs: int
    resumed_epochs: int
    seconds: float


def train(
    model: nn.Module,
    dataset: Dataset,
    config: TrainingConfig,
    directory: Path | str,
    *,
    resume: bool = True,
    progress: bool = True,
    meta: Mapping[str, Any] | None = None,
    save_interval_s: float = 2.0,
) -> TrainingResult:
    """Train ``model`` in place on the device it is on, and write what comes of it to ``directory``.

    Adam, the learning rate on a half cosine to 0, cross entropy; plus what the ternarization method asks
    for (``quant.objective``): a penalty in the loss, a pass of plain SGD for its thresholds. Everything
    random in an epoch derives from (seed, epoch), so a run that is killed and resumed makes the same steps
    as one that is not.

    Files: model.safetensors and model.json (``quant.checkpoint``) at the end; log.csv, one line per epoch;
    resume.safetensors while the training is unfinished.

    Parameters
    ----------
    model: scores [N, classes] from images [N, C, H, W]; at its starting weights, also when resuming.
    resume: whether to go on from resume.safetensors if there is one. False starts anew and replaces it.
    progress: whether to show a bar with the loss and the training accuracy.
    meta: more to keep in the checkpoint, beside the configuration and the figures.
    save_interval_s: least time between two resume states, in seconds; the work a kill can cost.

    Raises
    ------
    ResumeError: resume.safetensors is damaged or of a run with another model, data or configuration.
    TrainingError: the loss is not finite.
    """
    begin = time.monotonic()
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    threads = torch.get_num_threads()
    torch.set_num_threads(config.threads)
    try:
        state = ResumeState(directory, fingerprint(model, dataset, asdict(config)))
        optimizer = _optimizer(model, config)
        history = state.restore(model, optimizer) if resume else []
        resumed = len(history)
        _run_epochs(model, optimizer, dataset, config, history, state, progress, save_interval_s)
        result = _measure(model, dataset, config, resumed, begin)
    finally:
        torch.set_num_threads(threads)
    described = {
        **(meta or {}),
        "training": asdict(config),
        "dataset": dataset.description,
        "result": asdict(result),
        "history": [asdict(record) for record in history],
    }
    checkpoint.save(directory, model, described)
    state.remove()
    return result


def _run_epochs(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    dataset: Dataset,
    config: TrainingConfig,
    history: list[EpochRecord],
    state: ResumeState,
    progress: bool,
    save_interval_s: float,
) -> None:
    """Train the epochs that ``history`` does not have yet, and append them to it."""
    device = next(model.parameters()).device
    images, labels = dataset.train_images.to(device), dataset.train_labels.to(device)
    saved = time.monotonic()
    bar = tqdm(total=config.epochs, initial=len(history), unit="epoch", desc="train", disable=not progress)
    with bar, torch.random.fork_rng():
        while len(history) < config.epochs:
            record = _epoch(model, optimizer, images, labels, config, len(history))
            history.append(record)
            bar.set_postfix(loss=f"{record.loss:.4f}", accuracy=f"{record.train_accuracy:.4f}", refresh=False)
            bar.update()
            if time.monotonic() - saved >= save_interval_s and len(history) < config.epochs:
                state.save(model, optimizer, history)
                saved = time.monotonic()
            _write_log(state.directory / LOG, history)


def _epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    config: TrainingConfig,
    epoch: int,
) -> EpochRecord:
    """Make one pass over the images and return its mean loss and accuracy, measured on the way."""
    model.train()
    # A hash, because torch's generator on the CPU looks at the lowest 32 bits of a seed only.
    torch.manual_seed(int(np.random.SeedSequence((config.seed, epoch)).generate_state(1)[0]))
    order = torch.randperm(len(images)).to(images.device)
    batches = order.tensor_split(math.ceil(len(images) / config.batch_size))
    total = config.epochs * len(batches)
    losses = torch.zeros((), dtype=torch.float64, device=images.device)
    correct = torch.zeros((), dtype=torch.int64, device=images.device)
    for index, batch in enumerate(batches):
        step = epoch * len(batches) + index
        rate = _learning_rate(config.learning_rate, step, total)
        for group in optimizer.param_groups:
            group["lr"] = rate
        x, y = images[batch], labels[batch]
        step_thresholds(model, lambda x=x, y=y: functional.cross_entropy(model(x), y), rate)  # type: ignore[misc]
        scores = model(x)  # [n, classes]
        loss = functional.cross_entropy(scores, y)
        added = penalty(model, step / total)
        if added is not None:
            loss = loss + added
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
        losses += loss.detach() * len(batch)
        correct += (scores.detach().argmax(1) == y).sum()
    mean = float(losses) / len(images)
    if not math.isfinite(mean):
        raise TrainingError(
            f"the loss is {mean} in epoch {epoch + 1}: lower learning_rate ({config.learning_rate})"
        )
    return EpochRecord(epoch=epoch + 1, loss=mean, train_accuracy=int(correct) / len(images))


def _learning_rate(start: float, step: int, steps: int) -> float:
    """Return the learning rate of a step on the half cosine from ``start`` to 0."""
    return start * 0.5 * (1 + math.cos(math.pi * step / steps))


def _optimizer(model: nn.Module, config: TrainingConfig) -> torch.optim.AdamW:
    apart = {id(p) for p in threshold_parameters(model)}
    parameters = [p for p in model.parameters() if p.requires_grad and id(p) not in apart]
    decayed = {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": config.weight_decay}
    plain = {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0}
    return torch.optim.AdamW([decayed, plain], lr=config.learning_rate)


def _measure(
    model: nn.Module, dataset: Dataset, config: TrainingConfig, resumed: int, begin: float
) -> TrainingResult:
    model.eval()
    final = exact(model)
    return TrainingResult(
        train_accuracy=accuracy(final, dataset.train_images, dataset.train_labels),
        test_accuracy=accuracy(final, dataset.test_images, dataset.test_labels),
        train_images=len(dataset.train_images),
        test_images=len(dataset.test_images),
        epochs=config.epochs,
        resumed_epochs=resumed,
        seconds=time.monotonic() - begin,
    )


def _write_log(path: Path, history: list[EpochRecord]) -> None:
    lines = ["epoch,loss,train_accuracy"]
    lines += [f"{record.epoch},{record.loss!r},{record.train_accuracy!r}" for record in history]
    checkpoint.write_atomic(path, "\n".join(lines) + "\n")
