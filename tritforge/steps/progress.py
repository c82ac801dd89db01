"""Bars over the phases of a step and over the words of a simulation, on a terminal alone."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from tqdm import tqdm  # type: ignore[import-untyped]

__all__ = ["phases", "words"]


@contextlib.contextmanager
def phases(*names: str) -> Iterator[Callable[[str], None]]:
    """Show a bar over the named phases, and yield the function to call as each begins."""
    with tqdm(total=len(names), unit="phase", leave=False, disable=None) as bar:

        def begin(name: str) -> None:
            bar.update(names.index(name) - bar.n)
            bar.set_description(name)

        yield begin


@contextlib.contextmanager
def words(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar over words, and yield a function of (words so far, words in all)."""
    with tqdm(desc=f"{title}: compiling", unit="word", leave=False, disable=None) as bar:

        def advance(done: int, total: int) -> None:
            if done > bar.n:
                bar.total = total
                bar.set_description(title, refresh=False)
                bar.update(done - bar.n)

        yield advance
