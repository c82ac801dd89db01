from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from tritforge.quant.training.settings import TrainingConfig

CONFIG = TrainingConfig(epochs=6, batch_size=50, learning_rate=0.01, seed=5)


def test_the_rate_of_a_half_cosine() -> None:
    assert [CONFIG.rate(0, step, 7) for step in range(7)] == [
        0.01 * 0.5 * (1 + math.cos(math.pi * step / 7)) for step in range(7)
    ]


def test_the_rate_of_steps() -> None:
    config = replace(CONFIG, schedule="step", milestones=(2, 3), factor=0.5)
    assert [config.rate(epoch, 9, 10) for epoch in range(5)] == [0.01, 0.01, 0.005, 0.0025, 0.0025]


def test_each_milestone_may_have_a_factor_of_its_own() -> None:
    config = replace(CONFIG, schedule="step", milestones=(1, 3), factors=(0.5, 0.125))
    assert [config.rate(epoch, 9, 10) for epoch in range(5)] == [
        0.01,
        0.005,
        0.005,
        0.000625,
        0.000625,
    ]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"epochs": 0}, ValueError, "epochs must be at least 1, not 0"),
        ({"epochs": 1.5}, TypeError, "epochs must be an int, not 1.5"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1, not 0"),
        ({"seed": -1}, ValueError, "seed must be at least 0, not -1"),
        ({"threads": True}, TypeError, "threads must be an int, not True"),
        ({"learning_rate": "fast"}, TypeError, "learning_rate must be a number, not 'fast'"),
        ({"learning_rate": 0}, ValueError, "learning_rate must be above 0, not 0"),
        (
            {"learning_rate": float("inf")},
            ValueError,
            "learning_rate must be finite and not negative, not inf",
        ),
        ({"momentum": 1.0}, ValueError, "momentum must be below 1, not 1.0"),
        ({"label_smoothing": 1}, ValueError, "label_smoothing must be below 1, not 1"),
        ({"gradient_clip": 0}, ValueError, "gradient_clip must be above 0, not 0"),
        ({"optimizer": "lion"}, ValueError, "optimizer must be one of adam, sgd, not 'lion'"),
        ({"schedule": "flat"}, ValueError, "schedule must be one of cosine, step, not 'flat'"),
        (
            {"augmentation": "all"},
            ValueError,
            "augmentation must be one of none, crop, crop-flip, not 'all'",
        ),
        ({"keep": "first"}, ValueError, "keep must be one of last, best, not 'first'"),
        ({"keep": "best"}, ValueError, "keep 'best' needs validation images to judge by, not 0"),
        (
            {"nesterov": True},
            ValueError,
            "nesterov needs the optimizer 'sgd' with a momentum above 0",
        ),
        (
            {"schedule": "step", "milestones": (3, 3)},
            ValueError,
            "milestones must be epochs above 0 that ascend, not [3, 3]",
        ),
        (
            {"milestones": (3,)},
            ValueError,
            "milestones belong to the schedule 'step': not [3] with 'cosine'",
        ),
        (
            {"schedule": "step"},
            ValueError,
            "milestones belong to the schedule 'step': not [] with 'step'",
        ),
        (
            {"schedule": "step", "milestones": (3,), "factors": (0.1, 0.2)},
            ValueError,
            "factors must be one for each of 1 milestones, not [0.1, 0.2]",
        ),
        (
            {"schedule": "step", "milestones": (3,), "factors": (0.0,)},
            ValueError,
            "factors must be finite and above 0, not [0.0]",
        ),
        ({"padding": -1}, ValueError, "padding must be at least 0, not -1"),
        (
            {"weight_decay": -0.1},
            ValueError,
            "weight_decay must be finite and not negative, not -0.1",
        ),
    ],
)
def test_bad_settings_are_refused(
    change: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        replace(CONFIG, **change)
    assert str(caught.value) == message
