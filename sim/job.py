"""Files through which the judge, its child process and the bench in the simulator communicate."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

from tritforge.files import write_atomic
from tritforge.sim.testbench import PAUSES_FILE, SOURCE_FILE

__all__ = [
    "BUILD_LOG",
    "PROGRESS_FILE",
    "RUN_LOG",
    "Built",
    "Job",
    "Launch",
    "Message",
    "Outcome",
    "read_progress",
    "write_pauses",
    "write_stimulus",
]

BUILD_LOG = "build.log"
RUN_LOG = "run.log"

PROGRESS_FILE = "progress"
"""Number of output words so far; rewritten several times a second, read to show progress."""

M = TypeVar("M", bound="Message")


@dataclass(frozen=True)
class Message:
    """What one process leaves for another in the folder of a run, in the file ``FILE``."""

    FILE: ClassVar[str]

    def write(self, folder: Path) -> None:
        """Write the message to ``folder``; it is never half written."""
        write_atomic(folder / self.FILE, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls: type[M], folder: Path) -> M:
        """Read the message in ``folder``; FileNotFoundError if there is none."""
        return cls(**json.loads((folder / cls.FILE).read_text()))


@dataclass(frozen=True, kw_only=True)
class Launch(Message):
    """Task of the child.

    Parameters
    ----------
    simulator: its name for cocotb.
    sources: Verilog files.
    build_arguments: options for the simulator's compiler.
    build: whether to build; otherwise the existing bench is run.
    run: whether to run the bench.
    build_dir: folder of the compiled bench.
    seed: of cocotb's own generator.
    wave: whether to record every signal in FST.
    """

    FILE = "launch.json"
    simulator: str
    sources: list[str]
    build_arguments: list[str]
    build: bool
    run: bool
    build_dir: str
    seed: int
    wave: bool


@dataclass(frozen=True)
class Built(Message):
    """Seconds and CPU seconds of the build; left by the child when it has done its task."""

    FILE = "finished.json"
    seconds: float = 0.0
    cpu_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Job(Message):
    """Task of the bench.

    Parameters
    ----------
    clock: name of the port.
    streams: names of the streams, in the order of the manifest.
    output_beats: words that the output must deliver.
    interval_cycles: cycles between two checks for progress.
    patience_cycles: the run ends when no stream had a transfer for so many cycles.
    drain_cycles: how long to wait for words that should not come after the last.
    warmup_beats: how many words to send before a reset, after which the run starts; 0 for no
        reset.
    """

    FILE = "job.json"
    clock: str
    streams: list[str]
    output_beats: int
    interval_cycles: int
    patience_cycles: int
    drain_cycles: int
    warmup_beats: int = 0


@dataclass(frozen=True, kw_only=True)
class Outcome(Message):
    """How the run ended.

    Parameters
    ----------
    complete: whether the output delivered every word.
    cycles, seconds: from the end of reset to the last output word, and the time that took.
    cpu_seconds, python_seconds: of a processor in that time, and how much of it was Python's.
    counts: transfers on each stream, in the order of the manifest.
    held: streams that stall at the end: valid is high and ready low.
    error: the design's sticky error output is not 0.
    """

    FILE = "outcome.json"
    complete: bool
    cycles: int
    seconds: float
    cpu_seconds: float
    python_seconds: float
    counts: list[int]
    held: list[str]
    error: bool


def read_progress(folder: Path) -> int:
    """Return the number of output words so far; 0 before the bench said anything."""
    try:
        return int((folder / PROGRESS_FILE).read_text())
    except FileNotFoundError:
        return 0


def write_stimulus(
    folder: Path, beats: Sequence[tuple[int, bool]], idle: Iterable[int], bits: int
) -> None:
    """Write what the source reads: of each beat the idle cycles before it and its payload.

    Parameters
    ----------
    folder: of the run.
    beats: (TDATA, TLAST) of each.
    idle: cycles before each, at least as many as beats.
    bits: of TDATA; TLAST travels above it.
    """
    lines = (
        f"{pause:x} {payload | last << bits:x}\n"
        for (payload, last), pause in zip(beats, idle, strict=False)
    )
    (folder / SOURCE_FILE).write_text("".join(lines))


def write_pauses(folder: Path, pauses: Iterable[tuple[int, int]], *, patient: bool) -> None:
    """Write what the sink reads: cycles that ready is low and high, not both 0."""
    lines = (f"{low:x} {high:x}\n" for low, high in pauses)
    (folder / PAUSES_FILE).write_text("".join((f"{int(patient)} 0\n", *lines)))
