"""The netlist after synthesis is the model too: every word of every layer, in models of the cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.integration.designs import break_table, three_engines
from tritforge.export.artifacts.manifest import Manifest
from tritforge.hw.targets.primitives import Primitives
from tritforge.reports.devices import device
from tritforge.reports.synth import ecp5
from tritforge.reports.synth.mapped import VERILOG
from tritforge.reports.synth.xilinx import NETLIST, synthesise
from tritforge.sim.runner import simulate
from tritforge.sim.simulators import Simulator


def netlist_of_three_engines(folder: Path, part: str) -> Path:
    """The netlist for ``part``, in the cells of its family."""
    if device(part).mapped == ecp5.TARGET:
        source = three_engines(folder, Primitives.ECP5)
        roms = [folder / rom.file for rom in Manifest.read(folder).roms]
        ecp5.count(source, roms, "sample", folder / "synth")
        return folder / "synth" / f"ecp5.{VERILOG}"
    synthesise(
        [three_engines(folder, Primitives.XILINX7)],
        folder,
        "sample",
        folder / "synth",
        device(part),
    )
    return folder / "synth" / NETLIST


@pytest.mark.parametrize(
    ("part", "target", "table", "flip"),
    [
        ("xc7k480t", "xilinx", r"LUT\d #\(\s*\.INIT\(\d+'h(\w+)\)", 15),
        ("lfe5u-25f", "ecp5", r"\.INIT0\(16'h(\w+)\)", 1 << 13),
    ],
)
@pytest.mark.parametrize("simulator", [Simulator.ICARUS], indirect=True)
def test_three_engines_and_a_wrong_table(
    tmp_path: Path, simulator: str, part: str, target: str, table: str, flip: int
) -> None:
    """All three engines in one netlist; a cell of the last layer with a changed table is found."""
    netlist = netlist_of_three_engines(tmp_path, part)
    frames = np.random.default_rng(1).integers(0, 16, size=(8, 6, 6, 2))
    bench = {"simulator": simulator, "build_dir": tmp_path / "run", "target": target}
    result = simulate(tmp_path, frames, netlist=netlist, stalls="none", **bench)
    assert result.failures == ()
    assert result.netlist == target
    assert result.cycles == result.expected_cycles
    compared = {stream.tensor for stream in result.streams if stream.compared == stream.expected}
    assert compared >= {"input", "act1", "pool1", "act2", "classifier_bias", "argmax"}

    broken = tmp_path / "broken.v"
    broken.write_text(break_table(netlist.read_text(), table, flip))
    result = simulate(tmp_path, frames, netlist=broken, **bench)
    assert any("layer classifier" in line for line in result.failures)


@pytest.fixture(scope="module")
def ultrascale(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The netlist for UltraScale+, beside its design, once for both simulators."""
    return netlist_of_three_engines(tmp_path_factory.mktemp("ultrascale"), "xczu7ev")


def test_three_engines_on_ultrascale(ultrascale: Path, tmp_path: Path, simulator: str) -> None:
    assert "RAM32M16 " in ultrascale.read_text()
    frames = np.random.default_rng(2).integers(0, 16, size=(8, 6, 6, 2))
    bench = {"simulator": simulator, "netlist": ultrascale, "build_dir": tmp_path}
    result = simulate(ultrascale.parent.parent, frames, stalls="none", **bench)
    assert result.failures == ()
    assert result.netlist == "xilinx"
    assert result.cycles == result.expected_cycles
