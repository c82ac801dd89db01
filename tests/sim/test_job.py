from __future__ import annotations

import itertools

from tritforge.sim.job import (
    PROGRESS_FILE,
    Job,
    Outcome,
    read_progress,
    write_pauses,
    write_stimulus,
)
from tritforge.sim.testbench import PAUSES_FILE, SOURCE_FILE


def test_what_source_and_sink_read(tmp_path):
    """TLAST is the bit above TDATA; there may be more pauses than beats."""
    beats = list(zip([0, 255, 1 << 100, 7], [False, True, False, True], strict=True))
    write_stimulus(tmp_path, beats, itertools.cycle([0, 31]), 104)
    assert [
        tuple(int(number, 16) for number in line.split())
        for line in (tmp_path / SOURCE_FILE).read_text().splitlines()
    ] == [(0, 0), (31, 255 | 1 << 104), (0, 1 << 100), (31, 7 | 1 << 104)]
    write_pauses(tmp_path, [(0, 1), (16, 3)], patient=True)
    assert (tmp_path / PAUSES_FILE).read_text() == "1 0\n0 1\n10 3\n"


def test_job_and_outcome_come_back(tmp_path):
    job = Job(
        clock="aclk",
        streams=["a", "b"],
        output_beats=3,
        interval_cycles=4,
        patience_cycles=6,
        drain_cycles=7,
    )
    job.write(tmp_path)
    assert Job.read(tmp_path) == job
    outcome = Outcome(
        complete=True,
        cycles=9,
        seconds=0.5,
        cpu_seconds=0.4,
        python_seconds=0.1,
        counts=[4, 3],
        held=["a"],
        error=False,
    )
    outcome.write(tmp_path)
    assert Outcome.read(tmp_path) == outcome


def test_progress_is_0_until_the_bench_says_something(tmp_path):
    assert read_progress(tmp_path) == 0
    (tmp_path / PROGRESS_FILE).write_text("12")
    assert read_progress(tmp_path) == 12
