"""The figures that people read are those that were measured."""

from __future__ import annotations

import json

from benchmarks.results import README, RECORDS, render


def test_the_readme_shows_the_committed_figures() -> None:
    record = json.loads((RECORDS / "digits.json").read_text())
    readme = README.read_text()
    assert render(readme, record) == readme


def test_another_figure_would_be_noticed() -> None:
    record = json.loads((RECORDS / "digits.json").read_text())
    assert render(README.read_text(), {**record, "correct": record["correct"] + 1}) != README.read_text()
