"""The benchmark runs and says what it measured; no figure is asserted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.training_step import SPARSE, TARGETS, main
from tritforge.quant.methods.base import METHODS


def test_a_row_for_each_method(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rows.json"
    main(["--networks", "digits", "--steps", "1", "--batch", "4", "--json", str(path)])
    rows = json.loads(path.read_text())
    assert [row["method"] for row in rows] == sorted({*METHODS, SPARSE}) == sorted(TARGETS)
    assert all(row["ratio"] > 0 and row["float_seconds"] > 0 for row in rows)
    assert {(row["network"], row["batch"], row["steps"]) for row in rows} == {("digits", 4, 1)}
    assert len(capsys.readouterr().out.splitlines()) == 1 + len(TARGETS)
