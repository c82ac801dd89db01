"""Programs of the system: found, named with the command to type, installed where nobody need be
asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tritforge.system import packages as programs
from tritforge.system.packages import PROGRAMS, Program, find_command, install_command, version_of


def program(name: str, *, here: bool, required: bool = True) -> Program:
    return Program(
        name,
        "a test",
        lambda: "here" if here else None,
        f"{name}-deb",
        f"{name}-rpm",
        required=required,
    )


@pytest.fixture
def managers(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The package managers that this system pretends to have."""
    present: set[str] = set()
    monkeypatch.setattr(programs.shutil, "which", lambda name: name if name in present else None)
    return present


def test_what_is_needed_is_named() -> None:
    assert [p.name for p in PROGRAMS] == [
        "g++", "make", "perl", "ensurepip", "libpython", "iverilog", "zlib.h", "lz4.h",
    ]  # fmt: skip
    assert all(p.apt for p in PROGRAMS)


def test_a_program_on_the_path_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "sometool"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_command("sometool")() is None
    tool.write_text("#!/bin/sh\necho sometool version 12.34.5 of today\n")
    tool.chmod(0o755)
    assert find_command("sometool")() == str(tool)
    assert version_of([str(tool)]) == "12.34.5"
    assert version_of([str(tmp_path / "absent")]) is None


@pytest.mark.parametrize(
    ("manager", "user", "command"),
    [
        ("apt-get", 0, "apt-get install -y a-deb b-deb"),
        ("apt-get", 1000, "sudo apt-get install -y a-deb b-deb"),
        ("dnf", 1000, "sudo dnf install -y a-rpm b-rpm"),
        (None, 0, "install a, b with this system's package manager"),
    ],
)
def test_the_line_to_type(
    managers: set[str],
    monkeypatch: pytest.MonkeyPatch,
    manager: str | None,
    user: int,
    command: str,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    managers |= {manager} if manager else set()
    assert install_command([program("a", here=False), program("b", here=False)]) == command


@pytest.mark.parametrize(("required", "status"), [(True, 1), (False, 0)])
def test_missing_and_not_root(
    managers: set[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    required: bool,
    status: int,
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    managers.add("apt-get")
    wanted = (program("a", here=True), program("b", here=False, required=required))
    monkeypatch.setattr(programs, "PROGRAMS", wanted)
    assert programs.main() == status
    assert (
        capsys.readouterr().err
        == "missing: b (a test)\nto install: sudo apt-get install -y b-deb\n"
    )


def test_root_installs_what_is_missing(
    managers: set[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    managers.add("apt-get")
    installed: list[str] = []
    wanted = Program("b", "a test", lambda: "here" if installed else None, "b-deb")
    monkeypatch.setattr(programs, "PROGRAMS", (program("a", here=True), wanted))

    said: list[str] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        said.append(capsys.readouterr().out)
        if "install" in command:
            installed.extend(command[command.index("--no-install-recommends") + 1 :])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(programs.subprocess, "run", run)
    assert programs.main() == 0
    assert installed == ["b-deb"]
    assert said == [  # before each command runs
        "These programs are missing; the packages of this system that hold them are installed:\n"
        "  b (a test): package b-deb\n"
        "$ apt-get update -qq\n",
        "$ apt-get install -y -qq --no-install-recommends b-deb\n",
    ]
    assert capsys.readouterr().err == ""


def test_nothing_is_said_when_nothing_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(programs, "PROGRAMS", (program("a", here=True),))
    assert programs.main() == 0
    assert capsys.readouterr() == ("", "")


def test_an_old_python_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(programs, "MINIMUM_PYTHON", (99, 0))
    assert programs.main() == 1
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert capsys.readouterr().err == (
        f"tritforge needs Python 99.0 or newer, not {version}: make PYTHON=python3.11\n"
    )
