"""The netlist after synthesis is the model too: every word of every layer, in models of the
cells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.integration.designs import break_table, three_engines
from tritforge.reports.devices import device
from tritforge.reports.synth.fpga import NETLIST, synthesise
from tritforge.sim.runner import Netlist, simulate
from tritforge.sim.simulators import Simulator


def netlist_of_three_engines(folder: Path, part: str) -> Netlist:
    """The netlist for ``part``, in the cells of its family."""
    target = device(part).built_for()
    assert target is not None
    source = three_engines(folder, target)
    synthesise([source], folder, "sample", folder / "synth", device(part))
    verilog = folder / "synth" / NETLIST
    return Netlist(verilog=verilog, models=target.netlist_models(), target=target.NAME)


@pytest.mark.parametrize(
    ("part", "target", "table", "flip"),
    [
        ("xc7k480t", "xc7", r"LUT\d #\(\s*\.INIT\(\d+'h(\w+)\)", 15),
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
    bench = {"simulator": simulator, "build_dir": tmp_path / "run"}
    result = simulate(tmp_path, frames, netlist=netlist, stalls="none", **bench)
    assert result.failures == ()
    assert result.netlist == target
    assert result.cycles == result.expected_cycles
    compared = {stream.tensor for stream in result.streams if stream.compared == stream.expected}
    assert compared >= {"input", "act1", "pool1", "act2", "classifier_bias", "argmax"}

    broken = replace(netlist, verilog=tmp_path / "broken.v")
    broken.verilog.write_text(break_table(netlist.verilog.read_text(), table, flip))
    result = simulate(tmp_path, frames, netlist=broken, **bench)
    assert any("layer classifier" in line for line in result.failures)


@pytest.fixture(scope="module")
def ultrascale(tmp_path_factory: pytest.TempPathFactory) -> Netlist:
    """The netlist for UltraScale+, beside its design, once for both simulators."""
    return netlist_of_three_engines(tmp_path_factory.mktemp("ultrascale"), "xczu7ev")


@pytest.mark.verify
def test_three_engines_on_ultrascale(ultrascale: Netlist, tmp_path: Path, simulator: str) -> None:
    assert "RAM32M16 " in ultrascale.verilog.read_text()
    frames = np.random.default_rng(2).integers(0, 16, size=(8, 6, 6, 2))
    bench = {"simulator": simulator, "netlist": ultrascale, "build_dir": tmp_path}
    result = simulate(ultrascale.verilog.parent.parent, frames, stalls="none", **bench)
    assert result.failures == ()
    assert result.netlist == "xcup"
    assert result.cycles == result.expected_cycles
