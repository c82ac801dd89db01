"""Inner loops in C++, such as that of common subexpression elimination, compiled on first use.

The shared library is stored in a cache folder (``TRITFORGE_CACHE``, else ``tritforge`` in the
user's cache folder) under the digest of its source. Without a compiler the Python form gives the
same result more slowly.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import itertools
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tritforge.hw.matrix.rectangles import Entries

__all__ = ["CACHE_VARIABLE", "Extract", "compiled_extract", "compiled_library"]

CACHE_VARIABLE = "TRITFORGE_CACHE"
"""Environment variable that names the folder of compiled libraries."""

Extract = Callable[[Entries, int, int, int, int, int, int], int]
"""``tritforge.hw.matrix.rectangles.extract`` or its compiled form."""

_SOURCE = Path(__file__).with_name("rectangles.cpp")


@functools.cache
def compiled_extract() -> Extract | None:
    """Return the compiled ``rectangles.extract``; None if it cannot be built."""
    library = compiled_library(_SOURCE)
    if library is None:
        return None
    library.rectangles_extract.restype = ctypes.c_void_p
    library.rectangles_entries.restype = library.rectangles_work.restype = ctypes.c_int64
    number, pointer = ctypes.c_int, ctypes.c_void_p
    library.rectangles_extract.argtypes = [
        number, pointer, pointer, pointer, number, number, number, number, ctypes.c_int64, number,
    ]  # fmt: skip
    for read in ("rows", "entries", "work", "free"):
        getattr(library, f"rectangles_{read}").argtypes = [pointer]
    library.rectangles_read.argtypes = [pointer] * 4

    def extract(
        rows: Entries, inputs: int, outputs: int, bits: int, depth: int, noise: int, power: int
    ) -> int:
        start = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64)
        columns = np.array([c for row in rows for c in row], dtype=np.int32)
        signs = np.array([s for row in rows for s in row.values()], dtype=np.int8)
        handle = library.rectangles_extract(
            len(rows), start.ctypes.data, columns.ctypes.data, signs.ctypes.data,
            inputs, outputs, bits, depth, noise, power,
        )  # fmt: skip
        try:
            start = np.empty(library.rectangles_rows(handle) + 1, dtype=np.int64)
            columns = np.empty(library.rectangles_entries(handle), dtype=np.int32)
            signs = np.empty(len(columns), dtype=np.int8)
            library.rectangles_read(
                handle, start.ctypes.data, columns.ctypes.data, signs.ctypes.data
            )
            work = int(library.rectangles_work(handle))
        finally:
            library.rectangles_free(handle)
        pairs = list(zip(columns.tolist(), signs.tolist(), strict=True))
        bounds = start.tolist()
        rows[:] = [dict(pairs[first:last]) for first, last in itertools.pairwise(bounds)]
        return work

    return extract


def compiled_library(source: Path) -> ctypes.CDLL | None:
    """Return the shared library of a C++ file, compiled if needed; None if it cannot be built."""
    try:
        return ctypes.CDLL(str(_library(source)))
    except (OSError, subprocess.SubprocessError):
        return None


def _library(source: Path) -> Path:
    """Compile the shared library if needed; OSError or SubprocessError if that fails."""
    text = source.read_bytes()
    machine = platform.machine()
    command = [
        "-O3",
        "-std=c++17",
        "-shared",
        "-fPIC",
        *(["-mpopcnt"] if machine == "x86_64" else []),
    ]
    digest = hashlib.sha256(repr((command, machine, platform.system())).encode() + text).hexdigest()
    library = _cache() / f"{source.stem}-{digest[:16]}.so"
    if library.is_file():
        return library
    compiler = next(
        (path for name in ("c++", "g++", "clang++") if (path := shutil.which(name))), None
    )
    if compiler is None:
        raise OSError("no C++ compiler")
    library.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        made = Path(folder) / library.name
        subprocess.run(
            [compiler, *command, "-o", str(made), str(source)],
            check=True,
            capture_output=True,
            timeout=300,
        )
        os.replace(made, library)
    return library


def _cache() -> Path:
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tritforge"
