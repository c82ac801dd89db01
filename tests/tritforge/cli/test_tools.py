"""The commands that need no network."""

from __future__ import annotations

from pathlib import Path

import pytest

from tritforge.cli import main as cli
from tritforge.steps import download
from tritforge.system import doctor
from tritforge.system.doctor import Finding


def test_a_dataset_is_fetched_to_where_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(download, "fetch", lambda *arguments: seen.append(arguments))
    assert cli.main(["data", "mnist"]) == 0
    assert cli.main(["data", "mnist", "--to", "x", "--from", "http://y"]) == 0
    assert seen == [("mnist", None, None), ("mnist", Path("x"), "http://y")]


def test_devices_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["devices"]) == 0
    assert "xc7k480t" in capsys.readouterr().out.lower()


@pytest.mark.parametrize(("place", "status"), [("/x", 0), (None, 1)])
def test_the_doctor_fails_when_something_is_missing(
    place: str | None, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = Finding(name="one", purpose="tests", version="1", place=place, remedy="get it")
    monkeypatch.setattr(doctor, "examine", lambda: [finding])
    assert cli.main(["doctor"]) == status
