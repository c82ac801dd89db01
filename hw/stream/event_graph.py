"""Exact cycle counts of a pipeline before it is built: a timed event graph.

Each unit of a design is modelled by one or more processes. A process executes steps in a fixed
order, at most one per cycle; a step may take a beat from the upstream channel, put a beat on the
downstream channel, and wait for steps of other processes. A channel is one register with a
valid/ready handshake: a beat put in cycle t can be taken in cycle t + 1 at the earliest, and the
register can be refilled in the cycle in which it is emptied. The recurrence

    time[s] = max(time[s - 1] + 1, time of every step it waits for + the delay of that wait)

is what the hardware does cycle by cycle while source and sink never stall. Its solution is exact:
the benches demand that the simulated cycle count equals it. A FIFO (tritforge.hw.stream.fifo) is
two processes: the writer waits for the reader's step ``depth`` beats ago, the reader for the
writer.

All frames are alike, so steps and waits are stated for one frame. Steps are numbered from the start
of the frame; a negative number is a step of an earlier frame, and a wait for a step before the
first frame is ignored. Memory: 4 bytes per step of the run and 20 per run of evenly spaced waits.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tritforge.hw.matrix.native import compiled_library
from tritforge.types import IntArray

__all__ = [
    "RUN_FRAMES",
    "Channel",
    "EventGraph",
    "Process",
    "TimingError",
    "Waits",
    "continued",
    "period",
    "settled",
]

StepArray = npt.NDArray[np.int32]

RUN_FRAMES = 8
"""Frames of a run; the last three must follow each other at equal distances (``settled``)."""


class TimingError(RuntimeError):
    """The graph deadlocks, finds no steady state or runs too long: a unit's model is wrong."""


def continued(steps: npt.ArrayLike, frame_steps: int, index: npt.ArrayLike) -> IntArray:
    """Extend ``steps`` of one frame of ``frame_steps`` periodically; return the entries ``index``.

    ``steps`` ascends; index -1 is the last entry of the frame before.

    >>> continued(np.array([2, 5]), 10, np.arange(-2, 4)).tolist()
    [-8, -5, 2, 5, 12, 15]
    """
    frame = np.asarray(steps, dtype=np.int64)
    turn, entry = np.divmod(np.asarray(index), len(frame))
    result: IntArray = frame[entry] + turn * frame_steps
    return result


@dataclass(frozen=True)
class Waits:
    """Per frame, step ``at[k]`` waits until ``delay`` cycles after step ``index[k]`` of ``other``.

    ``at`` and ``index`` ascend. They are stored run-length encoded, as runs of evenly spaced
    entries: column r of ``runs`` [5, R] holds the first ``at``, the first ``index``, the number of
    entries, and the spacing of ``at`` and of ``index``.
    """

    other: Process
    runs:  StepArray
    delay: int

    @classmethod
    def of(cls, other: Process, at: IntArray, index: IntArray, delay: int) -> Waits:
        """Encode the waits of ``at`` and ``index``, two ascending rows of equal length."""
        if not len(at):
            return cls(other, np.empty((5, 0), dtype=np.int32), delay)
        distance = np.diff(np.stack((at, index)), axis=1)
        # candidates for the last entries of runs: where the spacing changes
        bends    = 1 + np.flatnonzero((distance[:, 1:] != distance[:, :-1]).any(axis=0))
        # of adjacent candidates, every other one lies within a run
        group    = np.flatnonzero(np.diff(bends, prepend=-1) != 1)
        nth      = np.arange(len(bends)) - np.repeat(group, np.diff(np.append(group, len(bends))))
        first    = np.concatenate(([0], bends[nth % 2 == 0] + 1))
        count    = np.diff(np.append(first, len(at)))
        ahead    = np.concatenate((distance, [[0], [0]]), axis=1)[:, first] * (count > 1)
        return cls(
            other, np.stack((at[first], index[first], count, *ahead)).astype(np.int32), delay
        )

    @property
    def at(self) -> IntArray:
        """The waiting steps, int64 [K]."""
        return self._row(0)

    @property
    def index(self) -> IntArray:
        """The steps waited for, int64 [K]."""
        return self._row(1)

    def _row(self, which: int) -> IntArray:
        start, count, distance = (self.runs[row].astype(np.int64) for row in (which, 2, 3 + which))
        # position within the run
        place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        row: IntArray = np.repeat(start, count) + np.repeat(distance, count) * place
        return row


@dataclass
class Process:
    """A process of ``steps`` steps per frame; solving sets ``time`` [frames * steps]."""

    name:  str
    steps: int
    waits: list[Waits] = field(default_factory=list)
    time:  StepArray = field(init=False)

    def wait(
        self, other: Process, index: npt.ArrayLike, delay: int, at: npt.ArrayLike | None = None
    ) -> None:
        """Let each step wait until ``delay`` cycles after the step ``index`` of ``other``.

        With ``at``, only the steps ``at`` wait. An ``at`` beyond the frame is a step of the next
        frame.

        Raises
        ------
        TimingError : ``index`` lies beyond the frame of ``other``.
        """
        steps: IntArray = np.asarray(np.arange(self.steps) if at is None else at, dtype=np.int64)
        until: IntArray = np.asarray(index, dtype=np.int64)
        if not len(until):
            return
        frame = steps // self.steps if self.steps else steps
        steps, until = steps - frame * self.steps, until - frame * other.steps
        if frame.any():
            order = np.argsort(steps, kind="stable")
            steps, until = steps[order], until[order]
        if until.max() >= other.steps:
            raise TimingError(f"{self.name} waits for step {until.max()} of {other.name}, "
                              f"whose frame has {other.steps}")
        # Steps are in order: a process that waited for a step has waited for all earlier ones.
        latest = np.maximum.accumulate(np.concatenate(([until.max() - other.steps], until[:-1])))
        needed = until > latest
        self.waits.append(Waits.of(other, steps[needed], until[needed], delay))


@dataclass(frozen=True)
class Channel:
    """A register with valid/ready handshake, filled by ``producer``.

    Parameters
    ----------
    producer : the upstream process.
    put : [beats] step of the producer that puts each beat of a frame.
    overwrites : [beats] step that overwrites the register after each beat; None: the step of the
        next ``put``.
    stages : registers in series downstream of that one, each of which forwards a beat as soon as it
        can. They need no processes: they add ``stages`` cycles of delay and ``stages`` places.
    """

    producer:   Process
    put:        IntArray
    overwrites: IntArray | None = None
    stages:     int = 0


def settled(channel: Channel, frames: int, start: int = 0) -> tuple[int, ...]:
    """Return the cycle, from ``start``, in which the last beat of each of ``frames`` frames leaves.

    The result ends with the first frame of the steady state.

    Raises
    ------
    TimingError : the last three frames do not follow each other at equal distances.
    """
    steps    = channel.producer.steps * np.arange(frames) + channel.put[-1]
    leaves   = (channel.producer.time[steps].astype(np.int64) + 1 - int(start)).tolist()
    distance = [after - before for before, after in itertools.pairwise(leaves)]
    if len(set(distance[-3:])) != 1:
        raise TimingError(f"the frames do not settle into a period: {distance}")
    while len(leaves) > 2 and distance[-1] == distance[-2]:
        leaves.pop()
        distance.pop()
    return tuple(leaves)


def period(channel: Channel, frames: int) -> int:
    """Initiation interval of ``channel`` in cycles per frame, in the steady state of a run."""
    leaves = settled(channel, frames)
    return leaves[-1] - leaves[-2]


class EventGraph:
    """Processes of a pipeline for a run of ``frames`` frames, and the solver of their step times.

    Raises
    ------
    ValueError : ``frames`` is not a positive int.
    """

    def __init__(self, frames: int) -> None:
        if not isinstance(frames, int) or frames < 1:
            raise ValueError(f"frames must be a positive int, not {frames!r}")
        self.frames    = frames
        self.processes: list[Process] = []
        self._owned:    dict[int, list[Process]] = {}           # by the id of the owner
        self._channels: dict[str, Channel] = {}                 # by name
        # by the id of the producer: (process, its last step that takes)
        self._takers:   dict[int, list[tuple[Process, int]]] = {}

    def process(self, name: str, steps: int, owner: object = None) -> Process:
        """Add a process of ``steps`` steps per frame; ``of(owner)`` returns it."""
        process = Process(name, steps)
        self.processes.append(process)
        self._owned.setdefault(id(owner), []).append(process)
        return process

    def of(self, owner: object) -> tuple[Process, ...]:
        """Return the processes of ``owner``, in the order in which they were added."""
        return tuple(self._owned[id(owner)])

    def name(self, name: str, channel: Channel) -> None:
        """Name ``channel``, for ``ends``."""
        self._channels[name] = channel

    def ends(self) -> dict[str, list[int]]:
        """Return the cycle of the last transfer of each frame, by channel name, after ``solve``."""
        frame = np.arange(self.frames)

        def times(process: Process, step: int) -> IntArray:
            return process.time[frame * process.steps + step].astype(np.int64)

        found = {}
        for name, channel in self._channels.items():
            # of several consumers, the last one frees the register
            takers = self._takers.get(id(channel.producer))
            found[name] = (times(channel.producer, channel.put[-1]) + 1 if takers is None else
                           np.max([times(*taker) for taker in takers], axis=0)).tolist()
        return found

    def source(self, beats: int, cycles: int | None = None) -> Channel:
        """Add the pipeline's input, ``beats`` beats per frame, always valid; return its channel.

        Step b of its process is the transfer of beat b. It has no register: the next beat is valid
        as soon as the previous one is accepted. With ``cycles``, the beats of a frame arrive evenly
        spread over that many cycles.
        """
        process = self.process("source", beats)
        every   = np.arange(beats)
        if cycles is not None:
            process.wait(self.process("clock", cycles), every * cycles // beats, 0)
        return Channel(process, every - 1, overwrites=every)

    def take(self, channel: Channel | None, process: Process, taking: npt.ArrayLike) -> None:
        """Let ``process`` take beat b of each frame of ``channel`` in its step ``taking[b]``.

        A channel with several consumers is free when the last one has taken
        (tritforge.hw.stream.fork). None is a source with a valid beat in every cycle.

        Raises
        ------
        TimingError : ``taking`` has not one step per beat.
        """
        if channel is None:
            return
        steps: IntArray = np.asarray(taking, dtype=np.int64)
        if len(steps) != len(channel.put):
            raise TimingError(f"{process.name} takes {len(steps)} beats of {len(channel.put)}")
        self._takers.setdefault(id(channel.producer), []).append((process, int(steps[-1])))
        places = 1 + channel.stages
        process.wait(channel.producer, channel.put, places, at=steps)
        if channel.overwrites is not None:
            channel.producer.wait(process, steps, 0, at=channel.overwrites)
        else:
            freed = continued(steps, process.steps, np.arange(len(steps)) - places)
            channel.producer.wait(process, freed, 0, at=channel.put)

    def chain(
        self,
        name: str,
        channel: Channel | None,
        steps: int,
        taking: npt.ArrayLike,
        putting: npt.ArrayLike,
    ) -> Channel:
        """Add a process of ``steps`` steps per frame; return its channel.

        Parameters
        ----------
        channel : input; None for a source with a valid beat in every cycle.
        taking, putting : ascending steps in which it takes and puts the beats of a frame.
        """
        process = self.process(name, steps)
        self.take(channel, process, taking)
        return Channel(process, np.asarray(putting, dtype=np.int64))

    def solve(self) -> None:
        """Compute the time of every step, then drop the waits: their reference cycles hold memory.

        Raises
        ------
        TimingError : a deadlock, or a run of more than 2^31 cycles.
        CompilerError : event_graph.cpp cannot be compiled.
        """
        processes = [process for process in self.processes if process.steps]
        time, known = _advance(processes, self.frames)
        for process, row in zip(processes, time, strict=True):
            process.time = row
            process.waits.clear()
        late = [process.name for process, row, steps in zip(processes, time, known, strict=True)
                if steps and row[steps - 1] > LATEST]
        if late:
            raise TimingError(f"{late[0]} would take more than {LATEST:,} cycles")
        stuck = [
            f"{process.name} at step {steps}"
            for process, steps in zip(processes, known, strict=True)
            if steps < process.steps * self.frames
        ]
        if stuck:
            raise TimingError("deadlock: " + ", ".join(stuck))


LATEST = (1 << 31) - (1 << 20)
"""Last cycle of a run: beyond it, a step time plus a delay might not fit in 32 bits."""


def _advance(processes: Sequence[Process], frames: int) -> tuple[list[StepArray], list[int]]:
    """Evaluate the recurrence as far as possible.

    Returns the times of every step of each process, -1 if unknown, and the numbers of known steps.
    tests/hw/stream/event_graph_oracle.py is the same function in Python.
    """
    place  = {id(process): number for number, process in enumerate(processes)}
    waits  = [wait for process in processes for wait in process.waits]
    tables = [np.ascontiguousarray(table) for table in (
        np.array([process.steps for process in processes], dtype=np.int64),
        np.cumsum([0, *(len(process.waits) for process in processes)], dtype=np.int64),
        np.array([place[id(wait.other)] for wait in waits], dtype=np.int64),
        np.array([wait.delay for wait in waits], dtype=np.int64),
        np.cumsum([0, *(wait.runs.shape[1] for wait in waits)], dtype=np.int64),
        np.concatenate([np.empty((0, 5), dtype=np.int32), *(wait.runs.T for wait in waits)]))]
    begin  = np.cumsum([0, *(process.steps * frames for process in processes)])
    time   = np.full(begin[-1], -1, dtype=np.int32)
    known  = np.zeros(len(processes), dtype=np.int64)
    _library().timing_advance(
        len(processes), frames, *(array.ctypes.data for array in (*tables, time, known))
    )
    return np.split(time, begin[1:-1]), known.tolist()


@functools.cache
def _library() -> ctypes.CDLL:
    library = compiled_library(Path(__file__).with_suffix(".cpp"))
    library.timing_advance.argtypes = [ctypes.c_int64] * 2 + [ctypes.c_void_p] * 8
    return library
