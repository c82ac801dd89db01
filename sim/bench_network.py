"""The cocotb bench of a whole network: clock, reset, source, sink, and the end of the run.

It runs inside the simulator. What to do is in ``job.json`` and ``stimulus.txt`` of the folder it runs in;
what happened is left in ``outcome.json``. It judges nothing: the probes write every beat to files, which
``sim.scoreboard`` compares.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.task import Task
from cocotb.triggers import First, Timer

from export.files import write_atomic
from sim.job import JOB_FILE, OUTCOME_FILE, PROGRESS_FILE, Job, Outcome, read_stimulus
from sim.shell import ERROR_PORT
from sim.stimulus import Stalls
from sim.stream_agents import PERIOD_NS, SOURCE_NS, StreamSink, StreamSource, until

RESET_CYCLES = 5
PROGRESS_SECONDS = 0.2


@cocotb.test()
async def run(bench: Any) -> None:
    """Send every frame, wait for every output word, then for words that should not come."""
    job = Job(**json.loads(Path(JOB_FILE).read_text()))
    clock, reset = getattr(bench, job.clock), getattr(bench, job.reset)
    bench.expected.value = job.output_beats
    Clock(clock, PERIOD_NS, unit="ns").start(start_high=True)
    await Timer(RESET_CYCLES * PERIOD_NS, "ns")
    await until(SOURCE_NS)
    reset.value = 1
    if job.spent_beats:
        await _spend(bench, job)

    started, first = time.perf_counter(), int(bench.cycle.value)
    _start_agents(bench, job, read_stimulus())
    complete = await _wait(bench, job)
    seconds, cycles = time.perf_counter() - started, int(bench.cycle.value) - first

    await Timer(job.drain_cycles * PERIOD_NS, "ns")
    outcome = Outcome(
        complete=complete,
        cycles=cycles,
        seconds=seconds,
        held=[name for index, name in enumerate(job.streams) if bench.held.value[index] == 1],
        error=hasattr(bench, ERROR_PORT) and str(getattr(bench, ERROR_PORT).value) != "0",
    )
    write_atomic(OUTCOME_FILE, outcome.to_json())


async def _spend(bench: Any, job: Job) -> None:
    """Send some beats, then reset: nothing of them may be left. The probes begin anew with their files."""
    source, sink = _start_agents(bench, job, read_stimulus()[: job.spent_beats])
    # a design that hangs does so again after the reset, where it is told
    await First(source, Timer(job.spent_beats * job.patience_cycles * PERIOD_NS, "ns"))
    source.cancel()
    sink.cancel()
    bench.s_axis_tvalid.value = 0
    getattr(bench, job.reset).value = 0
    await Timer(RESET_CYCLES * PERIOD_NS, "ns")
    await until(SOURCE_NS)
    getattr(bench, job.reset).value = 1


def _start_agents(bench: Any, job: Job, beats: Sequence[tuple[int, bool]]) -> tuple[Task[None], Task[None]]:
    pattern = Stalls.parse(job.stalls).pattern
    # two generators, so that neither end's pauses depend on the other's
    idle = pattern.idle(random.Random(f"{job.seed} source"), job.interval_cycles)
    pauses = pattern.ready and pattern.ready(random.Random(f"{job.seed} sink"), job.interval_cycles)
    source = StreamSource(
        valid=bench.s_axis_tvalid,
        payload=bench.s_axis_tdata,
        last=bench.s_axis_tlast,
        taken=bench.taken_source,
    )
    sink = StreamSink(valid=bench.m_axis_tvalid, ready=bench.m_axis_tready, taken=bench.taken_sink)
    return cocotb.start_soon(source.send(beats, idle)), cocotb.start_soon(sink.take(pauses, pattern.patience))


async def _wait(bench: Any, job: Job) -> bool:
    """Wait for the last output word; False when no stream moved for ``job.patience_cycles``."""
    window_cycles = min(job.interval_cycles, job.patience_cycles)
    before, still_cycles, told = -1, 0, 0.0
    while not int(bench.complete.value):
        now = int(bench.progress.value)
        still_cycles = still_cycles + window_cycles if now == before else 0
        if still_cycles >= job.patience_cycles:
            return False
        before = now
        if time.monotonic() - told > PROGRESS_SECONDS:
            told = time.monotonic()
            write_atomic(PROGRESS_FILE, str(int(bench.delivered.value)))
        await First(bench.complete.value_change, Timer(window_cycles * PERIOD_NS, "ns"))
    return True
