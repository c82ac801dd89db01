"""Freed memory stays in the process, or the C library is left alone."""

from __future__ import annotations

import ctypes

import pytest

from tritforge.quant.training import malloc as memory


def test_glibc_is_told_both_thresholds(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []

    class Library:
        def __init__(self, name: None) -> None:
            assert name is None

        @staticmethod
        def mallopt(parameter: int, value: int) -> int:
            told.append((parameter, value))
            return 1

    monkeypatch.setattr(ctypes, "CDLL", Library)
    assert memory.keep_freed_memory()
    assert told == [(-3, 2**31 - 1), (-1, 2**31 - 1)]


def test_another_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not memory.keep_freed_memory()
