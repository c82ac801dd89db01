"""The words that no module may bear."""

from __future__ import annotations

import re

import pytest

from tritforge.hw.pipeline.keywords import KEYWORDS


@pytest.mark.parametrize("word", ["small", "output", "logic", "wait_order", "always", "within"])
def test_a_word_of_verilog(word: str) -> None:
    assert word in KEYWORDS


def test_words_are_words() -> None:
    assert len(KEYWORDS) == 248
    assert all(re.fullmatch("[a-z][a-z0-9_]*", word) for word in KEYWORDS)


def test_an_ordinary_name_is_free() -> None:
    assert not {"digits", "mnist", "net", "top", "conv1"} & KEYWORDS
