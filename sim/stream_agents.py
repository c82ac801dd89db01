"""The two ends of a stream in cocotb: a source that sends beats and a sink that takes them.

Python is what makes a bench slow, so an agent wakes only where something changes: at a transfer, at the end
of a pause. The four instants of a clock period never coincide (see ``stream_probe.v``), which makes the bench
free of races on any simulator: nothing is written in the instant in which something reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cocotb.triggers import Timer
from cocotb.utils import get_sim_time

from sim.stimulus import Patience

__all__ = ["PERIOD_NS", "SINK_NS", "SOURCE_NS", "StreamSink", "StreamSource", "until"]

PERIOD_NS = 10
"""Clock period: the clock rises at 0 and falls at 5."""

SOURCE_NS = 2
"""Instant of the period in which the source and the reset write."""

SINK_NS = 7
"""Instant of the period in which the sink writes ready."""


async def until(instant_ns: int) -> None:
    """Wait for the next ``instant_ns`` of a period, at least one nanosecond."""
    now = int(get_sim_time("ns")) % PERIOD_NS
    await Timer((instant_ns - now - 1) % PERIOD_NS + 1, "ns")


@dataclass
class StreamSource:
    """Sends beats.

    Parameters
    ----------
    valid, payload, last: handles of the signals it drives.
    taken: handle of a register that toggles at every transfer.
    """

    valid: Any
    payload: Any
    last: Any
    taken: Any

    async def send(self, beats: Sequence[tuple[int, bool]], idle: Iterator[int]) -> None:
        """Send each (payload, last) after as many idle cycles as ``idle`` says, whatever ready is."""
        await until(SOURCE_NS)
        for payload, last in beats:
            pause = next(idle)
            if pause:
                self.valid.value = 0
                await Timer(pause * PERIOD_NS, "ns")
            self.payload.value = payload
            self.last.value = int(last)
            self.valid.value = 1
            await self.taken.value_change
            await until(SOURCE_NS)
        self.valid.value = 0


@dataclass
class StreamSink:
    """Takes beats.

    Parameters
    ----------
    valid: handle of the signal it waits for when it is patient.
    ready: handle of the signal it drives.
    taken: handle of a register that toggles at every transfer.
    """

    valid: Any
    ready: Any
    taken: Any

    async def take(self, pauses: Iterator[tuple[int, int]] | None, patience: Patience) -> None:
        """Take beats for ever, with pauses of (cycles low, cycles high); None keeps ready high."""
        await until(SINK_NS)
        if pauses is None:
            self.ready.value = 1
        elif patience is Patience.TIMED:
            await self._by_the_clock(pauses)
        else:
            await self._after_valid(pauses)

    async def _by_the_clock(self, pauses: Iterator[tuple[int, int]]) -> None:
        for low, high in pauses:
            if low:
                self.ready.value = 0
                await Timer(low * PERIOD_NS, "ns")
            if high:
                self.ready.value = 1
                await Timer(high * PERIOD_NS, "ns")

    async def _after_valid(self, pauses: Iterator[tuple[int, int]]) -> None:
        for low, _ in pauses:
            self.ready.value = 0
            while not (self.valid.value.is_resolvable and int(self.valid.value)):
                await self.valid.value_change
                await until(SINK_NS)
            if low:
                await Timer(low * PERIOD_NS, "ns")
            self.ready.value = 1
            await self.taken.value_change
            await until(SINK_NS)
