"""Frames that end early and late, and a reset in the middle of one: what follows is right."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hw.plan import plan
from sim.runner import simulate
from tests.hw.networks import convolutional
from tests.integration.designs import write
from tests.integration.test_netlist import ENGINES


def test_what_follows_is_right(tmp_path: Path, simulator: str) -> None:
    write(tmp_path, plan(convolutional(name="sample"), ENGINES))
    frames = np.random.default_rng(1).integers(0, 16, size=(9, 6, 6, 2))
    for stalls in ("framing", "reset"):
        for seed in range(3):
            result = simulate(
                tmp_path, frames, simulator=simulator, build_dir=tmp_path / "run", stalls=stalls, seed=seed
            )
            assert result.failures == ()
            assert all(stream.compared == stream.expected > 0 for stream in result.streams if stream.tensor)
            output = result.streams[-1]
            assert output.delivered == len(frames)  # one result for each frame, long or short
