"""The documentation site builds without a warning and loads nothing from another host."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_layering import ROOT

pytest.importorskip("mkdocs", reason="the extra `docs` is not installed")
pytest.importorskip("mkdocstrings", reason="the extra `docs` is not installed")

LOADED = re.compile(
    r"<(?:script|img|iframe)[^>]* src=\"?(https?:[^\" >]+)|<link[^>]* href=\"?(http[^\" >]+)"
)
"""What a browser fetches by itself; links are the reader's own choice."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The strict build: a broken link, a page missing in ``nav`` or a bad reference is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_the_site_loads_nothing_from_another_host(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 20
    found = {
        page.name: names
        for page in pages
        if (names := LOADED.findall(page.read_text(encoding="utf-8")))
    }
    assert found == {}


def test_the_command_line_and_the_docstrings_are_in_it(site: Path) -> None:
    assert "tritforge simulate" in (site / "reference" / "cli.html").read_text(encoding="utf-8")
    reference = (site / "reference" / "quant.html").read_text(encoding="utf-8")
    assert 'id="tritforge.quant.apply.ternarize"' in reference


def test_the_figures_are_those_that_their_program_draws() -> None:
    folder = ROOT / "docs" / "figures"
    names = runpy.run_path(str(folder / "draw.py"))
    drawn = {f"{figure.__name__}.svg": figure().svg() for figure in names["FIGURES"]}
    assert {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.svg")} == drawn


def test_every_file_that_a_page_names_is_there() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    named = re.compile(
        r"`((?:quant|export|hw|sim|reports|tritforge|tests|benchmarks|networks|docs)/[\w./]+\.\w+)`"
    )
    found = {
        (page.name, name)
        for page in pages
        for name in named.findall(page.read_text(encoding="utf-8"))
        if not name.endswith("/mine.yaml")  # the reader's own
        and not (ROOT / name).is_file()
    }
    assert found == set()


def test_docstrings_become_markdown() -> None:
    markdown = runpy.run_path(str(ROOT / "docs" / "docstrings.py"))["markdown"]
    docstring = "Add.\n\nParameters\n----------\nx: first\n    term, :class:`X`.\n\n>>> 1 + 1\n2"
    assert markdown(docstring) == (
        "Add.\n\n**Parameters**\n\n- `x`: first term, `X`.\n\n\n```pycon\n>>> 1 + 1\n2\n```\n\n\n"
    )
