"""Frames that end too early or too late, and the result that the design must give for them.

A short frame counts as if its missing beats were 0; the excess beats of a long one are dropped.
Either gives one result, sets the error output, and does not disturb the next frame.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import numpy as np

from tritforge.export.artifacts.manifest import Stream
from tritforge.sim.scoreboard import BeatLog, StreamReport, Violation
from tritforge.sim.testbench import log_bits
from tritforge.types import IntArray

__all__ = ["Beat", "cut", "report_sent", "spoil", "whole"]

Beat = tuple[int, bool]
"""Payload and TLAST."""


def whole(payloads: Sequence[int], beats_per_frame: int) -> list[Beat]:
    """Return the beats of frames that end where they should."""
    return [
        (payload, index % beats_per_frame == 0) for index, payload in enumerate(payloads, start=1)
    ]


def spoil(
    payloads: Sequence[int], beats_per_frame: int, generator: random.Random
) -> tuple[list[Beat], IntArray]:
    """Return beats of which two frames in three end early or late, and the counts [N].

    ``counts[n]`` is how many beats of frame n the design must use.

    A frame of one beat cannot end early.
    """
    beats, counts = [], []
    for number, start in enumerate(range(0, len(payloads), beats_per_frame)):
        frame = list(payloads[start : start + beats_per_frame])
        if number % 3 == 1 and beats_per_frame > 1:
            frame = frame[: generator.randint(1, beats_per_frame - 1)]
        counts.append(len(frame))
        if number % 3 == 2:
            frame += generator.choices(payloads, k=generator.randint(1, beats_per_frame + 1))
        beats += [(payload, False) for payload in frame[:-1]] + [(frame[-1], True)]
    return beats, np.array(counts)


def cut(frames: IntArray, counts: IntArray, lanes: int) -> IntArray:
    """Return ``frames`` [N, H, W, C] with 0 after the first ``counts[n]`` beats of frame n."""
    beats = frames.reshape(len(frames), -1, lanes).copy()
    beats[np.arange(beats.shape[1]) >= counts[:, None]] = 0
    return np.asarray(beats.reshape(frames.shape), dtype=np.int64)


def report_sent(stream: Stream, log: BeatLog, beats: Sequence[Beat]) -> StreamReport:
    """Compare the beats that the design accepted with those sent, in frames of any length."""
    bits = log_bits(stream)
    expected = np.array(
        [[int(digit, 16) for digit in line] for line in _digits(beats, bits)], dtype=np.uint8
    )
    compared = min(len(log.cycles), len(beats))
    bad = np.flatnonzero((log.digits[:compared] != expected[:compared]).any(axis=1))
    layer = stream.layer or stream.name
    changed = [
        Violation(stream.name, layer, int(log.cycles[beat]), "a beat is not as sent")
        for beat in bad[:1]
    ]
    return StreamReport(
        name=stream.name,
        layer=layer,
        tensor=stream.tensor,
        expected=len(beats),
        delivered=len(log.cycles),
        compared=compared,
        wrong=len(bad),
        first_mismatch=None,
        violations=tuple(changed),
        first_cycle=int(log.cycles[0]) if len(log.cycles) else None,
        frame_ends=(),
    )


def _digits(beats: Sequence[Beat], bits: int) -> Iterator[str]:
    """The payloads as a probe writes them: TLAST above TDATA."""
    for payload, last in beats:
        yield f"{payload | last << (bits - 1):0{-(-bits // 4)}x}"
