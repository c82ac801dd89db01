"""Patterns of the pauses of source and sink: idle and stalled cycles, by name.

Imports the standard library alone, because the command line lists the names in ``--help``.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NoReturn

__all__ = ["IdlePattern", "Patience", "StallPattern", "Stalls", "log_uniform"]


def log_uniform(generator: random.Random, longest: int) -> int:
    """Return a length in 1..longest, uniformly distributed on a logarithmic scale."""
    return min(longest, int((longest + 1) ** generator.random()))


class Patience(Enum):
    """Condition on which the sink raises ready."""

    TIMED = "by the clock alone"
    AFTER_VALID = "for one cycle, only after valid was seen"


IdlePattern = Callable[[random.Random, int], Iterator[int]]
"""From a generator and the interval in cycles: idle cycles before each beat of the source."""

ReadyPattern = Callable[[random.Random, int], Iterator[tuple[int, int]]]
"""The same for the sink: pairs of (cycles ready is low, cycles it is high); AFTER_VALID uses the
first."""


@dataclass(frozen=True)
class StallPattern:
    """How source and sink of a bench pause.

    Parameters
    ----------
    idle: see ``IdlePattern``.
    ready: see ``ReadyPattern``; None keeps ready high.
    patience: condition on which the sink raises ready.
    reset: whether the design is reset in the middle of a frame, before the compared frames.
    framing: whether frames end too early and too late (``tritforge.sim.framing``).
    """

    idle: IdlePattern
    ready: ReadyPattern | None
    patience: Patience = Patience.TIMED
    reset: bool = False
    framing: bool = False


def _never(generator: random.Random, interval: int) -> Iterator[int]:
    while True:
        yield 0


def _mixed_idle(generator: random.Random, interval: int) -> Iterator[int]:
    """Mostly none, often a few cycles, seldom long enough for the pipeline to run empty."""
    while True:
        kind = generator.random()
        if kind < 0.55:
            yield 0
        elif kind < 0.95:
            yield generator.randint(1, 6)
        else:
            yield log_uniform(generator, interval)


def _starving(generator: random.Random, interval: int) -> Iterator[int]:
    """Long enough, again and again, for every layer to wait for data."""
    while True:
        yield log_uniform(generator, max(1, interval // 8))


def _mixed_ready(generator: random.Random, interval: int) -> Iterator[tuple[int, int]]:
    """From one cycle to two frames: only a pause above a frame stalls through every buffer."""
    while True:
        yield log_uniform(generator, 2 * interval), log_uniform(generator, 2 * interval)


def _crowded(generator: random.Random, interval: int) -> Iterator[tuple[int, int]]:
    """Ready is high for few cycles between long pauses: every layer is full most of the time."""
    while True:
        yield log_uniform(generator, 2 * interval), generator.randint(1, 3)


def _short(generator: random.Random, interval: int) -> Iterator[tuple[int, int]]:
    while True:
        yield generator.randint(0, 3), 1


def _cycling_idle(generator: random.Random, interval: int) -> Iterator[int]:
    """0, 1, 2, 3 and again: every phase relative to the periods of the design."""
    yield from itertools.cycle(range(4))


def _cycling_ready(generator: random.Random, interval: int) -> Iterator[tuple[int, int]]:
    yield from itertools.cycle([(1, 1), (2, 1), (3, 2), (5, 3), (7, 1)])


def _long_stop(generator: random.Random, interval: int) -> Iterator[tuple[int, int]]:
    """Ready for up to a frame, then not for two: every unit upstream fills up and stalls."""
    while True:
        yield 2 * interval, generator.randint(1, interval)


def _far_apart(generator: random.Random, interval: int) -> Iterator[int]:
    """One beat at a time: the next comes when the last has advanced as far as it can alone."""
    while True:
        yield max(1, min(interval, 16))


class Stalls(Enum):
    """The patterns by the name that the command line uses."""

    NONE = "none"
    RANDOM = "random"
    SLOW_SOURCE = "slow-source"
    SLOW_SINK = "slow-sink"
    PATIENT = "patient"
    CYCLING = "cycling"
    LONG_STOP = "long-stop"
    ONE_BEAT = "one-beat"
    RESET = "reset"
    FRAMING = "framing"

    @classmethod
    def _missing_(cls, value: object) -> NoReturn:
        names = ", ".join(member.value for member in cls)
        raise ValueError(f"stalls must be one of {names}, not {value!r}")

    @property
    def pattern(self) -> StallPattern:
        """The pattern with this name."""
        return _PATTERNS[self]


_PATTERNS = {
    Stalls.NONE: StallPattern(_never, None),
    Stalls.RANDOM: StallPattern(_mixed_idle, _mixed_ready),
    Stalls.SLOW_SOURCE: StallPattern(_starving, None),
    Stalls.SLOW_SINK: StallPattern(_never, _crowded),
    Stalls.PATIENT: StallPattern(_mixed_idle, _short, Patience.AFTER_VALID),
    Stalls.CYCLING: StallPattern(_cycling_idle, _cycling_ready),
    Stalls.LONG_STOP: StallPattern(_never, _long_stop),
    Stalls.ONE_BEAT: StallPattern(_far_apart, _short, Patience.AFTER_VALID),
    Stalls.RESET: StallPattern(_mixed_idle, _mixed_ready, reset=True),
    Stalls.FRAMING: StallPattern(_mixed_idle, _mixed_ready, framing=True),
}
