from __future__ import annotations

import dataclasses

import pytest

from tritforge.export.artifacts.manifest import Stream
from tritforge.reports.page.data import Epoch
from tritforge.reports.page.records import EXACT_MODEL, RecordError, simulation, training
from tritforge.sim.result import SimulationResult
from tritforge.sim.scoreboard import StreamReport

META = {
    "training": {"seed": 3, "epochs": 2},
    "dataset": "digits of scikit-learn",
    "result": {
        "test_accuracy": 350 / 360,
        "test_images": 360,
        "epochs": 2,
        "resumed_epochs": 0,
        "seconds": 4.5,
    },
    "history": [
        {"epoch": 1, "loss": 1.5, "train_accuracy": 0.5},
        {"epoch": 2, "loss": 0.25, "train_accuracy": 0.875},
    ],
}


def report(name, tensor, compared, wrong=0):
    return StreamReport(name, name, tensor, compared, compared, compared, wrong, None, (), 0, ())


RESULT = SimulationResult(
    design="little",
    simulator="verilator",
    version="5.048",
    verilog_sha256="0" * 64,
    frames=2,
    seed=7,
    stalls="random",
    cycles=900,
    expected_cycles=None,
    simulated_cycles=901,
    cycles_per_second=60_000.0,
    build_seconds=1.0,
    failures=(),
    streams=(
        report("s_axis", "input", 128),
        report("conv1.window", None, 0),
        report("conv1", "act1", 512),
        report("argmax", "argmax", 2),
        report("m_axis", "argmax", 2),
    ),
)


@pytest.fixture(scope="module")
def wide(manifest):
    """Four channels of conv1 to a beat, one element to every other beat."""

    def stream(name, lanes):
        return Stream(name, None, None, name, (1, 1, 4), "u2", lanes, 2 * lanes, 4 // lanes)

    lanes = {"s_axis": 1, "conv1.window": 1, "conv1": 4, "argmax": 1, "m_axis": 1}
    return dataclasses.replace(manifest, streams=tuple(stream(*item) for item in lanes.items()))


def test_training():
    found = training(META, method="ICS", fold=1, folds=5)
    assert (found.images, found.correct, found.epochs, found.seed) == (360, 350, 2, 3)
    assert (found.fold, found.folds, found.seconds, found.model) == (1, 5, 4.5, EXACT_MODEL)
    assert found.log == (
        Epoch(epoch=1, loss=1.5, accuracy=0.5),
        Epoch(epoch=2, loss=0.25, accuracy=0.875),
    )


def test_the_count_is_recovered_from_the_share():
    for correct in range(361):
        meta = {**META, "result": {**META["result"], "test_accuracy": correct / 360}}
        assert training(meta, method="ICS").correct == correct


def test_the_time_of_a_resumed_run_is_unknown():
    meta = {**META, "result": {**META["result"], "resumed_epochs": 1}}
    assert training(meta, method="ICS").seconds is None


def test_incomplete_metadata_are_refused():
    meta = {key: value for key, value in META.items() if key != "history"}
    with pytest.raises(
        RecordError, match=r"^the checkpoint's metadata lack 'history'; train again$"
    ):
        training(meta, method="ICS")


def test_a_simulation_counts_integers_not_beats(wide):
    comparison, run = simulation(RESULT, wide)
    assert dict(comparison.words) == {"s_axis": 128, "act1": 2_048, "argmax": 2, "m_axis": 2}
    assert comparison.judged == "Verilog on Verilator 5.048"
    assert comparison.conditions == "stalls: random, seed 7"
    assert comparison.equal
    assert (run.cycles, run.planned, run.frames, run.cycles_per_second) == (900, None, 2, 60_000.0)


def test_wrong_words_and_failures_are_kept(wide):
    streams = list(RESULT.streams)
    streams[2] = dataclasses.replace(streams[2], wrong=1)
    result = dataclasses.replace(
        RESULT, streams=tuple(streams), failures=("layer conv1: frame 0 ...",)
    )
    comparison, _ = simulation(result, wide)
    assert comparison.differences == 4
    assert comparison.failures == ("layer conv1: frame 0 ...",)
    assert not comparison.equal


def test_a_stream_of_another_design_is_refused(wide):
    result = dataclasses.replace(RESULT, streams=(report("conv9", "act9", 1),))
    with pytest.raises(RecordError, match=r"^the manifest has no stream 'conv9'; simulate again$"):
        simulation(result, wide)
