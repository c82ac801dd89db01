"""Bars count what they are told; away from a terminal they show nothing."""

from __future__ import annotations

import pytest

from tritforge.steps import progress


class Bar:
    """In place of tqdm's."""

    def __init__(self, **options: object) -> None:
        self.n, self.total, self.titles = 0, options.get("total"), [options.get("desc")]

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def update(self, count: int) -> None:
        self.n += count

    def set_description(self, title: str, refresh: bool = True) -> None:
        self.titles.append(title)


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> list[Bar]:
    made: list[Bar] = []

    def bar(**options: object) -> Bar:
        made.append(Bar(**options))
        return made[-1]

    monkeypatch.setattr(progress, "tqdm", bar)
    return made


def test_a_phase_that_begins_ends_those_before(bars: list[Bar]) -> None:
    with progress.phases("one", "two", "three") as begin:
        begin("one")
        assert bars[0].n == 0
        begin("three")
        assert (bars[0].n, bars[0].total, bars[0].titles[-1]) == (2, 3, "three")


def test_words_are_counted_once(bars: list[Bar]) -> None:
    with progress.words("icarus") as advance:
        advance(10, 40)
        advance(8, 40)
        assert (bars[0].n, bars[0].total) == (10, 40)
        assert bars[0].titles == ["icarus: compiling", "icarus"]


def test_nothing_is_shown_away_from_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.phases("one") as begin:
        begin("one")
    assert capsys.readouterr() == ("", "")
