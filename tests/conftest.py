"""Settings that every test shares."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

# The same examples on every run and machine, and no verdict that depends on how fast it is.
settings.register_profile(
    "tritforge", deadline=None, derandomize=True, database=None, max_examples=50
)
settings.load_profile("tritforge")


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return Path(__file__).resolve().parent.parent
