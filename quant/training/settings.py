"""What the user chooses about a training, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from tritforge.quant.data.augment import AUGMENTATIONS

__all__ = ["KEPT", "OPTIMIZERS", "SCHEDULES", "TrainingConfig"]

OPTIMIZERS = ("adam", "sgd")
SCHEDULES = ("cosine", "step")
KEPT = ("last", "best")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """The settings of a training.

    Parameters
    ----------
    epochs: passes over the training images, at least 1.
    batch_size: images per step at the most; the batches of an epoch differ by at most one image.
    learning_rate: at the first step.
    seed: of the order of the images (and of dropout); the caller seeds the starting weights.
    weight_decay: on parameters of two axes and more; decoupled with Adam, added to the gradient
        with SGD.
    threads: of torch; the weights are reproducible for one number of threads on one kind of
        machine.
    optimizer: "adam" (AdamW) or "sgd".
    momentum, nesterov: of SGD.
    schedule: "cosine": the learning rate falls to 0 along a half cosine, step by step; "step": it
        is multiplied by ``factor`` at the beginning of each epoch in ``milestones`` (the first is
        0), or by the one of ``factors`` in the same place.
    label_smoothing: of the cross entropy, 0..1, 1 not included.
    gradient_clip: largest norm of the gradient of all parameters together; None does not clip.
    augmentation: "none", "crop" or "crop-flip" (``tritforge.quant.data.augment``), drawn in each
        epoch, with ``padding`` pixels.
    validation: how many training images are set aside to measure accuracy after each epoch.
    keep: "last": the weights after the last epoch; "best": those of the epoch with the best
        accuracy on the images held apart, the earliest among equals.
    recalibrate: how many training images re-estimate the statistics of the batch norms in the end,
        with the weights as they are deployed; 0 leaves the running ones. For ESA, whose weights are
        rounded.
    mixed_precision: whether convolutions and dense layers compute in bfloat16; on a GPU alone.
    compile: whether torch.compile compiles the model; on a GPU alone.

    Raises
    ------
    TypeError: a setting has another type.
    ValueError: a setting is out of range, or two contradict each other.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    seed: int
    weight_decay: float = 0.0
    threads: int = 1
    optimizer: str = "adam"
    momentum: float = 0.9
    nesterov: bool = False
    schedule: str = "cosine"
    milestones: tuple[int, ...] = ()
    factor: float = 0.1
    factors: tuple[float, ...] = ()
    label_smoothing: float = 0.0
    gradient_clip: float | None = None
    augmentation: str = "none"
    padding: int = 4
    validation: int = 0
    keep: str = "last"
    recalibrate: int = 0
    mixed_precision: bool = False
    compile: bool = False

    def __post_init__(self) -> None:
        least = {
            "epochs": 1,
            "batch_size": 1,
            "seed": 0,
            "threads": 1,
            "padding": 0,
            "validation": 0,
        }
        least["recalibrate"] = 0
        for name, lowest in least.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"{name} must be an int, not {value!r}")
            if value < lowest:
                raise ValueError(f"{name} must be at least {lowest}, not {value!r}")
        for name in ("learning_rate", "weight_decay", "momentum", "factor", "label_smoothing"):
            self._check_number(name)
        if self.gradient_clip is not None:
            self._check_number("gradient_clip")
        for name in ("learning_rate", "factor", "gradient_clip"):
            if getattr(self, name) == 0:
                raise ValueError(f"{name} must be above 0, not 0")
        for name in ("momentum", "label_smoothing"):
            if getattr(self, name) >= 1:
                raise ValueError(f"{name} must be below 1, not {getattr(self, name)!r}")
        for name, choices in (
            ("optimizer", OPTIMIZERS),
            ("schedule", SCHEDULES),
            ("augmentation", AUGMENTATIONS),
            ("keep", KEPT),
        ):
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"{name} must be one of {', '.join(choices)}, not {getattr(self, name)!r}"
                )
        self._check_together()

    def _check_number(self, name: str) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(f"{name} must be a number, not {value!r}")
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} must be finite and not negative, not {value!r}")

    def _check_together(self) -> None:
        """Refuse settings that contradict each other."""
        steps = [0, *self.milestones]
        if any(b <= a for a, b in pairwise(steps)):
            raise ValueError(
                f"milestones must be epochs above 0 that ascend, not {list(self.milestones)!r}"
            )
        if bool(self.milestones) != (self.schedule == "step"):
            raise ValueError("milestones belong to the schedule 'step': not "
                             f"{list(self.milestones)!r} with {self.schedule!r}")  # fmt: skip
        if self.factors and len(self.factors) != len(self.milestones):
            raise ValueError(f"factors must be one for each of {len(self.milestones)} milestones, "
                             f"not {list(self.factors)!r}")  # fmt: skip
        if not all(math.isfinite(factor) and factor > 0 for factor in self.factors):
            raise ValueError(f"factors must be finite and above 0, not {list(self.factors)!r}")
        if self.nesterov and not (self.optimizer == "sgd" and self.momentum):
            raise ValueError("nesterov needs the optimizer 'sgd' with a momentum above 0")
        if self.keep == "best" and not self.validation:
            raise ValueError("keep 'best' needs validation images to judge by, not 0")

    def rate(self, epoch: int, step: int, steps: int) -> float:
        """Return the learning rate at ``step`` of all ``steps``, in ``epoch``, all from 0."""
        if self.schedule == "cosine":
            return self.learning_rate * 0.5 * (1 + math.cos(math.pi * step / steps))
        passed = sum(epoch >= milestone for milestone in self.milestones)
        factor = math.prod(self.factors[:passed]) if self.factors else self.factor**passed
        return self.learning_rate * factor
