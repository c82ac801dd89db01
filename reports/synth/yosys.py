"""Yosys in a child process: its commands run beside copies of the files that they read."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tritforge.errors import UserError
from tritforge.record import Format

__all__ = [
    "Progress",
    "SynthesisError",
    "digests",
    "key",
    "pyosys_version",
    "show_progress",
    "tool_name",
    "yosys",
]

_CHILD = Path(__file__).with_name("yosys_child.py")

Progress = Callable[[float, str], None]
"""Called with the seconds since the start and the name of the Yosys pass that runs."""


class SynthesisError(UserError):
    """Synthesis failed, or its netlist breaks a rule; the message names the cause and the log."""


def pyosys_version() -> str:
    """Version of the installed package, or "missing".

    Only the child imports the package itself.
    """
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version("pyosys")
    return "missing"


def tool_name(creator: str) -> str:
    """ "Yosys 0.70 (git sha1 28ba3cb92, ...)" without the compiler that built it."""
    return re.sub(r", [^)]*\)$", ")", creator)


def digests(files: Mapping[str, Path]) -> dict[str, str]:
    """Return the SHA-256 of every file by its name; FileNotFoundError if one is missing."""
    return {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


def key(form: Format[Any], commands: Sequence[str], inputs: Mapping[str, str]) -> str:
    """Return the digest of everything that a count depends on.

    That is the format of its file, the tool, the commands, and the digests of what they read.
    """
    tool = [form.name, form.version, pyosys_version()]
    text = json.dumps([*tool, list(commands), sorted(inputs.items())])
    return hashlib.sha256(text.encode()).hexdigest()


def show_progress(seconds: float, name: str) -> None:
    """A ``Progress`` that rewrites one line of standard error if that is a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[Kyosys {seconds:5.1f} s  {name}" if name else "\r\033[K")
        sys.stderr.flush()


@contextlib.contextmanager
def yosys(
    files: Mapping[str, Path],
    commands: Sequence[str],
    log: Path,
    progress: Progress | None = None,
    minutes: float | None = None,
) -> Iterator[Path]:
    """Run ``commands`` beside copies of ``files``; the context yields the folder.

    Parameters
    ----------
    files: where each file is that the commands read, by the name they use.
    log: takes Yosys' output; the folder is made beside it.
    progress: called as Yosys goes from pass to pass.
    minutes: after which it is stopped; None waits as long as it takes.

    Raises
    ------
    SynthesisError: Yosys is missing or stopped, or ran out of time or memory; the message names the
        cause and the log.
    """
    with tempfile.TemporaryDirectory(dir=log.parent, prefix=".synth-") as name:
        folder = Path(name)
        for target, path in files.items():
            shutil.copyfile(path, folder / target)
        _run(commands, folder, log, progress, minutes)
        yield folder


def _run(
    commands: Sequence[str],
    folder: Path,
    log: Path,
    progress: Progress | None,
    minutes: float | None,
) -> None:
    """Run ``commands`` in a child process in ``folder``; its output goes to ``log``."""
    started = time.monotonic()
    command = [sys.executable, "-I", str(_CHILD)]
    with log.open("w", encoding="utf-8") as file, (folder / ".commands").open("w+") as stdin:
        stdin.write("\n".join(commands) + "\n")
        stdin.seek(0)
        with subprocess.Popen(
            command,
            cwd=folder,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as child:
            assert child.stdout is not None
            last = ""
            watch = threading.Timer(
                threading.TIMEOUT_MAX if minutes is None else 60 * minutes, child.kill
            )
            watch.daemon = True
            watch.start()
            try:
                for line in child.stdout:
                    file.write(line)
                    last = line.strip() or last
                    header = re.match(r"[\d.]+ Executing (\w+)", line)
                    if progress is not None and header is not None:
                        progress(time.monotonic() - started, header[1])
            except BaseException:
                child.kill()
                raise
            finally:
                watch.cancel()
    if progress is not None:
        progress(time.monotonic() - started, "")
    if minutes is not None and time.monotonic() - started >= 60 * minutes and child.returncode != 0:
        raise SynthesisError(
            f"Yosys did not end within {minutes:g} minutes and was stopped; see {log.name}"
        )
    if child.returncode != 0:
        text = log.read_text(encoding="utf-8")
        if child.returncode == -signal.SIGKILL or "std::bad_alloc" in text:
            raise SynthesisError(
                "Yosys ran out of memory; fold the largest layers more, or synthesise on a larger "
                f"machine; see {log.name}"
            )
        raise SynthesisError(f"{_cause(text, last)}; see {log.name}")


def _cause(text: str, last: str) -> str:
    """The line of the log that says why Yosys stopped."""
    errors = [line.strip() for line in text.splitlines() if "ERROR:" in line]
    if "No module named 'pyosys'" in text:
        return "pyosys is not installed: run `pip install pyosys`"
    return f"Yosys: {errors[-1].replace('ERROR: ', '')}" if errors else f"Yosys stopped: {last}"
