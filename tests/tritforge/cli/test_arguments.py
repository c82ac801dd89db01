from __future__ import annotations

import argparse

import pytest

from tritforge.cli.arguments import at_least, positive


def test_ints_from_a_minimum_up():
    convert = at_least(3)
    assert convert("3") == 3
    with pytest.raises(argparse.ArgumentTypeError, match=r"^must be at least 3, not 2$"):
        convert("2")
    with pytest.raises(ValueError, match="invalid literal"):
        convert("x")
    assert convert.__name__ == "int"


def test_numbers_above_nothing():
    assert positive("0.5") == 0.5
    for text in ("0", "-1", "inf", "nan"):
        with pytest.raises(argparse.ArgumentTypeError, match=rf"^must be above 0, not {text}$"):
            positive(text)
    assert positive.__name__ == "number"
