"""Frames that end early and late, and a reset in the middle of one: what follows is right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.hw.networks import convolutional
from tests.integration.designs import ENGINES, write
from tritforge.sim.runner import simulate
from tritforge.sim.simulators import Simulator


@pytest.mark.parametrize(
    ("simulator", "seeds"),
    [
        (Simulator.ICARUS, 1),
        pytest.param(Simulator.ICARUS, 8, marks=pytest.mark.verify),
        pytest.param(Simulator.VERILATOR, 8, marks=pytest.mark.verify),  # a minute of compiling
    ],
    indirect=["simulator"],
)
def test_what_follows_is_right(tmp_path: Path, simulator: str, seeds: int) -> None:
    write(tmp_path, convolutional(name="sample"), ENGINES)
    frames = np.random.default_rng(1).integers(0, 16, size=(9, 6, 6, 2))
    for stalls in ("framing", "reset"):
        for seed in range(seeds):
            result = simulate(
                tmp_path,
                frames,
                simulator=simulator,
                build_dir=tmp_path / "run",
                stalls=stalls,
                seed=seed,
            )
            assert result.failures == ()
            assert all(
                stream.compared == stream.expected > 0 for stream in result.streams if stream.tensor
            )
            output = result.streams[-1]
            assert output.delivered == len(frames)  # one result for each frame, long or short
