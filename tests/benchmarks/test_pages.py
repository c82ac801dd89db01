"""The page that programs write: a section is put in, and replaced where it stands."""

from pathlib import Path

import pytest

from benchmarks.pages import section


def test_a_section_is_added_and_replaced(tmp_path: Path) -> None:
    page = tmp_path / "results.md"
    section("one", "First", "a", page)
    section("two", "Second", "b", page)
    section("one", "First", "new \\1 text", page)
    text = page.read_text()
    assert text.startswith("# Measured\n")
    assert (
        text.index("## First")
        < text.index("new \\1 text")
        < text.index("## Second")
        < text.index("\nb\n")
    )
    assert "\na\n" not in text


def test_a_name_is_a_word(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^name must be a word, not 'a b'$"):
        section("a b", "x", "y", tmp_path / "results.md")
