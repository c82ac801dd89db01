"""Convolutions without padding, as LeNet-5 has them: a whole window a beat, and a pixel of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.integration.designs import write
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import (
    ArgMax,
    Convolution,
    Dense,
    Flatten,
    Network,
    TensorType,
    Threshold,
)
from tritforge.export.ir.pools import MaxPool
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.layers.line_window import LineBufferUnit
from tritforge.hw.layers.window import SlidingWindowUnit
from tritforge.sim import runner

U2 = DataType.parse("u2")


def network() -> Network:
    rng = np.random.default_rng(0)

    def trits(*shape: int) -> np.ndarray:
        return rng.integers(-1, 2, size=shape).astype(np.int8)

    def thresholds(channels: int, spread: int) -> np.ndarray:
        return np.sort(rng.integers(-spread, spread, size=(channels, 3)), axis=1)

    nodes = (
        Convolution(name="conv1", input="input", planes=trits(1, 4, 1, 5, 5)),
        Threshold(name="act1", input="conv1", thresholds=thresholds(4, 900), output=U2),
        MaxPool(name="pool1", input="act1", size=(2, 2)),
        Convolution(name="conv2", input="pool1", planes=trits(1, 4, 4, 3, 3)),
        Threshold(name="act2", input="conv2", thresholds=thresholds(4, 9), output=U2),
        Flatten(name="flatten", input="act2"),
        Dense(name="classifier", input="flatten", planes=trits(1, 3, 64)),
        ArgMax(name="argmax", input="classifier"),
    )
    return Network("unpadded", TensorType(16, 16, 1, DataType.parse("u8")), nodes)


@pytest.mark.parametrize(
    ("simd1", "simd2"), [pytest.param(5, 2, marks=pytest.mark.verify), (1, 36)]
)
def test_every_word_in_the_planned_cycle(
    tmp_path: Path, simulator: str, simd1: int, simd2: int
) -> None:
    foldings = {
        "conv1": ArrayFolding(pe=2, simd=simd1),
        "conv2": ArrayFolding(pe=2, simd=simd2),
        "classifier": ArrayFolding(pe=1, simd=4),
    }
    stages = write(tmp_path, network(), foldings).plan.stages
    kinds = [type(unit) for stage in stages for unit in stage.units if unit.name == "window"]
    assert kinds == [
        SlidingWindowUnit if simd1 == 1 else LineBufferUnit,
        SlidingWindowUnit if simd2 == 2 else LineBufferUnit,
    ]
    frames = np.random.default_rng(1).integers(0, 256, size=(4, 16, 16, 1))
    for stalls in ("none", "random"):
        result = runner.simulate(
            tmp_path, frames, simulator=simulator, build_dir=tmp_path / "run", stalls=stalls
        )
        assert result.failures == ()
        assert result.passed
        assert result.frames == 4
        assert (result.cycles == result.expected_cycles) == (stalls == "none")
