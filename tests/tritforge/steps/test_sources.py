"""A program's digest follows its sources, wherever they lie."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from tritforge.steps.sources import sources_digest


def package(folder: Path) -> ModuleType:
    found = ModuleType("package")
    found.__path__ = [str(folder)]
    return found


@pytest.mark.parametrize("name", ["a.py", "deep/er/b.py", "c.cpp"])
def test_every_source_counts(tmp_path: Path, name: str) -> None:
    before = sources_digest(package(tmp_path))
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x = 1\n")
    after = sources_digest(package(tmp_path))
    assert after != before
    path.write_text("x = 2\n")
    assert sources_digest(package(tmp_path)) != after


def test_other_files_do_not(tmp_path: Path) -> None:
    before = sources_digest(package(tmp_path))
    (tmp_path / "a.pyc").write_text("x")
    (tmp_path / "cost.json").write_text("{}")
    assert sources_digest(package(tmp_path)) == before


def test_the_packages_have_sources() -> None:
    import tritforge.hw

    empty = sources_digest(package(Path("nowhere")))
    assert sources_digest(tritforge.hw) not in (empty, sources_digest(tritforge.export))
