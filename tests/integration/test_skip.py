"""A network of which every layer is computed by the skip engine, in Verilog."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.hw.networks import SKIP_FOLDINGS, convolutional
from tritforge.export.artifacts.manifest import CELLS, FileEntry, Manifest
from tritforge.export.ir import serialize
from tritforge.files import write_atomic
from tritforge.hw.pipeline import verilog
from tritforge.hw.pipeline.plan import plan
from tritforge.hw.targets.primitives import Primitives
from tritforge.sim import runner

FRAMES = 4


def test_every_word_in_the_planned_cycle(tmp_path: Path, simulator: str) -> None:
    planned = plan(convolutional(name="sparse"), SKIP_FOLDINGS)
    serialize.save(planned.network, tmp_path)
    roms = [FileEntry.of(image.write(tmp_path)) for image, _ in planned.roms()]
    write_atomic(tmp_path / "sparse.v", verilog.generate(planned, Primitives.XILINX7))
    write_atomic(tmp_path / "cells.v", verilog.cells(Primitives.XILINX7))
    names = {
        "verilog": "sparse.v",
        CELLS: "cells.v",
        "network": serialize.NETWORK_FILE,
        "tensors": serialize.TENSOR_FILE,
    }
    files = {role: FileEntry.of(tmp_path / name) for role, name in names.items()}
    verilog.describe(planned, files=files, rom_entries=roms, device=None).write(tmp_path)
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
