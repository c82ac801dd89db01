"""A network of which every layer is computed by the skip engine, in Verilog."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.hw.networks import SKIP_FOLDINGS, convolutional
from tests.integration import designs
from tests.targets import XC7
from tritforge.export.artifacts.manifest import Manifest
from tritforge.sim import runner

FRAMES = 4


def test_every_word_in_the_planned_cycle(tmp_path: Path, simulator: str) -> None:
    network = convolutional(name="sparse")
    designs.write(tmp_path, network, SKIP_FOLDINGS, XC7)
    assert [layer.engine for layer in Manifest.read(tmp_path).layers if layer.weights] == [
        "skip"
    ] * 3

    frames = np.random.default_rng(1).integers(0, 16, size=(FRAMES, 6, 6, 2))
    for stalls in ("none", "random"):
        result = runner.simulate(
            tmp_path, frames, simulator=simulator, build_dir=tmp_path / "run", stalls=stalls
        )
        assert result.failures == ()
        assert result.frames == FRAMES
        assert (result.cycles == result.expected_cycles) == (stalls == "none")
