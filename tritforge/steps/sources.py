"""A digest of the program's sources, by which results of another version are recognised."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from types import ModuleType

__all__ = ["sources_digest"]


@functools.cache
def sources_digest(*packages: ModuleType) -> str:
    """Return the SHA-256 over the Python and C++ files of ``packages``, names included."""
    digest = hashlib.sha256()
    for package in packages:
        folder = Path(package.__path__[0])
        files = [path for path in folder.rglob("*.*p*") if path.suffix in (".py", ".cpp")]
        for path in sorted(files):
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()
