"""The program kills what it is told to, and its section says what its record does."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks.pages import PAGE
from benchmarks.swept import RECORD, killed, text

WRITES = """
import pathlib, sys, time
for number in range(100):
    pathlib.Path(sys.argv[1], f"{number}.json").touch()
    time.sleep(float(sys.argv[2]))
"""


def test_a_command_is_killed_when_enough_points_are_there(tmp_path: Path) -> None:
    found = killed([sys.executable, "-c", WRITES, str(tmp_path), "0.5"], tmp_path, after=2)
    assert 2 <= len(found) < 10
    assert {path.name for path in tmp_path.iterdir()} == set(found)


def test_a_command_that_ends_too_early_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="ended before"):
        killed([sys.executable, "-c", "pass"], tmp_path, after=1)


def test_the_page_shows_the_record() -> None:
    record = json.loads(RECORD.read_text())
    assert text(record).strip() in PAGE.read_text()
    assert 0 < record["kept"] < len(record["points"])
