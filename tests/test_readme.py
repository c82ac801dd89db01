"""The programs in the README and on the page about training do what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.test_layering import ROOT


def test_the_example_runs(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(), flags=re.MULTILINE | re.DOTALL
    )
    assert len(blocks) == 1
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks[0], "README.md", "exec"), {})
    assert "module mine(" in (tmp_path / "build" / "mine" / "mine.v").read_text()
    assert re.fullmatch(r"[1-9]\d* cycles a frame, latency [1-9]\d*\n", capsys.readouterr().out)


def test_the_module_on_the_page_about_training_is_trained(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = (ROOT / "docs" / "training.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", page, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) == 1
    exec(compile(blocks[0], "training.md", "exec"), {})
    found = re.fullmatch(r"(\d+\.\d) % of 360 held-out images\n", capsys.readouterr().out)
    assert found is not None
    assert float(found[1]) > 80


def test_every_link_leads_somewhere() -> None:
    for name in (
        "README.md",
        *(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md")),
    ):
        page = ROOT / name
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert link.startswith("https://") or (page.parent / link).is_file(), f"{name}: {link}"
