from __future__ import annotations

import math
from typing import Any

import pytest

from tritforge.quant.methods.checks import flag, integer, number


def test_numbers_become_floats() -> None:
    assert repr(number("x", 3)) == "3.0"
    assert number("x", 0, least=0, below=1) == 0.0
    assert number("x", 1, above=0, most=1) == 1.0


@pytest.mark.parametrize(
    ("value", "bounds", "message"),
    [
        (0, {"above": 0, "below": 1}, "x must be above 0 and below 1, not 0"),
        (1, {"above": 0, "below": 1}, "x must be above 0 and below 1, not 1"),
        (-1, {"least": 0}, "x must be at least 0, not -1"),
        (1.5, {"least": 0, "most": 1}, "x must be at least 0 and at most 1, not 1.5"),
        (float("nan"), {"least": 0}, "x must be at least 0, not nan"),
        (float("inf"), {"least": 0}, "x must be at least 0, not inf"),
        (float("inf"), {}, "x must be finite, not inf"),
    ],
)
def test_numbers_out_of_bounds_are_refused(
    value: float, bounds: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError) as caught:
        number("x", value, **bounds)
    assert str(caught.value) == message


@pytest.mark.parametrize("value", ["1", True, None])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(TypeError) as caught:
        number("x", value)
    assert str(caught.value) == f"x must be a number, not {value!r}"


def test_whole_numbers() -> None:
    assert integer("x", 3, 1, 3) == 3
    for value in (2.0, True, None):
        with pytest.raises(TypeError) as wrong:
            integer("x", value, 1)
        assert str(wrong.value) == f"x must be an int, not {value!r}"
    for number_, most, rule in ((0, math.inf, "at least 1"), (9, 8, "in 1..8")):
        with pytest.raises(ValueError) as caught:
            integer("x", number_, 1, most)
        assert str(caught.value) == f"x must be {rule}, not {number_}"


def test_flags() -> None:
    assert flag("x", True) is True
    with pytest.raises(TypeError) as caught:
        flag("x", 1)
    assert str(caught.value) == "x must be a bool, not 1"
