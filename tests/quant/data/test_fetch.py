from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from tritforge.quant.data import fetch as module
from tritforge.quant.data.cifar import PYTHON_MD5
from tritforge.quant.data.dataset import DatasetError, md5
from tritforge.quant.data.fetch import SOURCES, Source, fetch


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that publishes the dataset "two": two files."""
    folder = tmp_path / "published"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / name).write_bytes(name.encode() * 9)
    files = {name: md5(name.encode() * 9) for name in ("a", "b")}
    monkeypatch.setitem(SOURCES, "two", Source(address=folder.as_uri(), files=files, members={}))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


def test_files_are_fetched_once(published: Path, tmp_path: Path) -> None:
    seen = []
    fetch("two", tmp_path / "here", progress=lambda file, total: seen.append((file, total)))
    assert contents(tmp_path / "here") == contents(published)
    assert seen == [("a", 9), ("b", 9)]
    (published / "a").unlink()
    fetch("two", tmp_path / "here")
    (tmp_path / "here" / "b").unlink()
    fetch("two", tmp_path / "here")
    assert sorted(contents(tmp_path / "here")) == ["a", "b"]


def test_another_file_is_refused_and_not_kept(published: Path, tmp_path: Path) -> None:
    (published / "b").write_bytes(b"other")
    with pytest.raises(DatasetError) as caught:
        fetch("two", tmp_path / "here")
    assert str(caught.value) == (
        f"{published.as_uri()}/b is not what was published: its MD5 is {md5(b'other')}, "
        f"expected {md5(b'b' * 9)}"
    )
    assert list(contents(tmp_path / "here")) == ["a"]


def test_another_address(published: Path, tmp_path: Path) -> None:
    mirror = published.rename(tmp_path / "mirror")
    with pytest.raises(DatasetError, match=r"^file:.*published/a cannot be fetched: "):
        fetch("two", tmp_path / "here")
    fetch("two", tmp_path / "here", address=f"{mirror.as_uri()}/")
    assert sorted(contents(tmp_path / "here")) == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "address", "message"),
    [
        (
            "three",
            None,
            "dataset must be one of cifar10, fashion-mnist, mnist, two to be fetched, not 'three'",
        ),
        ("two", "nowhere", "nowhere/a cannot be fetched: unknown url type: 'nowhere/a'"),
    ],
)
def test_refusals(
    published: Path, tmp_path: Path, name: str, address: str | None, message: str
) -> None:
    with pytest.raises(DatasetError) as caught:
        fetch(name, tmp_path, address=address)
    assert str(caught.value) == message


def test_the_members_of_an_archive_are_kept_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name in ("../outside", "x/one", "x/two"):
            entry = tarfile.TarInfo(name)
            entry.size = len(name)
            archive.addfile(entry, io.BytesIO(name.encode()))
    (tmp_path / "a.tar.gz").write_bytes(file.getvalue())
    source = Source(
        address=tmp_path.as_uri(),
        files={"a.tar.gz": md5(file.getvalue())},
        members={"first": "x/one"},
    )
    monkeypatch.setitem(module.SOURCES, "packed", source)
    fetch("packed", tmp_path / "deep" / "here")
    assert contents(tmp_path / "deep" / "here") == {"first": b"x/one"}
    assert not (tmp_path / "deep" / "outside").exists()
    fetch("packed", tmp_path / "deep" / "here", address="nowhere")  # nothing is left to fetch


def test_what_is_fetched_is_what_the_loader_reads() -> None:
    assert set(SOURCES["cifar10"].members) == set(PYTHON_MD5)
