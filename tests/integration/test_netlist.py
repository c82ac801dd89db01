"""The netlist after synthesis is the model too: every word of every layer, in models of the cells."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from export.manifest import Manifest
from hw.array_folding import ArrayFolding
from hw.plan import plan
from hw.primitives import Primitives
from hw.skip_folding import SkipFolding
from hw.unrolled_folding import UnrolledFolding
from reports import ecp5
from reports.devices import device
from reports.mapped import VERILOG
from reports.synth import NETLIST, synthesise
from sim.runner import ECP5_CELLS, simulate
from sim.simulators import Simulator
from tests.hw.networks import convolutional
from tests.integration.designs import write

ENGINES = {
    "conv1": UnrolledFolding(),
    "conv2": SkipFolding(pe=2, entries=4, banks=2, outputs=6),
    "classifier": ArrayFolding(pe=1, simd=4),
}


def netlist_of_three_engines(folder: Path, part: str) -> Path:
    planned = plan(convolutional(name="sample"), ENGINES)
    write(folder, planned, Primitives.XILINX7)
    synthesise([folder / "sample.v"], folder, "sample", folder / "synth", device(part))
    return folder / "synth" / NETLIST


@pytest.mark.parametrize("simulator", [Simulator.ICARUS], indirect=True)
def test_three_engines_on_an_ecp5_and_a_wrong_carry(tmp_path: Path, simulator: str) -> None:
    """The same in cells of the ECP5; a changed table of a carry cell of the last layer is found."""
    planned = plan(convolutional(name="sample"), ENGINES)
    write(tmp_path, planned, Primitives.ECP5)
    roms = [tmp_path / rom.file for rom in Manifest.read(tmp_path).roms]
    ecp5.count(tmp_path / "sample.v", roms, "sample", tmp_path / "synth")
    netlist = tmp_path / "synth" / f"ecp5.{VERILOG}"
    frames = np.random.default_rng(1).integers(0, 16, size=(8, 6, 6, 2))
    bench = {"simulator": simulator, "build_dir": tmp_path / "run", "cells": ECP5_CELLS}
    result = simulate(tmp_path, frames, netlist=netlist, stalls="none", **bench)
    assert result.failures == ()
    assert result.cycles == result.expected_cycles

    text = netlist.read_text()
    start = text.index("module sample_dot_4_2_6(")
    found = re.search(r"\.INIT0\(16'h(\w+)\)", text[start:])
    assert found is not None
    broken = tmp_path / "broken.v"
    wrong = f"{int(found[1], 16) ^ 1 << 13:04x}"
    broken.write_text(text[: start + found.start(1)] + wrong + text[start + found.end(1) :])
    result = simulate(tmp_path, frames, netlist=broken, **bench)
    assert any("layer classifier" in line for line in result.failures)


@pytest.mark.parametrize("simulator", [Simulator.ICARUS], indirect=True)
def test_three_engines_and_a_wrong_lut(tmp_path: Path, simulator: str) -> None:
    """All three engines in one netlist; a LUT of the last layer with a changed table is found."""
    netlist = netlist_of_three_engines(tmp_path, "xc7k480t")
    frames = np.random.default_rng(1).integers(0, 16, size=(8, 6, 6, 2))
    bench = {"simulator": simulator, "build_dir": tmp_path / "run"}
    result = simulate(tmp_path, frames, netlist=netlist, stalls="none", **bench)
    assert result.failures == ()
    assert result.netlist
    assert result.cycles == result.expected_cycles
    compared = {stream.tensor for stream in result.streams if stream.compared == stream.expected}
    assert compared >= {"input", "act1", "pool1", "act2", "classifier_bias", "argmax"}

    text = netlist.read_text()
    start = text.index("module sample_dot_4_2_6(")
    found = re.search(r"LUT\d #\(\s*\.INIT\(\d+'h(\w+)\)", text[start:])
    assert found is not None
    at = start + found.end(1) - 1
    broken = tmp_path / "broken.v"
    broken.write_text(text[:at] + f"{int(text[at], 16) ^ 15:x}" + text[at + 1 :])
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
    assert result.netlist
    assert result.cycles == result.expected_cycles
