"""Files through which the judge and the bench inside the simulator communicate."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tritforge.sim.testbench import PAUSES_FILE, SOURCE_FILE

__all__ = [
    "JOB_FILE",
    "OUTCOME_FILE",
    "PROGRESS_FILE",
    "Job",
    "Outcome",
    "read_progress",
    "write_pauses",
    "write_stimulus",
]

JOB_FILE = "job.json"
OUTCOME_FILE = "outcome.json"
PROGRESS_FILE = "progress"
"""Number of output words so far; rewritten several times a second, read to show progress."""


@dataclass(frozen=True, kw_only=True)
class Job:
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

    clock: str
    streams: list[str]
    output_beats: int
    interval_cycles: int
    patience_cycles: int
    drain_cycles: int
    warmup_beats: int = 0

    def to_json(self) -> str:
        """Return the content of ``job.json``."""
        return json.dumps(asdict(self), indent=2) + "\n"


@dataclass(frozen=True, kw_only=True)
class Outcome:
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

    complete: bool
    cycles: int
    seconds: float
    cpu_seconds: float
    python_seconds: float
    counts: list[int]
    held: list[str]
    error: bool

    def to_json(self) -> str:
        """Return the content of ``outcome.json``."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def read(cls, folder: Path) -> Outcome:
        """Read what the bench left in ``folder``."""
        return cls(**json.loads((folder / OUTCOME_FILE).read_text()))


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
