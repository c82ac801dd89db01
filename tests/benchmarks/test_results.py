"""The figures that people read are those that were measured."""

from __future__ import annotations

import pytest

from benchmarks.results import NETWORKS, README, load_records, render


def test_the_readme_shows_the_committed_figures() -> None:
    readme = README.read_text()
    assert render(readme, load_records()) == readme


@pytest.mark.parametrize("name", NETWORKS)
def test_another_figure_would_be_noticed(name: str) -> None:
    records = load_records()
    records[name]["correct"] += 1
    assert render(README.read_text(), records) != README.read_text()
