"""Weights that lie in two memories, one above the other: the same integers in the same cycles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.hw.networks import FOLDINGS, convolutional
from tests.integration import designs
from tritforge.hw.targets.target import Target
from tritforge.sim import runner
from tritforge.sim.simulators import Simulator


def below(target: Target, bits: int, depth: int) -> int | None:
    """Split every memory that is no power of two deep, however small."""
    lower = 1 << (depth - 1).bit_length() >> 1
    return None if lower in (0, depth) else lower


def test_weights_in_two_memories(
    tmp_path: Path, simulator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if simulator != Simulator.ICARUS.value:
        pytest.skip("on icarus")
    monkeypatch.setattr("tritforge.hw.engines.array.folding.split_depth", below)
    network = convolutional()
    design = designs.write(tmp_path, network, FOLDINGS)
    assert any(image.high for image, _ in design.plan.roms())
    frames = np.random.default_rng(1).integers(0, 4, size=(3, *network.input.shape))
    result = runner.simulate(
        tmp_path, frames, simulator=simulator, build_dir=tmp_path / "run", stalls="none"
    )
    assert result.failures == ()
    assert result.cycles == result.expected_cycles
