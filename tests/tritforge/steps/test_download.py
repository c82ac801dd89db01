from __future__ import annotations

from pathlib import Path

import pytest

from tritforge.cli import main as cli
from tritforge.quant.data.dataset import md5
from tritforge.quant.data.fetch import SOURCES, Source


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "x").write_bytes(b"data")
    source = Source(address="nowhere", files={"x": md5(b"data")}, members={})
    monkeypatch.setitem(SOURCES, "small", source)
    return tmp_path.as_uri()


def test_a_dataset_goes_to_its_folder(
    published: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TRITFORGE_DATA", str(tmp_path / "all"))
    assert cli.main(["data", "small", "--from", published]) == 0
    assert (tmp_path / "all" / "small" / "x").read_bytes() == b"data"
    assert cli.main(["data", "small", "--from", published, "--to", str(tmp_path / "there")]) == 0
    assert (tmp_path / "there" / "x").read_bytes() == b"data"
    shown = capsys.readouterr()
    assert shown.out == f"small -> {tmp_path / 'all' / 'small'}\nsmall -> {tmp_path / 'there'}\n"


def test_mistakes_are_one_line(
    published: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TRITFORGE_DATA", raising=False)
    monkeypatch.delenv("TRITFORGE_DEBUG", raising=False)
    assert cli.main(["data", "small"]) == 2
    assert capsys.readouterr().err == (
        "tritforge: set TRITFORGE_DATA to the folder for datasets, or give --to a folder\n"
    )
    assert cli.main(["data", "digits", "--to", "x"]) == 2
    assert capsys.readouterr().err == (
        "tritforge: dataset must be one of cifar10, fashion-mnist, mnist, small to be fetched, not 'digits'\n"
    )
