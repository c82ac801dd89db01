"""Whose fault each exception of ours is."""

from __future__ import annotations

import ast
import importlib

import pytest

from tests.test_repository import name_of, sources
from tritforge.errors import INTERNAL, PROOFS, USER_MISTAKES, Blame, MissingStep, ProofFailed, blame

TABLES = (USER_MISTAKES, PROOFS, INTERNAL)
BUILTIN = {"BaseException", "Exception", "RuntimeError", "TypeError", "ValueError"}


def defined() -> set[tuple[str, str]]:
    """(module, class) of every exception that a source file defines."""
    found = set()
    for path in sources():
        module = name_of(path).removesuffix(".py").replace("/", ".")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and any(
                isinstance(b, ast.Name) and b.id in BUILTIN for b in node.bases
            ):
                found.add((module, node.name))
    return found


def test_every_exception_stands_in_one_table() -> None:
    listed = [(module, name) for table in TABLES for module, names in table.items() for name in names]
    assert len(set(listed)) == len(listed)
    assert set(listed) == defined()


@pytest.mark.parametrize(
    ("table", "guilty"), [(USER_MISTAKES, Blame.USER), (PROOFS, Blame.PROOF), (INTERNAL, Blame.OURS)]
)
def test_blame(table: dict[str, tuple[str, ...]], guilty: Blame) -> None:
    for module, names in table.items():
        for name in names:
            error = getattr(importlib.import_module(module), name)
            assert blame(error("message")) is guilty, name


@pytest.mark.parametrize(
    ("error", "guilty"),
    [
        (PermissionError(13, "Permission denied", "x"), Blame.USER),
        (MissingStep("x"), Blame.USER),
        (ProofFailed("x"), Blame.PROOF),
        (ValueError("x"), Blame.OURS),
        (KeyError("x"), Blame.OURS),
        (AssertionError(), Blame.OURS),
    ],
)
def test_blame_of_single_errors(error: Exception, guilty: Blame) -> None:
    assert blame(error) is guilty


def test_exit_statuses() -> None:
    assert (Blame.PROOF.value, Blame.USER.value) == (1, 2)
    assert Blame.OURS.value not in (0, 1, 2)
