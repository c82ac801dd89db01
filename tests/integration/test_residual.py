"""A residual network from end to end: every boundary bit for bit, in the planned cycle, with stalls."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export import serialize
from export.files import write_atomic
from export.manifest import FileEntry, Manifest
from hw import verilog
from hw.plan import Plan, plan
from sim import runner
from tests.export.networks import residual
from tests.hw.networks import RESIDUAL_FOLDINGS


def design(folder: Path, planned: Plan) -> Manifest:
    """Write what `tritforge export` and `generate` do."""
    serialize.save(planned.network, folder)
    roms = [FileEntry.of(image.write(folder)) for image, _ in planned.roms()]
    write_atomic(folder / "residual.v", verilog.generate(planned))
    names = {"verilog": "residual.v", "network": serialize.NETWORK_FILE, "tensors": serialize.TENSOR_FILE}
    files = {role: FileEntry.of(folder / name) for role, name in names.items()}
    manifest = verilog.describe(planned, files=files, rom_entries=roms, device=None)
    manifest.write(folder)
    return manifest


@pytest.mark.parametrize("fifo_bits", [pytest.param(0, marks=pytest.mark.verify), 128])
def test_every_word_in_the_planned_cycle(tmp_path: Path, simulator: str, fifo_bits: int) -> None:
    network = residual()
    manifest = design(tmp_path, plan(network, RESIDUAL_FOLDINGS, fifo_bits))
    forked = [stream.name for stream in manifest.streams if stream.name.startswith("conv_fork")]
    assert forked == ["conv_fork.o0", "conv_fork.o1"]  # each reader's copy is watched and compared
    frames = np.random.default_rng(1).integers(0, 4, size=(6, *network.input.shape))
    for stalls in ("none", "random"):
        result = runner.simulate(
            tmp_path, frames, simulator=simulator, build_dir=tmp_path / "run", stalls=stalls
        )
        assert result.failures == ()
        assert result.passed
        assert (result.cycles == result.expected_cycles) == (stalls == "none")
