"""Errors by their whole message."""

from __future__ import annotations

import re

import pytest


def raises(kind: type[Exception], message: str) -> pytest.RaisesExc[Exception]:
    """Expect ``kind`` with exactly ``message``."""
    return pytest.raises(kind, match=rf"\A{re.escape(message)}\Z")
