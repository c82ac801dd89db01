"""Tests, properties and examples are counted by folder, and by phase where one fails."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from tests.acceptance.properties import FOLDERS, STATISTICS, Tally, record


def report(
    node: str,
    outcome: Literal["passed", "failed", "skipped"] = "passed",
    when: Literal["setup", "call", "teardown"] = "call",
    said: str = "",
) -> pytest.TestReport:
    made = pytest.TestReport(node, ("", 0, ""), {}, outcome, None, when, duration=1.5)
    if said:
        setattr(made, STATISTICS, said)
    return made


def test_a_folder_has_its_tests_properties_examples_and_seconds() -> None:
    tally = Tally()
    for each in (
        report("tests/sim/test_a.py::one", when="setup"),
        report("tests/sim/test_a.py::one"),
        report(
            "tests/hw/test_b.py::two",
            said="- 20 passing, 0 failing, and 1 invalid test cases\n- 30 passing, 0 failing",
        ),
        report("tests/hw/test_b.py::three", "failed"),
        report("tests/hw/test_b.py::four", "failed", when="setup"),
        report("tests/hw/test_b.py::five", "skipped", when="setup"),
        report("tests/tritforge/test_c.py::six"),
    ):
        tally.pytest_runtest_logreport(each)
    kept = record(tally.counts)
    assert [count["folder"] for count in kept] == ["tests/hw", "tests/sim", "tests/tritforge"]
    assert kept[0] == {
        "folder": "tests/hw",
        "tests": 1,
        "failed": 2,
        "skipped": 1,
        "properties": 1,
        "examples": 50,
        "seconds": 6,
    }
    assert (kept[1]["tests"], kept[1]["seconds"]) == (1, 3)


DRAWN = """
from hypothesis import given, settings, strategies

@settings(max_examples=7, derandomize=True, database=None)
@given(strategies.integers())
def test_it(number):
    assert number == number
"""


def test_hypothesis_says_what_is_counted(tmp_path: Path) -> None:
    place = tmp_path / "tests" / "hw"
    place.mkdir(parents=True)
    (place / "test_drawn.py").write_text(DRAWN)
    tally = Tally()
    ran = pytest.main(
        ["-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", str(tmp_path)], plugins=[tally]
    )
    assert ran == pytest.ExitCode.OK
    assert tally.counts["tests/hw"].properties == 1
    assert tally.counts["tests/hw"].examples == 7


def test_the_folders_are_there(root: Path) -> None:
    assert all((root / folder).is_dir() for folder in FOLDERS)
