"""Who can do something about each exception of ours."""

from __future__ import annotations

import ast
import importlib

import pytest

from tests.test_layering import module_of
from tests.test_repository import name_of, sources
from tritforge.errors import (
    BUG_STATUS,
    PROOF_STATUS,
    USER_STATUS,
    ConfigError,
    MissingStep,
    ProofError,
    ProofFailed,
    UserError,
    exit_status,
)

BUGS = {
    "NetlistError",
    "PackingError",
    "ScheduleError",
    "SimulationStopped",
    "ThresholdError",
    "TimingError",
}
"""What no input should be able to bring about: there a traceback helps."""


def defined() -> list[tuple[str, str]]:
    """(module, class) of every exception that a source file defines."""
    found = []
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and any(
                isinstance(base, ast.Name) and base.id.endswith(("Error", "Exception"))
                for base in node.bases
            ):
                found.append((module_of(name_of(path)), node.name))
    return found


@pytest.mark.parametrize(("module", "name"), defined())
def test_every_exception_says_who_can_mend_it(module: str, name: str) -> None:
    error = getattr(importlib.import_module(module), name)
    assert issubclass(error, (UserError, ProofError)) != (name in BUGS)


def test_the_bugs_are_there() -> None:
    assert {name for _, name in defined()} >= BUGS


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (PermissionError(13, "Permission denied", "x"), USER_STATUS),
        (MissingStep("x"), USER_STATUS),
        (ConfigError("x"), USER_STATUS),
        (ProofFailed("x"), PROOF_STATUS),
        (ValueError("x"), BUG_STATUS),
        (KeyError("x"), BUG_STATUS),
        (AssertionError(), BUG_STATUS),
    ],
)
def test_exit_status(error: Exception, status: int) -> None:
    assert exit_status(error) == status


def test_statuses() -> None:
    assert (PROOF_STATUS, USER_STATUS) == (1, 2)
    assert BUG_STATUS not in (0, 1, 2)
