"""Where a run is cut, and what becomes of its chunks."""

from __future__ import annotations

import dataclasses
import json
import os
import re

import numpy as np
import pytest

from tritforge.sim import chunk, runner
from tritforge.sim.chunk import Chunk, cut_into_chunks
from tritforge.sim.runner import CHUNKS_FILE, SimulationFailed, simulate


@pytest.fixture
def many(monkeypatch):
    """Seven frames, two in a chunk."""
    monkeypatch.setattr(chunk, "CHUNK_CYCLES", 70)
    return np.random.default_rng(7).integers(0, 16, size=(7, 4, 3, 2))


def test_a_chunk_has_a_million_cycles_or_a_frame(tmp_path):
    frames = np.arange(700)
    whole = Chunk(first=5, frames=frames, folder=tmp_path / "run")
    assert cut_into_chunks(whole, 1024) == [whole]
    chunks = cut_into_chunks(whole, 1 << 13)
    assert [(one.first, len(one.frames), one.folder.name) for one in chunks[:2]] == [
        (5, 128, "run-5"),
        (133, 128, "run-133"),
    ]
    np.testing.assert_array_equal(np.concatenate([one.frames for one in chunks]), frames)
    assert len(cut_into_chunks(whole, 1 << 30)) == 700
    assert [chunks[0].numbers, dataclasses.replace(chunks[0], frames=frames[:1]).numbers] == [
        "images 5 to 132",
        "image 5",
    ]


@pytest.mark.parametrize("stalls", ["none", "random", "reset"])
def test_all_chunks_are_one_run(toy, many, tmp_path, stalls):
    result = simulate(
        toy(), many, simulator="icarus", build_dir=tmp_path / "bench", stalls=stalls, jobs=3
    )
    assert result.failures == ()
    assert (result.first, result.frames, result.chunks) == (0, 7, 4)
    assert [(report.delivered, report.wrong) for report in result.streams[1:]] == 3 * [(84, 0)]
    assert result.cycles == (3 * 71 + 35 if stalls == "none" else result.cycles)
    assert result.expected_cycles == (result.cycles if stalls == "none" else None)
    assert 0 < result.simulator_share < 1
    assert not list((tmp_path / "bench").glob("run-*"))
    assert not (tmp_path / "bench" / CHUNKS_FILE).exists()


def test_a_failure_names_the_image_and_comes_again(toy, many, tmp_path):
    """The tenth pixel after a reset is wrong, so each chunk is: the first one is told."""
    options = {
        "simulator": "icarus",
        "build_dir": tmp_path / "bench",
        "stalls": "random",
        "seed": 4,
    }
    result = simulate(toy("wrong word"), many, **options, first=100, jobs=1)
    assert result.first_mismatch.frame == 100
    assert result.replay == (100, 1)
    first, frames = result.replay
    again = simulate(
        toy("wrong word"), many[first - 100 :][:frames], **options, first=first, wave=True
    )
    assert again.first_mismatch == result.first_mismatch
    assert (tmp_path / "bench" / "run" / "dump.fst").exists()
    # the pauses of another first frame are other ones
    other = simulate(toy("wrong word"), many[:1], **options, first=7)
    assert other.first_mismatch.cycle != result.first_mismatch.cycle


def test_what_passed_before_an_interrupt_is_not_run_again(toy, many, tmp_path, monkeypatch):
    ran = []

    def interrupted(setting, one, **options):
        ran.append(one.first)
        if one.first == 4 and ran.count(4) == 1:
            raise KeyboardInterrupt
        return chunk.run_chunk(setting, one, **options)

    monkeypatch.setattr(runner, "run_chunk", interrupted)
    options = {"simulator": "icarus", "build_dir": tmp_path / "bench", "jobs": 1}
    with pytest.raises(KeyboardInterrupt):
        simulate(toy(), many, **options)
    assert [
        one["first"] for one in json.loads((tmp_path / "bench" / CHUNKS_FILE).read_text())["passed"]
    ] == [
        0,
        2,
    ]
    told = []
    result = simulate(toy(), many, **options, progress=lambda *words: told.append(words))
    assert (result.failures, result.frames, result.chunks) == ((), 7, 4)
    assert [ran.count(first) for first in (0, 2, 4)] == [1, 1, 2]
    assert told[-1] == (84, 84)
    # of another seed nothing is known
    monkeypatch.setattr(chunk, "SINK_PAUSES", 3)
    assert simulate(toy(), many, **options, seed=1).passed
    assert ran[-4:] == [0, 2, 4, 6]


def test_a_full_disk_is_no_verdict(toy, toy_frames, tmp_path, monkeypatch):
    write = chunk.write_pauses

    def write_pauses(folder, pauses, *, patient):
        write(folder, pauses, patient=patient)
        os.symlink("/dev/full", folder / "mix.beats")

    monkeypatch.setattr(chunk, "write_pauses", write_pauses)
    path = tmp_path / "bench" / "run" / "mix.beats"
    message = (
        f"toy, images 0 to 1, stalls none, seed 3: {path} has 0 of the 24 words that layer mix "
        "transferred in simulation: it could not be written completely, is the disk full?"
    )
    with pytest.raises(SimulationFailed, match=f"^{re.escape(message)}$") as raised:
        simulate(
            toy(),
            toy_frames,
            simulator="icarus",
            build_dir=tmp_path / "bench",
            stalls="none",
            seed=3,
        )
    assert raised.value.frames == (0, 2)
