"""Frames that end too early or too late, and what the bench expects of them."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tritforge.export.artifacts.manifest import Stream
from tritforge.sim.framing import cut, report_sent, spoil, whole
from tritforge.sim.scoreboard import read_beats
from tritforge.sim.testbench import log_bits

STREAM = Stream(
    "s_axis",
    None,
    "input",
    "s_axis",
    (1, 3, 2),
    "u4",
    2,
    8,
    beats_per_frame=3,
    axi=True,
    tdata_bits=8,
)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_every_frame_ends_once_and_its_words_are_those_that_count(size: int, seed: int) -> None:
    payloads = list(range(9 * size))
    beats, counts = spoil(payloads, size, random.Random(seed))
    ends = [index for index, (_, last) in enumerate(beats) if last]
    starts = [0, *(end + 1 for end in ends)]
    assert len(ends) == len(counts) == 9
    assert starts[-1] == len(beats)
    for number, (start, count) in enumerate(zip(starts, counts, strict=False)):
        length = ends[number] + 1 - start
        assert [payload for payload, _ in beats[start : start + count]] == payloads[
            number * size :
        ][:count]
        assert (length == size, 0 < length < size, size < length)[
            number % 3 if size > 1 or number % 3 == 2 else 0
        ]
        assert count == min(length, size)


def test_whole_frames_and_cut_ones() -> None:
    assert whole([5, 6, 7, 8], 2) == [(5, False), (6, True), (7, False), (8, True)]
    frames = np.arange(1, 13).reshape(2, 1, 3, 2)
    assert cut(frames, np.array([3, 1]), 2).tolist() == [
        [[[1, 2], [3, 4], [5, 6]]],
        [[[7, 8], [0, 0], [0, 0]]],
    ]


def test_the_source_is_compared_with_what_was_sent(tmp_path) -> None:  # type: ignore[no-untyped-def]
    log = tmp_path / "log"
    log.write_text("T0000000a:021\nT0000000b:1ff\n")
    beats = read_beats(log, log_bits(STREAM))
    right = report_sent(STREAM, beats, [(0x21, False), (0xFF, True)])
    assert (right.failures, right.compared, right.wrong, right.first_cycle) == ([], 2, 0, 10)
    wrong = report_sent(STREAM, beats, [(0x21, False), (0xFF, False)])
    assert wrong.failures == ["layer s_axis, stream s_axis, cycle 11: a beat is not as sent"]
    short = report_sent(STREAM, beats, [(0x21, False), (0xFF, True), (1, True)])
    assert short.failures == ["layer s_axis, stream s_axis: delivered 2 of 3 words"]
