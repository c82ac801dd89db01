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
import itertools

import numpy as np
import numpy.typing as npt

__all__ = ["Channel", "EventGraph", "Process", "TimingError", "period", "settled"]

IntArray = npt.NDArray[np.int64]


COMPILED_STEPS = 1 << 20
"""Steps from which compiling the solver pays, where numba is installed."""


class TimingError(RuntimeError):
    """The graph deadlocks or does not settle into a period: a unit's model is wrong."""


@dataclass
class Process:
    """Steps in order, one a cycle at most. ``waits``: (process, step it waits for or -1, delay), one row a step."""

    name:  str
    steps: int
    waits: list[tuple[Process, IntArray, int]] = field(default_factory=list)
    time:  IntArray = field(init=False)

    def __post_init__(self):
        self.time = np.full(self.steps, -1, dtype=np.int64)


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
            process.waits.append((self.process("clock", cycles), every * cycles // beats, 0))
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
        arrival = np.full(process.steps, -1, dtype=np.int64)
        arrival[taking] = channel.put
        process.waits.append((channel.producer, arrival, 1 + channel.stages))
        room   = np.full(channel.producer.steps, -1, dtype=np.int64)
        places = 1 + channel.stages
        room[channel.put[places:] if channel.spoils is None else channel.spoils] = taking[:len(taking) - places]
        channel.producer.waits.append((process, room, 0))

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
        first, indexes, delays, offsets = [0], [], [], [0]
        for process in processes:
            for other, index, delay in process.waits:
                steps = np.asarray(index)
                indexes.append(np.where(steps < 0, -1, steps + begin[id(other)]).astype(np.int32))
                delays.append(delay)
                offsets.append(offsets[-1] + process.steps)
            first.append(len(delays))
        row    = np.concatenate(indexes) if indexes else np.empty(0, dtype=np.int32)
        time   = np.full(int(starts[-1]), -1, dtype=np.int64)
        at     = np.zeros(len(processes), dtype=np.int64)
        tables = [np.asarray(table) for table in (starts, first, row, offsets, delays)]
        if len(time) < COMPILED_STEPS or _compiled is None:
            values, steps = time.tolist(), at.tolist()          # Python is quicker with lists than with arrays
            _advance(values, steps, *(table.tolist() for table in tables))
            time, at = np.array(values, dtype=np.int64), np.array(steps)
        else:
            _compiled(time, at, *tables)
        for process, start in zip(processes, starts, strict=False):
            process.time = time[start:start + process.steps]
        stuck = [f"{process.name} at step {step}" for process, step in zip(processes, at, strict=True)
                 if step < process.steps]
        if stuck:
            raise TimingError("deadlock: " + ", ".join(stuck))


def _advance(time, at, starts, first, row, offsets, delays):
    """Follow the recurrence as far as it goes: ``time`` of every step, processes one behind the other.

    Process p has steps ``starts[p]`` to ``starts[p + 1]`` and the waits ``first[p]`` to ``first[p + 1]``; wait w of
    step s is for the step ``row[offsets[w] + s]``. ``at`` counts the steps of each process that are known.
    """
    progress = True
    while progress:
        progress = False
        for process in range(len(at)):
            begin, step = starts[process], at[process]
            steps  = starts[process + 1] - begin
            now    = time[begin + step - 1] if step else -1
            before = step
            known  = True
            while step < steps and known:
                earliest = now + 1
                for wait in range(first[process], first[process + 1]):
                    other = row[offsets[wait] + step]
                    if other >= 0:
                        if time[other] < 0:
                            known = False
                            break
                        earliest = max(earliest, time[other] + delays[wait])
                if known:
                    now = earliest
                    time[begin + step] = now
                    step += 1
            if step > before:
                at[process] = step
                progress = True


try:
    import numba
except ImportError:         # an extra; without it large networks take minutes
    _compiled = None
else:
    _compiled = numba.njit(_advance)
