"""The cocotb bench of a whole network: clock, reset, and the end of the run.

It runs inside the simulator. What to do is in ``job.json`` of the folder it runs in; what happened
is left in ``outcome.json``. Frames are sent, taken and written down in Verilog
(``stream_source.v``, ``stream_sink.v``, ``stream_probe.v``): Python, which would be slower than the
simulator, wakes once a frame. It judges nothing: ``tritforge.sim.scoreboard`` compares.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import First, Timer

from tritforge.files import write_atomic
from tritforge.sim.job import PROGRESS_FILE, Job, Outcome
from tritforge.sim.testbench import ERROR_PORT

PERIOD_NS = 10
"""Clock period: the clock rises at 0 and falls at 5."""

QUIET_NS = 7
"""Time in the period at which Python writes, when no other signal changes."""

RESET_CYCLES = 5
SHORTEST_WINDOW = 1000
"""Cycles between two looks at a design with short frames."""

PROGRESS_SECONDS = 0.2


@cocotb.test()
async def run(bench: Any) -> None:
    """End the reset, wait for every output word, then for words that should not come."""
    job = Job.read(Path())
    bench.expected.value = job.output_beats
    Clock(getattr(bench, job.clock), PERIOD_NS, unit="ns").start(start_high=True)
    await Timer((RESET_CYCLES - 1) * PERIOD_NS + QUIET_NS, "ns")
    bench.go.value = 1
    await Timer(PERIOD_NS, "ns")
    if job.warmup_beats:
        await _spend(bench, job)

    started, cpu, first = time.perf_counter(), time.process_time(), int(bench.cycle.value)
    complete, python_seconds = await _wait(bench, job)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    cycles = int(bench.cycle.value) - first

    await Timer(job.drain_cycles * PERIOD_NS, "ns")
    outcome = Outcome(
        complete=complete,
        cycles=cycles,
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        python_seconds=python_seconds,
        counts=[
            int(bench.counts.value) >> (32 * index) & 0xFFFFFFFF
            for index in range(len(job.streams))
        ],
        held=[name for index, name in enumerate(job.streams) if bench.held.value[index] == 1],
        error=hasattr(bench, ERROR_PORT) and str(getattr(bench, ERROR_PORT).value) != "0",
    )
    outcome.write(Path())


async def _spend(bench: Any, job: Job) -> None:
    """Send some words, then reset the design and with it source, sink and probes."""
    for _ in range(job.warmup_beats * job.patience_cycles):
        if int(bench.sent.value) >= job.warmup_beats:
            break  # a design that hangs does so again after the reset, and is reported there
        await Timer(PERIOD_NS, "ns")
    bench.go.value = 0
    await Timer(RESET_CYCLES * PERIOD_NS, "ns")
    bench.go.value = 1
    await Timer(PERIOD_NS, "ns")


async def _wait(bench: Any, job: Job) -> tuple[bool, float]:
    """Wait for the last output word; also return the seconds that Python took.

    False when no stream moved for ``job.patience_cycles``.
    """
    window_cycles = min(max(job.interval_cycles, SHORTEST_WINDOW), job.patience_cycles)
    before, still_cycles, told, python_seconds = -1, 0, 0.0, 0.0
    while not int(bench.complete.value):
        awake = time.process_time()
        now = int(bench.progress.value)
        still_cycles = still_cycles + window_cycles if now == before else 0
        if still_cycles >= job.patience_cycles:
            return False, python_seconds
        before = now
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            write_atomic(PROGRESS_FILE, str(int(bench.delivered.value)))
        wake = First(bench.complete.value_change, Timer(window_cycles * PERIOD_NS, "ns"))
        python_seconds += time.process_time() - awake
        await wake
    return True, python_seconds
