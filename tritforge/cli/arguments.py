"""Converters for argparse, which shows their error messages."""

from __future__ import annotations

import argparse
from collections.abc import Callable

__all__ = ["at_least", "positive"]


def at_least(minimum: int) -> Callable[[str], int]:
    """Return a converter that accepts ints from ``minimum`` up.

    Raises
    ------
    argparse.ArgumentTypeError: raised by the converter for any other text.
    """

    def convert(text: str) -> int:
        value = int(text)
        if value < minimum:
            raise argparse.ArgumentTypeError(f"must be at least {minimum}, not {text}")
        return value

    convert.__name__ = "int"  # argparse names the converter in its message
    return convert


def positive(text: str) -> float:
    """Read a number above 0.

    Raises
    ------
    argparse.ArgumentTypeError: ``text`` is no number above 0.
    """
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be above 0, not {text}")
    return value


positive.__name__ = "number"  # argparse names the converter in its message
