"""Exact cycle counts of a pipeline before it is built: a timed event graph.

Every unit of a design is one or more processes. A process takes steps in a fixed order, at most one a cycle; a
step may take a beat from the channel before it, put a beat on the channel behind it, and wait for steps of other
processes. A channel is one register with valid and ready: a beat put in cycle t can be taken in t + 1 at the
earliest, and the register can be filled again in the very cycle in which it is emptied. The recurrence

    time[s] = max(time[s - 1] + 1, time of every step it waits for + that wait's delay)

is what the hardware does cycle by cycle when source and sink never pause, so its solution is not an estimate:
the benches demand that the simulated count equals it. A FIFO (hw.fifo) is two processes that wait for each other,
the writer for the reader's step as many beats ago as the FIFO is deep.
"""

from __future__ import annotations

from dataclasses import dataclass, field
import ctypes
import functools
import itertools
from pathlib import Path

import numpy as np
import numpy.typing as npt

from export.compiled import compiled_library

__all__ = ["Channel", "EventGraph", "Process", "TimingError", "period", "settled"]

IntArray = npt.NDArray[np.int64]


class TimingError(RuntimeError):
    """The graph deadlocks or does not settle into a period: a unit's model is wrong."""


@dataclass
class Process:
    """Steps in order, one a cycle at most. ``waits``: (process, steps that wait, steps they wait for, delay)."""

    name:  str
    steps: int
    waits: list[tuple[Process, IntArray, IntArray, int]] = field(default_factory=list)
    time:  IntArray = field(init=False)

    def wait(self, other, index, delay, at=None):
        """Each step waits until ``delay`` cycles after the step ``index`` of ``other``, or for none where it is -1.

        With ``at`` these are the indexes of those steps alone, which ascend.
        """
        steps, index = np.arange(self.steps) if at is None else np.asarray(at), np.asarray(index)
        # Steps are in order: who waited for a later step has waited for all before it.
        latest = np.maximum.accumulate(np.concatenate(([-1], index[:-1])))
        needed = index > latest
        self.waits.append((other, steps[needed].astype(np.int32), index[needed].astype(np.int32), delay))


@dataclass(frozen=True)
class Channel:
    """Beats that ``producer`` puts on a register: beat b of the run in its step ``put[b]``.

    ``spoils``: the step that spoils the register behind each beat but the last; None for the step that puts the next.
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
    beats    = len(channel.put) // frames
    leaves   = [int(channel.producer.time[put]) + 1 - int(start) for put in channel.put[beats - 1::beats]]
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

    def process(self, name, steps, owner=None):
        """Add a process of ``steps`` steps a frame; :meth:`of` finds it by its ``owner``."""
        process = Process(name, steps * self.frames)
        self.processes.append(process)
        self._owned.setdefault(id(owner), []).append(process)
        return process

    def of(self, owner):
        """The processes that were added for ``owner``, in order."""
        return tuple(self._owned[id(owner)])

    def per_run(self, steps_of_frame, steps):
        """Step numbers of one frame, repeated for every frame of the run."""
        frame = np.arange(self.frames, dtype=np.int64)[:, None] * steps
        return (frame + np.asarray(steps_of_frame, dtype=np.int64)[None, :]).ravel()

    def source(self, beats, cycles=None):
        """The channel from outside, ``beats`` a frame: always valid, a beat in step b of its process is accepted.

        It has no register: a beat is there as soon as the one before is accepted. With ``cycles`` the beats of a
        frame come evenly over as many.
        """
        process = self.process("source", beats)
        every   = np.arange(process.steps)
        if cycles is not None:
            process.wait(self.process("clock", cycles), every * cycles // beats, 0)
        return Channel(process, every - 1, spoils=every[:-1])

    def take(self, channel, process, taking):
        """``process`` takes beat b of ``channel`` in its step ``taking[b]`` (numbers of the whole run).

        A channel may have several takers: its register is free when the last one has taken (hw.fork). None is a
        source that has a beat in every cycle.
        """
        if channel is None:
            return
        if len(taking) != len(channel.put):
            raise TimingError(f"{process.name} takes {len(taking)} beats of {len(channel.put)}")
        places = 1 + channel.stages
        process.wait(channel.producer, channel.put, places, at=taking)
        spoils = channel.put[places:] if channel.spoils is None else channel.spoils
        channel.producer.wait(process, taking[:max(0, len(taking) - places)], 0, at=spoils)

    def chain(self, name, channel, steps, taking, putting):
        """A process of ``steps`` steps a frame that takes and puts beats in the given steps of each frame."""
        process = self.process(name, steps)
        self.take(channel, process, self.per_run(taking, steps))
        return Channel(process, self.per_run(putting, steps))

    def solve(self):
        """Compute the time of every step; TimingError on a deadlock."""
        processes = [process for process in self.processes if process.steps]
        starts    = np.cumsum([0, *(process.steps for process in processes)])       # of each process in one long row
        begin     = {id(process): int(start) for process, start in zip(processes, starts, strict=False)}
        first     = np.cumsum([0, *(len(process.waits) for process in processes)])
        waits     = [wait for process in processes for wait in process.waits]
        row       = [(begin[id(other)], delay) for other, _, _, delay in waits]
        tables    = (starts, first,
                     np.cumsum([0, *(len(at) for _, at, _, _ in waits)]),            # of each wait in the two rows of steps
                     np.array([base for base, _ in row], dtype=np.int64), np.array([delay for _, delay in row], dtype=np.int64),
                     np.concatenate([np.empty(0, dtype=np.int32), *(at for _, at, _, _ in waits)]),
                     np.concatenate([np.empty(0, dtype=np.int32), *(index for _, _, index, _ in waits)]))
        time, at  = (_compiled() or _advance)(*tables)
        for process, start in zip(processes, starts, strict=False):
            process.time = time[start:start + process.steps]
        stuck = [f"{process.name} at step {step}" for process, step in zip(processes, at, strict=True)
                 if step < process.steps]
        if stuck:
            raise TimingError("deadlock: " + ", ".join(stuck))


def _advance(starts, first, begin, base, delays, at, index):
    """Follow the recurrence as far as it goes: the time of every step, processes in one row, and how many are known.

    Process p has steps ``starts[p]`` to ``starts[p + 1]`` and the waits ``first[p]`` to ``first[p + 1]``; the entry e of
    wait w, from ``begin[w]`` on, is that its step ``at[e]`` waits for the step ``base[w] + index[e]`` of the row.
    """
    starts, first, begin, base, delays, at, index = (table.tolist() for table in
                                                     (starts, first, begin, base, delays, at, index))
    time     = [-1] * starts[-1]
    known    = [0] * (len(starts) - 1)
    cursor   = begin[:-1]
    progress = True
    while progress:
        progress = False
        for process, start in enumerate(starts[:-1]):
            step  = known[process]
            steps = starts[process + 1] - start
            now   = time[start + step - 1] if step else -1
            while step < steps:
                due = [wait for wait in range(first[process], first[process + 1])
                       if cursor[wait] < begin[wait + 1] and at[cursor[wait]] == step]
                others = [(time[base[wait] + index[cursor[wait]]], delays[wait]) for wait in due]
                if any(other < 0 for other, _ in others):
                    break
                now = max([now + 1, *(other + delay for other, delay in others)])
                time[start + step] = now
                step += 1
                for wait in due:
                    cursor[wait] += 1
            if step > known[process]:
                known[process] = step
                progress = True
    return np.array(time, dtype=np.int64), np.array(known, dtype=np.int64)


@functools.cache
def _compiled():
    """The compiled form of :func:`_advance`; None where none can be built."""
    library = compiled_library(Path(__file__).with_suffix(".cpp"))
    if library is None:
        return None
    library.timing_advance.argtypes = [ctypes.c_int64] + [ctypes.c_void_p] * 10

    def advance(*tables):
        starts, _, begin, *_ = tables = [np.ascontiguousarray(table) for table in tables]
        time   = np.full(int(starts[-1]), -1, dtype=np.int64)
        known  = np.zeros(len(starts) - 1, dtype=np.int64)
        cursor = begin[:-1].copy()
        library.timing_advance(len(known), *(array.ctypes.data for array in (*tables, cursor, time, known)))
        return time, known

    return advance
