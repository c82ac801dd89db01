"""The solver of event_graph.cpp in Python: slow, the same times for every graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tritforge.hw.stream.event_graph import LATEST, Process, StepArray


def advance(processes: Sequence[Process], frames: int) -> tuple[list[StepArray], list[int]]:
    """Evaluate the recurrence as far as possible.

    Returns the times of every step of each process, -1 if unknown, and the numbers of known steps.
    """
    place = {id(process): number for number, process in enumerate(processes)}
    # for each process, by step of a frame: (other, index, delay)
    waits: list[list[list[tuple[int, int, int]]]] = []
    for process in processes:
        due: list[list[tuple[int, int, int]]] = [[] for _ in range(process.steps)]
        for wait in process.waits:
            for at, index in zip(wait.at.tolist(), wait.index.tolist(), strict=True):
                due[at].append((place[id(wait.other)], index, wait.delay))
        waits.append(due)
    time: list[list[int]] = [[] for _ in processes]
    progress = True
    while progress:
        progress = False
        for process, done, due in zip(processes, time, waits, strict=True):
            while len(done) < process.steps * frames:
                frame, step = divmod(len(done), process.steps)
                if done and done[-1] > LATEST:
                    break
                steps = [
                    (time[other], index + frame * processes[other].steps, delay)
                    for other, index, delay in due[step]
                ]
                steps = [(other, index, delay) for other, index, delay in steps if index >= 0]
                if any(index >= len(other) for other, index, _ in steps):
                    break
                done.append(
                    max(
                        [
                            done[-1] + 1 if done else 0,
                            *(other[index] + delay for other, index, delay in steps),
                        ]
                    )
                )
                progress = True
    known = [len(done) for done in time]
    return [
        np.array(done + [-1] * (process.steps * frames - len(done)), dtype=np.int32)
        for process, done in zip(processes, time, strict=True)
    ], known
