"""Checks of what the user chooses for a ternarization method."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["flag", "integer", "number"]


def number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    below: float | None = None,
    least: float | None = None,
    most: float | None = None,
) -> float:
    """Return the number ``value``, finite and within the bounds given, as a float.

    Raises
    ------
    TypeError: no number.
    ValueError: not within the bounds; the message has ``name``, the rule and the value.

    >>> number("share", 1, above=0, most=1)
    1.0
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number, not {value!r}")
    rules = [
        ("above", above, above is None or value > above),
        ("at least", least, least is None or value >= least),
        ("below", below, below is None or value < below),
        ("at most", most, most is None or value <= most),
    ]
    if not math.isfinite(value) or not all(holds for _, _, holds in rules):
        words = " and ".join(f"{word} {bound}" for word, bound, _ in rules if bound is not None)
        raise ValueError(f"{name} must be {words or 'finite'}, not {value!r}")
    return float(value)


def integer(name: str, value: Any, least: int, most: float = math.inf) -> int:
    """Return ``value``, which must be an int in ``least``..``most``.

    Raises
    ------
    TypeError: no int.
    ValueError: not within the bounds; the message has ``name``, the rule and the value.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, not {value!r}")
    if not least <= value <= most:
        rule = f"at least {least}" if most == math.inf else f"in {least}..{most}"
        raise ValueError(f"{name} must be {rule}, not {value!r}")
    return value


def flag(name: str, value: Any) -> bool:
    """Return ``value``, which must be a bool; TypeError if it is not."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be a bool, not {value!r}")
    return value
