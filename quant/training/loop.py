"""Training that can be killed at any moment and resumed to the same weights, bit for bit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm  # type: ignore[import-untyped]

from tritforge.errors import UserError
from tritforge.files import write_atomic
from tritforge.quant import checkpoint
from tritforge.quant.data.augment import augmented
from tritforge.quant.data.dataset import Dataset, values
from tritforge.quant.evaluate import exact, right_answers
from tritforge.quant.training.distributed import current, synchronized
from tritforge.quant.training.divergence import Watch, cause
from tritforge.quant.training.objective import (
    begin_step,
    penalty,
    step_thresholds,
    threshold_parameters,
)
from tritforge.quant.training.recalibrate import recalibrate
from tritforge.quant.training.resume import EpochRecord, ResumeState, fingerprint
from tritforge.quant.training.settings import TrainingConfig

__all__ = ["TrainingConfig", "TrainingError", "TrainingResult", "train"]

LOG = "log.csv"

_JUDGED = 10_000
"""Training images that the final model is judged by; in float64 all of MNIST's cost as much as two
epochs."""


class TrainingError(UserError):
    """A training that cannot go on; the message says what to change."""


@dataclass(frozen=True, kw_only=True)
class TrainingResult:
    """What a training gave.

    Parameters
    ----------
    train_accuracy: share of training images, of the first 10,000 at the most, that the final model
        classifies rightly.
    test_accuracy: the same for the held-out images, read once, after the last step.
    train_images, test_images: how many images these figures are of.
    epochs: how many were trained in all, resumed ones included.
    resumed_epochs: how many of them an earlier run had done.
    seconds: wall time of this run.
    validation_accuracy: the same share of the training images that were held apart; None without
        any.
    validation_images: how many these are; they are not among ``train_images``.
    kept_epoch: the epoch whose weights these are.

    All accuracies are those of the exact model (float64, evaluation), the one that the hardware
    equals.
    """

    train_accuracy: float
    test_accuracy: float
    train_images: int
    test_images: int
    epochs: int
    resumed_epochs: int
    seconds: float
    validation_accuracy: float | None
    validation_images: int
    kept_epoch: int


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

    Cross entropy, by the optimizer and schedule of ``config``; plus what the ternarization method
    asks for (``tritforge.quant.training.objective``): a penalty in the loss, a pass of plain SGD
    for its thresholds. Everything random in an epoch derives from (seed, epoch), so a run that is
    killed and resumed makes the same steps as one that is not. No choice depends on the held-out
    images, which are read once, at the end.

    In each of several processes (``tritforge.quant.training.distributed``) the call is the same:
    the batches are shared out among them, and the result differs from that of one process by the
    order of summation alone, in a model without dropout. The first process writes the files; all
    must see ``directory``.

    Files: model.safetensors and model.json (``tritforge.quant.checkpoint``) at the end; log.csv,
    one line per epoch; resume.safetensors while the training is unfinished.

    Parameters
    ----------
    model: scores [N, classes] from images [N, C, H, W]; at its starting weights, also when
        resuming.
    resume: whether to continue from resume.safetensors if there is one. False restarts and replaces
        it.
    progress: whether to show a bar with the loss and the training accuracy.
    meta: more to keep in the checkpoint, beside the configuration and the figures.
    save_interval_s: least time between two resume states, in seconds; the work a kill can cost.

    Raises
    ------
    ResumeError: resume.safetensors is damaged or of a run with another model, data or
        configuration.
    TrainingError: the loss is not finite: the message names the step and the layer, and
        resume.safetensors keeps the state of the last good epoch. Or a batch of one image meets a
        batch norm, or ``mixed_precision`` or ``compile`` the CPU; or several processes a directory
        that they do not share.
    DatasetError: more validation images than there are.
    """
    begin = time.monotonic()
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    threads = torch.get_num_threads()
    torch.set_num_threads(config.threads)
    try:
        training = _Training(model, dataset, config, directory)
        if resume:
            training.resume()
        resumed = len(training.history)
        training.run(progress, save_interval_s)
        result = _measure(training, training.finish(), resumed, begin)
    finally:
        torch.set_num_threads(threads)
    if training.processes.first:
        described = {
            **(meta or {}),
            "training": asdict(config),
            "dataset": dataset.description,
            "result": asdict(result),
            "history": [asdict(record) for record in training.history],
        }
        checkpoint.save(directory, model, described)
        training.state.remove()
    training.processes.wait()
    return result


class _Training:
    """One run: what ``train`` was given, and how far it is."""

    def __init__(
        self, model: nn.Module, dataset: Dataset, config: TrainingConfig, directory: Path
    ) -> None:
        self.model, self.config, self.processes = model, config, current()
        self.device = next(model.parameters()).device
        self.held_apart: tuple[Tensor, Tensor] | None = None
        if config.validation:
            dataset, *apart = dataset.validation_split(config.validation)
            self.held_apart = (apart[0], apart[1])
        self.dataset = dataset
        run = {
            **fingerprint(model, dataset, asdict(config)),
            "number of processes": self.processes.count,
        }
        self.state = ResumeState(directory, run)
        self.parameters = _moved(model)
        self.optimizer = _optimizer(self.parameters, config)
        self.batches = math.ceil(len(dataset.train_images) / config.batch_size)
        self.history: list[EpochRecord] = []
        self.best: dict[str, Tensor] = {}
        self._check()

    def _check(self) -> None:
        """Refuse what would fail or mislead in the middle of the run."""
        smallest = len(self.dataset.train_images) // self.batches
        if smallest < self.processes.count:
            raise TrainingError(
                f"batch_size {self.config.batch_size} leaves a batch of {smallest} of "
                f"{len(self.dataset.train_images)} images, fewer than the {self.processes.count} "
                "processes: choose a larger one"
            )
        norms = [
            path
            for path, m in self.model.named_modules()
            if isinstance(m, nn.modules.batchnorm._BatchNorm)
        ]
        if norms and smallest < 2:
            raise TrainingError(
                f"batch_size {self.config.batch_size} leaves a batch of one image of "
                f"{len(self.dataset.train_images)}, which batch norm {norms[0]!r} cannot "
                "normalize: choose at least 3, or 2 with an even number of images"
            )
        for name in ("mixed_precision", "compile"):
            if getattr(self.config, name) and self.device.type == "cpu":
                raise TrainingError(f"{name} needs a GPU, the model is on the CPU: leave it out")

    def resume(self) -> None:
        """Go on where an earlier run of the same kind was cut off, if there is one."""
        self.history, self.best = self.state.restore(self.model, self.optimizer)
        done = torch.tensor([len(self.history)], device=self.device)
        self.processes.sum_([done])
        if int(done) != self.processes.count * len(self.history):
            raise TrainingError(
                f"{self.state.directory} is not the same folder in all {self.processes.count} "
                "processes: choose one that all of them see"
            )

    def run(self, progress: bool, save_interval_s: float) -> None:
        """Train the epochs that ``history`` does not have yet."""
        config = self.config
        images, labels = (
            self.dataset.train_images.to(self.device),
            self.dataset.train_labels.to(self.device),
        )
        forward = torch.compile(self.model, dynamic=False) if config.compile else self.model
        saved = time.monotonic()
        bar = tqdm(
            total=config.epochs,
            initial=len(self.history),
            unit="epoch",
            desc="train",
            disable=not (progress and self.processes.first),
        )
        kept: dict[str, Tensor] = {}
        with bar, torch.random.fork_rng(), synchronized(self.model):
            while len(self.history) < config.epochs:
                try:
                    record = self._judged(self._epoch(forward, images, labels))
                except TrainingError:
                    if kept and self.processes.first:  # the state that the last good epoch left
                        self.state.write(kept, self.history)
                    raise
                self.history.append(record)
                if not self.processes.first:
                    continue
                bar.set_postfix(
                    loss=f"{record.loss:.4f}",
                    accuracy=f"{record.train_accuracy:.4f}",
                    refresh=False,
                )
                bar.update()
                if len(self.history) < config.epochs:
                    kept = self.state.tensors(self.model, self.optimizer, self.best)
                    if time.monotonic() - saved >= save_interval_s:
                        self.state.write(kept, self.history)
                        saved = time.monotonic()
                _write_log(self.state.directory / LOG, self.history)

    def _judged(self, record: EpochRecord) -> EpochRecord:
        """Add the accuracy on the validation images; save the weights if it is the best so far."""
        if self.held_apart is None:
            return record
        found = self.accuracy(self.model, *self.held_apart)
        before = [r.validation_accuracy for r in self.history if r.validation_accuracy is not None]
        if self.config.keep == "best" and all(found > other for other in before):
            self.best = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        return replace(record, validation_accuracy=found)

    def accuracy(self, model: nn.Module, images: Tensor, labels: Tensor) -> float:
        """Return the share of ``images`` that ``model`` classifies rightly, over all processes."""
        part = self.processes.part(len(images))
        right = torch.tensor([right_answers(model, images[part], labels[part])], device=self.device)
        self.processes.sum_([right])
        return int(right) / len(images)

    def _epoch(
        self, forward: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor
    ) -> EpochRecord:
        """Make one pass over the images; return its mean loss and its training accuracy."""
        config, model, epoch, processes = self.config, self.model, len(self.history), self.processes
        model.train()
        # A hash, because torch's generator on the CPU looks at the lowest 32 bits of a seed only.
        seeds = np.random.SeedSequence((config.seed, epoch)).generate_state(2)
        torch.manual_seed(int(seeds[0]))
        drawing = torch.Generator().manual_seed(int(seeds[1]))  # for augmentation
        order = torch.randperm(len(images)).to(self.device)
        if processes.rank:  # dropout differs between processes; the order is the same in all
            torch.manual_seed(int(seeds[0]) + processes.rank)
        like = next(model.parameters())
        losses = torch.zeros((), dtype=torch.float64, device=self.device)
        correct = torch.zeros((), dtype=torch.int64, device=self.device)
        watch = Watch(self.device)

        def watched(loss: Tensor) -> Tensor:
            total = loss.detach().clone()
            processes.sum_([total])  # so that all of them stop at the same step
            if watch.failed(total, index):
                raise self._diverged(index)
            return loss

        def judge(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=config.mixed_precision):
                scores = forward(x)  # [n, classes]
            loss = functional.cross_entropy(
                _plain(scores), y, label_smoothing=config.label_smoothing
            )
            return scores, watched(share * loss)

        for index, whole in enumerate(order.tensor_split(self.batches)):
            part = processes.part(len(whole))
            batch = whole[part]
            share = len(batch) / len(whole)  # of one process it is 1
            step, steps = epoch * self.batches + index, config.epochs * self.batches
            begin_step(model, step / steps)
            rate = config.rate(epoch, step, steps)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            x, y = images[batch], labels[batch]
            x = augmented(x, config.augmentation, drawing, config.padding, part=(part, len(whole)))
            x = values(x, like)
            step_thresholds(model, lambda x=x, y=y: judge(x, y)[1], rate, processes)  # type: ignore[misc]
            scores, loss = judge(x, y)
            added = penalty(model, step / steps)
            if added is not None:
                loss = watched(loss + share * added)
            model.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            processes.sum_(p.grad for p in self.parameters if p.grad is not None)
            if config.gradient_clip is not None:
                nn.utils.clip_grad_norm_(self.parameters, config.gradient_clip)
            self.optimizer.step()
            losses += loss.detach() * len(whole)
            correct += (scores.detach().argmax(1) == y).sum()
        failed = watch.step()
        if failed is not None:
            raise self._diverged(failed)
        if not all(bool(parameter.isfinite().all()) for parameter in model.parameters()):
            raise self._diverged(self.batches - 1, "a parameter is not finite after")
        processes.sum_([losses, correct])
        return EpochRecord(
            epoch=epoch + 1,
            loss=float(losses) / len(images),
            train_accuracy=int(correct) / len(images),
        )

    def _diverged(self, step: int, what: str = "the loss is not finite at") -> TrainingError:
        return TrainingError(
            f"{what} step {step + 1} of epoch {len(self.history) + 1}: {cause(self.model)}; lower "
            f"learning_rate ({self.config.learning_rate}) or set gradient_clip"
        )

    def finish(self) -> int:
        """Load the weights to save and re-estimate the statistics; return the weights' epoch."""
        epoch = len(self.history)
        if self.best:
            self.model.load_state_dict(self.best)
            accuracies = [record.validation_accuracy or 0.0 for record in self.history]
            epoch = 1 + accuracies.index(max(accuracies))
        self.model.eval()
        if self.config.recalibrate:
            recalibrate(self.model, self.dataset.train_images[: self.config.recalibrate])
        return epoch


def _plain(scores: Tensor) -> Tensor:
    """Return scores of half precision as float32, others as they are."""
    return scores.float() if scores.dtype == torch.bfloat16 else scores


def _moved(model: nn.Module) -> list[nn.Parameter]:
    """Return the parameters that the optimizer moves: all but thresholds."""
    apart = {id(p) for p in threshold_parameters(model)}
    return [p for p in model.parameters() if p.requires_grad and id(p) not in apart]


def _optimizer(parameters: list[nn.Parameter], config: TrainingConfig) -> torch.optim.Optimizer:
    decayed = {
        "params": [p for p in parameters if p.ndim >= 2],
        "weight_decay": config.weight_decay,
    }
    plain = {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0}
    if config.optimizer == "adam":
        return torch.optim.AdamW([decayed, plain], lr=config.learning_rate)
    return torch.optim.SGD(
        [decayed, plain],
        lr=config.learning_rate,
        momentum=config.momentum,
        nesterov=config.nesterov,
    )


def _measure(training: _Training, kept_epoch: int, resumed: int, begin: float) -> TrainingResult:
    dataset = training.dataset
    final = exact(training.model)
    judged = dataset.train_images[:_JUDGED], dataset.train_labels[:_JUDGED]
    measured = training.accuracy
    return TrainingResult(
        train_accuracy=measured(final, *judged),
        test_accuracy=measured(final, dataset.test_images, dataset.test_labels),
        train_images=len(judged[1]),
        test_images=len(dataset.test_images),
        epochs=training.config.epochs,
        resumed_epochs=resumed,
        seconds=time.monotonic() - begin,
        validation_accuracy=None
        if training.held_apart is None
        else measured(final, *training.held_apart),
        validation_images=0 if training.held_apart is None else len(training.held_apart[1]),
        kept_epoch=kept_epoch,
    )


def _write_log(path: Path, history: list[EpochRecord]) -> None:
    judged = history[0].validation_accuracy is not None
    lines = ["epoch,loss,train_accuracy" + (",validation_accuracy" if judged else "")]
    for record in history:
        more = f",{record.validation_accuracy!r}" if judged else ""
        lines.append(f"{record.epoch},{record.loss!r},{record.train_accuracy!r}{more}")
    write_atomic(path, "\n".join(lines) + "\n")
