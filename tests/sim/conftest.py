"""The hand-written design ``toy.v`` as the generator would leave it: manifest, network and
Verilog."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tritforge.export.artifacts.manifest import (
    FileEntry,
    LayerEntry,
    Manifest,
    PortEntry,
    RomEntry,
    Stream,
)
from tritforge.export.ir import serialize
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Convolution, Network, TensorType, Threshold
from tritforge.files import sha256
from tritforge.sim.result import SimulationResult
from tritforge.sim.runner import simulate
from tritforge.sim.simulators import Simulator, ToolMissing, locate

HEIGHT, WIDTH = 4, 3
PIXELS = HEIGHT * WIDTH
PIXEL_CYCLES = 3
LATENCY_CYCLES = PIXEL_CYCLES * (PIXELS - 1) + 2
SOURCE = Path(__file__).with_name("toy.v")

FAULTS = (
    "none",
    "valid follows ready",
    "valid drops",
    "payload changes",
    "too slow",
    "swapped channels",
    "wrong word",
    "unknown word",
    "hangs",
    "waits for ready",
    "repeats the last word",
    "early end",
    "error output",
    "drops a word",
)
"""What ``toy.v`` does wrong for the number in its image ``fault.mem``."""

PORTS = (
    PortEntry("aclk", "input", 1),
    PortEntry("aresetn", "input", 1),
    PortEntry("s_axis_tvalid", "input", 1),
    PortEntry("s_axis_tready", "output", 1),
    PortEntry("s_axis_tdata", "input", 8),
    PortEntry("s_axis_tlast", "input", 1),
    PortEntry("m_axis_tvalid", "output", 1),
    PortEntry("m_axis_tready", "input", 1),
    PortEntry("m_axis_tdata", "output", 8),
    PortEntry("m_axis_tlast", "output", 1),
    PortEntry("error", "output", 1),
)


def toy_network() -> Network:
    """The network that ``toy.v`` computes: a 1x1 convolution of two channels and two-bit
    thresholds."""
    planes = np.array([[1, -1], [1, 1]], dtype=np.int8).reshape(1, 2, 2, 1, 1)
    thresholds = np.array([[-3, 0, 4], [8, 14, 20]])
    nodes = (
        Convolution(name="mix", input="input", planes=planes),
        Threshold(name="act", input="mix", thresholds=thresholds, output=DataType.parse("u2")),
    )
    return Network("toy", TensorType(HEIGHT, WIDTH, 2, DataType.parse("u4")), nodes)


def toy_manifest(verilog: FileEntry, rom: RomEntry) -> Manifest:
    """The manifest that belongs to ``toy.v``."""
    shape = (HEIGHT, WIDTH, 2)
    common = {"shape": shape, "lanes": 2, "beats_per_frame": PIXELS}
    axi = {"axi": True, "tdata_bits": 8}
    return Manifest(
        name="toy",
        top="toy",
        generator={"hand": "1"},
        files={"verilog": verilog},
        ports=PORTS,
        streams=(
            Stream(
                "s_axis", "input", "input", "s_axis", dtype="u4", payload_bits=8, **common, **axi
            ),
            Stream("mix", "mix", "mix", "core.mix.o", dtype="s6", payload_bits=12, **common),
            Stream("act", "act", "act", "core.act.o", dtype="u2", payload_bits=4, **common),
            Stream(
                "m_axis", "output", "act", "m_axis", dtype="u2", payload_bits=4, **common, **axi
            ),
        ),
        roms=(rom,),
        layers=(LayerEntry("mix", "array"), LayerEntry("act", "threshold")),
        interval_cycles=PIXEL_CYCLES * PIXELS,
        latency_cycles=LATENCY_CYCLES,
    )


def write_toy(folder: Path, fault: str = "none") -> Path:
    """Write the design, broken by ``fault``, into ``folder``; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    image = folder / "fault.mem"
    image.write_text(f"{FAULTS.index(fault):02x}\n")
    shutil.copyfile(SOURCE, folder / "toy.v")
    serialize.save(toy_network(), folder)
    rom = RomEntry("fault.mem", "mix", "fault", 8, 1, None, sha256(image))
    toy_manifest(FileEntry.of(folder / "toy.v"), rom).write(folder)
    return folder


@pytest.fixture
def toy(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes the toy design, with a fault or without, and returns its folder."""
    return lambda fault="none": write_toy(tmp_path / "design", fault)


@pytest.fixture
def toy_frames() -> np.ndarray:
    """Two frames; every word of the second differs from its neighbours."""
    return np.random.default_rng(7).integers(0, 16, size=(2, HEIGHT, WIDTH, 2))


@pytest.fixture(params=[simulator.value for simulator in Simulator])
def simulator(request: pytest.FixtureRequest) -> str:
    """Each simulator; an absent one skips, or fails where TRITFORGE_REQUIRE_SIMULATORS=1 asks for
    all."""
    try:
        locate(Simulator(request.param))
    except ToolMissing as error:
        if os.environ.get("TRITFORGE_REQUIRE_SIMULATORS") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))
    return str(request.param)


Run = Callable[..., SimulationResult]


@pytest.fixture(scope="session")
def bench_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of a parallel run share, so that each simulator compiles the toy
    once."""
    base = tmp_path_factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "toy-bench"
    root.mkdir(exist_ok=True)
    return root


@pytest.fixture
def run_toy(
    toy: Callable[..., Path], toy_frames: np.ndarray, simulator: str, bench_root: Path
) -> Run:
    """A function that simulates the toy design with a fault: ``run_toy(fault, **arguments of
    simulate)``."""

    def run(fault: str = "none", **arguments: object) -> SimulationResult:
        with open(bench_root / f"{simulator}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # one worker at a time has the folder of the run
            options = {"simulator": simulator, "build_dir": bench_root / simulator, **arguments}
            return simulate(toy(fault), toy_frames, **options)

    return run
