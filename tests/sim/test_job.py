from __future__ import annotations

import json

from sim.job import (
    JOB_FILE,
    OUTCOME_FILE,
    PROGRESS_FILE,
    Job,
    Outcome,
    read_progress,
    read_stimulus,
    write_stimulus,
)


def test_the_stimulus_comes_back_with_the_ends_of_the_frames(tmp_path):
    beats = list(zip([0, 255, 1 << 100, 7], [False, True, False, True], strict=True))
    write_stimulus(tmp_path, beats)
    assert read_stimulus(tmp_path) == beats


def test_job_and_outcome_come_back(tmp_path):
    job = Job(
        clock="aclk",
        reset="aresetn",
        streams=["a", "b"],
        output_beats=3,
        interval_cycles=4,
        stalls="none",
        seed=5,
        patience_cycles=6,
        drain_cycles=7,
    )
    (tmp_path / JOB_FILE).write_text(job.to_json())
    assert Job(**json.loads((tmp_path / JOB_FILE).read_text())) == job
    outcome = Outcome(complete=True, cycles=9, seconds=0.5, held=["a"], error=False)
    (tmp_path / OUTCOME_FILE).write_text(outcome.to_json())
    assert Outcome.read(tmp_path) == outcome


def test_progress_is_0_until_the_bench_says_something(tmp_path):
    assert read_progress(tmp_path) == 0
    (tmp_path / PROGRESS_FILE).write_text("12")
    assert read_progress(tmp_path) == 12
