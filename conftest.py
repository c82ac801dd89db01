"""Modules are imported by pytest as Python imports them: once, and under one name."""

from __future__ import annotations

import importlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent

collect_ignore = [link.name for link in (ROOT / "tritforge").iterdir() if link.is_symlink()]
"""The folders that tritforge/ links to: their modules are collected there, as parts of the
package."""


def pytest_collect_file(file_path: Path) -> None:
    """Import the package around a module of ours before pytest executes the module for its
    examples.

    With ``--import-mode=importlib`` pytest imports that package itself and then executes the module
    once more, whether or not the package has imported it: two copies, and everything would be
    registered twice.
    """
    if file_path.suffix == ".py" and file_path.is_relative_to(ROOT / "tritforge"):
        importlib.import_module(".".join(file_path.relative_to(ROOT).parts[:-1]))
