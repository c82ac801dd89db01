"""What the judge and the bench inside the simulator tell each other: files in the folder of a run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = [
    "JOB_FILE",
    "OUTCOME_FILE",
    "PROGRESS_FILE",
    "Job",
    "Outcome",
    "read_progress",
    "read_stimulus",
    "write_stimulus",
]

JOB_FILE = "job.json"
STIMULUS_FILE = "stimulus.txt"
OUTCOME_FILE = "outcome.json"
PROGRESS_FILE = "progress"
"""Number of output words so far; rewritten now and then, read by whoever shows progress."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What the bench is to do.

    Parameters
    ----------
    clock, reset: names of the ports.
    streams: names of the streams, in the order of the manifest.
    output_beats: words that the output must deliver.
    interval_cycles: the scale of the pauses.
    stalls, seed: the pattern of pauses and what its randomness starts from.
    patience_cycles: the run ends when no stream moved for so long.
    drain_cycles: how long to wait for words that should not come after the last.
    spent_beats: how many beats to send before a reset, after which all begins anew; 0 for no reset.
    """

    clock: str
    reset: str
    streams: list[str]
    output_beats: int
    interval_cycles: int
    stalls: str
    seed: int
    patience_cycles: int
    drain_cycles: int
    spent_beats: int = 0

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
    held: streams that offer a beat which nobody takes, at the end.
    error: the design's sticky error output is not 0.
    """

    complete: bool
    cycles: int
    seconds: float
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


def write_stimulus(folder: Path, beats: Iterable[tuple[int, bool]]) -> None:
    """Write (payload, last) of each beat of the source: a line each, TLAST and the payload in hexadecimal."""
    lines = (f"{int(last)} {payload:x}\n" for payload, last in beats)
    (folder / STIMULUS_FILE).write_text("".join(lines))


def read_stimulus(folder: Path = Path()) -> list[tuple[int, bool]]:
    """Return (payload, last) of each beat of the source."""
    lines = (folder / STIMULUS_FILE).read_text().splitlines()
    return [(int(payload, 16), last == "1") for last, payload in (line.split() for line in lines)]
