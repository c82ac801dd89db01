"""Programs that are no Python packages (compiler, make, perl, Icarus): finds and installs them.

The Makefile runs this file before the virtual environment exists, so it uses the standard library
alone.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "PROGRAMS",
    "Program",
    "find_command",
    "install_command",
    "main",
    "missing",
    "version_of",
]

MINIMUM_PYTHON = (3, 10)


@dataclass(frozen=True)
class Program:
    """A program or library that the operating system must provide.

    Parameters
    ----------
    name: what messages call it.
    purpose: what needs it.
    find: returns where it is, or None.
    apt, dnf, brew: package that holds it on Debian/Ubuntu, on Fedora and on macOS; empty where it
        is part of the system.
    required: whether the demonstration needs it.
    """

    name: str
    purpose: str
    find: Callable[[], str | None]
    apt: str
    dnf: str = ""
    brew: str = ""
    required: bool = True


def find_command(name: str) -> Callable[[], str | None]:
    """Return a search for ``name`` on the PATH."""
    return lambda: shutil.which(name)


def _find_venv() -> str | None:
    """Debian splits ensurepip, without which no environment gets a pip, from the rest of Python."""
    if sys.prefix != sys.base_prefix:  # inside an environment the question is settled
        return sys.prefix
    spec = importlib.util.find_spec("ensurepip")
    return spec.origin if spec else None


def _find_libpython() -> str | None:
    """cocotb puts Python inside the simulator, for which it needs Python as a shared library."""
    name = sysconfig.get_config_var("INSTSONAME") or ""
    folder = Path(sysconfig.get_config_var("LIBDIR") or "/usr/lib")
    for path in (folder / name, folder / (sysconfig.get_config_var("MULTIARCH") or "") / name):
        if path.is_file():
            return str(path)
    try:
        ctypes.CDLL(name or "no such library")
    except OSError:
        return None
    return name


def _find_header(name: str) -> Callable[[], str | None]:
    """Return a function that finds a header which Verilator's FST writer includes."""

    def find() -> str | None:
        compiler = shutil.which("g++")
        if compiler is None:
            return None
        command = [compiler, "-E", "-x", "c++", "-include", name, os.devnull]
        return (
            name
            if subprocess.run(command, capture_output=True, check=False).returncode == 0
            else None
        )

    return find


_WAVES = "waveforms of Verilator, `tritforge simulate --wave`"
_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

PROGRAMS: tuple[Program, ...] = (
    Program(
        "g++", "compiles simulations and inner loops", find_command("g++"), "g++", "gcc-c++", "gcc"
    ),
    Program("make", "drives that compilation", find_command("make"), "make", "make", "make"),
    Program("perl", "runs the verilator command", find_command("perl"), "perl", "perl", "perl"),
    Program(
        "ensurepip", "makes the virtual environment", _find_venv, f"python{_PYTHON}-venv", "python3"
    ),
    Program(
        "libpython",
        "lets cocotb run in a simulator",
        _find_libpython,
        f"libpython{_PYTHON}",
        "python3-libs",
    ),
    Program(
        "iverilog",
        "the second simulator, `tritforge simulate --simulator icarus`",
        find_command("iverilog"),
        "iverilog",
        "iverilog",
        "icarus-verilog",
        required=False,
    ),
    Program("zlib.h", _WAVES, _find_header("zlib.h"), "zlib1g-dev", "zlib-devel", required=False),
    Program("lz4.h", _WAVES, _find_header("lz4.h"), "liblz4-dev", "lz4-devel", required=False),
)


def missing() -> list[Program]:
    """The programs that are not found, in the order of ``PROGRAMS``."""
    return [program for program in PROGRAMS if program.find() is None]


def install_command(programs: Sequence[Program]) -> str:
    """Return the line to type that installs ``programs`` with this system's package manager."""
    for manager, command in (
        ("apt-get", "apt-get install -y"),
        ("dnf", "dnf install -y"),
        ("brew", "brew install"),
    ):
        if shutil.which(manager):
            packages = [getattr(program, manager.removesuffix("-get")) for program in programs]
            sudo = "" if manager == "brew" or os.geteuid() == 0 else "sudo "
            return f"{sudo}{command} {' '.join(package for package in packages if package)}"
    names = ", ".join(program.name for program in programs)
    return f"install {names} with this system's package manager"


def version_of(command: Sequence[str]) -> str | None:
    """Return the first version number that ``command`` prints; None without one."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"\d+(\.\d+)+", result.stdout + result.stderr)
    return match[0] if match else None


def _install(programs: Sequence[Program]) -> None:
    """Say what is missing and what will be run for it, then install without a question.

    What fails stays missing and is reported by the caller.
    """
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    commands = (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
        + [program.apt for program in programs],
    )
    print("These programs are missing; the packages of this system that hold them are installed:")
    for program in programs:
        print(f"  {program.name} ({program.purpose}): package {program.apt}")
    for command in commands:
        print(f"$ {' '.join(command)}", flush=True)
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )
        if result.returncode != 0:
            print(result.stdout + result.stderr, file=sys.stderr)


def main() -> int:
    """Install what is missing as root on Debian or Ubuntu, else say what to type.

    Returns 1 where a required program stays missing.
    """
    if sys.version_info < MINIMUM_PYTHON:
        wanted = ".".join(map(str, MINIMUM_PYTHON))
        print(
            f"tritforge needs Python {wanted} or newer, not {_PYTHON}: make PYTHON=python3.11",
            file=sys.stderr,
        )
        return 1
    absent = missing()
    if absent and os.geteuid() == 0 and shutil.which("apt-get"):
        _install(absent)
        absent = missing()
    for program in absent:
        print(f"missing: {program.name} ({program.purpose})", file=sys.stderr)
    if absent:
        print(f"to install: {install_command(absent)}", file=sys.stderr)
    return int(any(program.required for program in absent))


if __name__ == "__main__":
    sys.exit(main())
