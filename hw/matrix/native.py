"""Inner loops in C++, such as that of common subexpression elimination, compiled on first use.

The shared library is stored in a cache folder (``TRITFORGE_CACHE``, else ``tritforge`` in the
user's cache folder) under the digest of its source. The compiler is the one that Verilator needs.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

from tritforge.errors import UserError

__all__ = ["CACHE_VARIABLE", "CompilerError", "compiled_library"]

CACHE_VARIABLE = "TRITFORGE_CACHE"
"""Environment variable that names the folder of compiled libraries."""


class CompilerError(UserError):
    """No C++ compiler, or it failed; the message says what to do or quotes the compiler."""


def compiled_library(source: Path) -> ctypes.CDLL:
    """Return the shared library of a C++ file, compiled unless the cache has it.

    Raises
    ------
    CompilerError: it cannot be compiled or loaded.
    """
    text = source.read_bytes()
    machine = platform.machine()
    options = [
        "-O3",
        "-std=c++17",
        "-shared",
        "-fPIC",
        *(["-mpopcnt"] if machine == "x86_64" else []),
    ]
    digest = hashlib.sha256(repr((options, machine, platform.system())).encode() + text).hexdigest()
    library = _cache() / f"{source.stem}-{digest[:16]}.so"
    if not library.is_file():
        _compile(source, options, library)
    try:
        return ctypes.CDLL(str(library))
    except OSError as error:
        raise CompilerError(f"{library} cannot be loaded ({error}): delete it") from None


def _compile(source: Path, options: list[str], library: Path) -> None:
    compiler = next(
        (path for name in ("c++", "g++", "clang++") if (path := shutil.which(name))), None
    )
    if compiler is None:
        raise CompilerError(
            f"g++ is not installed, and {source.name} must be compiled: `tritforge doctor` says "
            "what to type"
        )
    library.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        made = Path(folder) / library.name
        command = [compiler, *options, "-o", str(made), str(source)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode != 0 or not made.is_file():
            said = ended.stderr.strip() or f"exit status {ended.returncode}"
            raise CompilerError(f"{compiler} could not compile {source.name}: {said}")
        os.replace(made, library)


def _cache() -> Path:
    folder = os.environ.get(CACHE_VARIABLE)
    if folder:
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tritforge"
