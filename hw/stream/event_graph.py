"""Exact cycle counts of a pipeline before it is built: a timed event graph.

Every unit of a design is one or more processes. A process takes steps in a fixed order, at most one a cycle; a
step may take a beat from the channel before it, put a beat on the channel behind it, and wait for steps of other
processes. A channel is one register with valid and ready: a beat put in cycle t can be taken in t + 1 at the
earliest, and the register can be filled again in the very cycle in which it is emptied. The recurrence

    time[s] = max(time[s - 1] + 1, time of every step it waits for + that wait's delay)

is what the hardware does cycle by cycle when source and sink never pause, so its solution is not an estimate:
the benches demand that the simulated count equals it. A FIFO (tritforge.hw.stream.fifo) is two processes that wait for each other,
the writer for the reader's step as many beats ago as the FIFO is deep.

Frames are alike, so steps and waits are stated once, for one frame. Steps are numbered from the frame's first; a
negative number is a step of a frame before, which the first frames of a run do not have and do not wait for.
Memory: 4 bytes for each step of the run, and 20 for each run of waits that are evenly spaced.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tritforge.hw.matrix.native import compiled_library
from tritforge.types import IntArray

__all__ = ["Channel", "EventGraph", "Process", "TimingError", "Waits", "continued", "period", "settled"]

StepArray = npt.NDArray[np.int32]


class TimingError(RuntimeError):
    """The graph deadlocks, does not settle into a period or takes too many cycles: a unit's model is wrong."""


def continued(steps, frame_steps, index):
    """``steps``, ascending numbers of one frame of ``frame_steps``, as a row without ends; its entries ``index``.

    >>> continued(np.array([2, 5]), 10, np.arange(-2, 4)).tolist()
    [-8, -5, 2, 5, 12, 15]
    """
    steps, index = np.asarray(steps), np.asarray(index)
    return steps[index % len(steps)] + index // len(steps) * frame_steps


@dataclass(frozen=True)
class Waits:
    """In each frame the step ``at[k]`` waits until ``delay`` cycles after the step ``index[k]`` of ``other``.

    Both rows ascend. They are kept as runs of ``count`` entries that are evenly spaced: column r of ``runs`` [5, R]
    is the first ``at``, the first ``index``, the count, and the distance of either row.
    """

    other: Process
    runs:  StepArray
    delay: int

    @classmethod
    def of(cls, other, at, index, delay):
        """The waits from their two rows."""
        if not len(at):
            return cls(other, np.empty((5, 0), dtype=np.int32), delay)
        distance = np.diff(np.stack((at, index)), axis=1)
        bends    = 1 + np.flatnonzero((distance[:, 1:] != distance[:, :-1]).any(axis=0))     # last entries of runs, perhaps
        group    = np.flatnonzero(np.diff(bends, prepend=-1) != 1)                           # bends side by side
        nth      = np.arange(len(bends)) - np.repeat(group, np.diff(np.append(group, len(bends))))
        first    = np.concatenate(([0], bends[nth % 2 == 0] + 1))                            # every other one is within
        count    = np.diff(np.append(first, len(at)))
        ahead    = np.concatenate((distance, [[0], [0]]), axis=1)[:, first] * (count > 1)
        return cls(other, np.stack((at[first], index[first], count, *ahead)).astype(np.int32), delay)

    @property
    def at(self):
        return self._row(0)

    @property
    def index(self):
        return self._row(1)

    def _row(self, which):
        start, count, distance = (self.runs[row].astype(np.int64) for row in (which, 2, 3 + which))
        place = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)             # in its run
        return np.repeat(start, count) + np.repeat(distance, count) * place


@dataclass
class Process:
    """``steps`` a frame, in order, one a cycle at most. ``time``: of every step of a run, once it is solved."""

    name:  str
    steps: int
    waits: list[Waits] = field(default_factory=list)
    time:  StepArray = field(init=False)

    def wait(self, other, index, delay, at=None):
        """Each step waits until ``delay`` cycles after the step ``index`` of ``other``.

        With ``at`` these are the indexes of those steps alone. An ``at`` beyond the frame is a step of the next.
        """
        steps, index = np.arange(self.steps) if at is None else np.asarray(at), np.asarray(index)
        if not len(index):
            return
        frame = steps // self.steps if self.steps else steps
        steps, index = steps - frame * self.steps, index - frame * other.steps
        if frame.any():
            order = np.argsort(steps, kind="stable")
            steps, index = steps[order], index[order]
        if index.max() >= other.steps:
            raise TimingError(f"{self.name} waits for step {index.max()} of {other.name}, whose frame has {other.steps}")
        # Steps are in order: who waited for a later step has waited for all before it.
        latest = np.maximum.accumulate(np.concatenate(([index.max() - other.steps], index[:-1])))
        needed = index > latest
        self.waits.append(Waits.of(other, steps[needed], index[needed], delay))


@dataclass(frozen=True)
class Channel:
    """Beats that ``producer`` puts on a register: beat b of a frame in its step ``put[b]``.

    ``spoils``: the step that spoils the register behind each beat; None for the step that puts the next.
    ``stages``: registers in a row behind that one, each passing a beat on as soon as it can. They need no processes:
    what the ends see of them is a delay of as many cycles, and as many places.
    """

    producer: Process
    put:      IntArray
    spoils:   IntArray | None = None
    stages:   int = 0


def settled(channel, frames, start=0):
    """Cycles, counted from ``start``, in which the last beat of each of the first ``frames`` frames leaves ``channel``.

    Ends with the first frame of the steady state.

    Raises
    ------
    TimingError : the last three frames do not follow each other at the same distance.
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


def period(channel, frames):
    """Cycles from frame to frame on ``channel`` in the steady state of a run of ``frames``."""
    leaves = settled(channel, frames)
    return leaves[-1] - leaves[-2]


class EventGraph:
    """Builds processes for a run of ``frames`` frames and solves for the time of every step."""

    def __init__(self, frames):
        if not isinstance(frames, int) or frames < 1:
            raise ValueError(f"frames must be a positive int, not {frames!r}")
        self.frames    = frames
        self.processes = []
        self._owned    = {}
        self._channels = {}             # by name
        self._takers   = {}             # by the id of the producer: (process, its last step that takes)

    def process(self, name, steps, owner=None):
        """Add a process of ``steps`` steps a frame; :meth:`of` finds it by its ``owner``."""
        process = Process(name, steps)
        self.processes.append(process)
        self._owned.setdefault(id(owner), []).append(process)
        return process

    def of(self, owner):
        """The processes that were added for ``owner``, in order."""
        return tuple(self._owned[id(owner)])

    def name(self, name, channel):
        """Name ``channel``, for :meth:`ends`."""
        self._channels[name] = channel

    def ends(self):
        """By name of the channel, the cycles in which the last beat of each frame goes over it. Once it is solved."""
        frame = np.arange(self.frames)

        def times(process, step):
            return process.time[frame * process.steps + step].astype(np.int64)

        found = {}
        for name, channel in self._channels.items():
            takers = self._takers.get(id(channel.producer))             # the last one of several lets the beat go
            found[name] = (times(channel.producer, channel.put[-1]) + 1 if takers is None else
                           np.max([times(*taker) for taker in takers], axis=0)).tolist()
        return found

    def source(self, beats, cycles=None):
        """The channel from outside, ``beats`` a frame: always valid, a beat in step b of its process is accepted.

        It has no register: a beat is there as soon as the one before is accepted. With ``cycles`` the beats of a
        frame come evenly over as many.
        """
        process = self.process("source", beats)
        every   = np.arange(beats)
        if cycles is not None:
            process.wait(self.process("clock", cycles), every * cycles // beats, 0)
        return Channel(process, every - 1, spoils=every)

    def take(self, channel, process, taking):
        """``process`` takes beat b of each frame of ``channel`` in its step ``taking[b]``.

        A channel may have several takers: its register is free when the last one has taken (tritforge.hw.stream.fork). None is a
        source that has a beat in every cycle.
        """
        if channel is None:
            return
        taking = np.asarray(taking)
        if len(taking) != len(channel.put):
            raise TimingError(f"{process.name} takes {len(taking)} beats of {len(channel.put)}")
        self._takers.setdefault(id(channel.producer), []).append((process, int(taking[-1])))
        places = 1 + channel.stages
        process.wait(channel.producer, channel.put, places, at=taking)
        if channel.spoils is not None:
            channel.producer.wait(process, taking, 0, at=channel.spoils)
        else:
            before = np.arange(len(taking)) - places
            channel.producer.wait(process, continued(taking, process.steps, before), 0, at=channel.put)

    def chain(self, name, channel, steps, taking, putting):
        """A process of ``steps`` steps a frame that takes and puts beats in the given steps of each frame."""
        process = self.process(name, steps)
        self.take(channel, process, taking)
        return Channel(process, np.asarray(putting, dtype=np.int64))

    def solve(self):
        """Compute the time of every step. The waits are gone then: they run in circles and would keep the times in memory.

        Raises
        ------
        TimingError : a deadlock, or a run that takes more than 2^31 cycles.
        """
        processes = [process for process in self.processes if process.steps]
        time, known = (_compiled() or _advance)(processes, self.frames)
        for process, row in zip(processes, time, strict=True):
            process.time = row
            process.waits.clear()
        late = [process.name for process, row, steps in zip(processes, time, known, strict=True)
                if steps and row[steps - 1] > LATEST]
        if late:
            raise TimingError(f"{late[0]} would take more than {LATEST:,} cycles")
        stuck = [f"{process.name} at step {steps}" for process, steps in zip(processes, known, strict=True)
                 if steps < process.steps * self.frames]
        if stuck:
            raise TimingError("deadlock: " + ", ".join(stuck))


LATEST = (1 << 31) - (1 << 20)
"""The latest cycle of a run: beyond it a step and its delays might not fit in 32 bits."""


def _advance(processes, frames):
    """Follow the recurrence as far as it goes: for each process the time of every step of the run, -1 where it is
    not known, and how many steps are known."""
    place    = {id(process): number for number, process in enumerate(processes)}
    waits    = []                                           # for each process, by step of a frame: (other, index, delay)
    for process in processes:
        due = [[] for _ in range(process.steps)]
        for wait in process.waits:
            for at, index in zip(wait.at.tolist(), wait.index.tolist(), strict=True):
                due[at].append((place[id(wait.other)], index, wait.delay))
        waits.append(due)
    time     = [[] for _ in processes]
    progress = True
    while progress:
        progress = False
        for process, done, due in zip(processes, time, waits, strict=True):
            while len(done) < process.steps * frames:
                frame, step = divmod(len(done), process.steps)
                if done and done[-1] > LATEST:
                    break
                steps  = [(time[other], index + frame * processes[other].steps, delay) for other, index, delay in due[step]]
                steps  = [(other, index, delay) for other, index, delay in steps if index >= 0]
                if any(index >= len(other) for other, index, _ in steps):
                    break
                done.append(max([done[-1] + 1 if done else 0, *(other[index] + delay for other, index, delay in steps)]))
                progress = True
    known = [len(done) for done in time]
    return [np.array(done + [-1] * (process.steps * frames - len(done)), dtype=np.int32)
            for process, done in zip(processes, time, strict=True)], known


@functools.cache
def _compiled():
    """The compiled form of :func:`_advance`; None where none can be built."""
    library = compiled_library(Path(__file__).with_suffix(".cpp"))
    if library is None:
        return None
    library.timing_advance.argtypes = [ctypes.c_int64] * 2 + [ctypes.c_void_p] * 8

    def advance(processes, frames):
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
        library.timing_advance(len(processes), frames, *(array.ctypes.data for array in (*tables, time, known)))
        return np.split(time, begin[1:-1]), known.tolist()

    return advance
