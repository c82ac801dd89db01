"""Compares every beat of every stream that the probes recorded with the reference.

A word is one beat of a stream. All of it is numpy over whole files, no loop over beats.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tritforge.export.artifacts.manifest import Stream
from tritforge.export.ir.datatype import DataType
from tritforge.sim.testbench import log_bits
from tritforge.types import IntArray

__all__ = ["BeatLog", "Mismatch", "StreamReport", "Violation", "compare", "read_beats"]

ByteArray = npt.NDArray[np.uint8]

RULES = {
    "D": "valid dropped before the beat was taken",
    "C": "the payload changed before it was taken",
    "R": "valid or payload depends on ready in the same cycle",
    "X": "valid, ready or a payload taken is unknown (X)",
}
"""Meaning of the letters that ``stream_probe.v`` writes."""

_TRANSFER = ord("T")
_CYCLE = slice(1, 9)
_PAYLOAD = 10
"""Columns of a line: letter, cycle, colon, payload."""

_UNKNOWN = 0xFF
_DIGITS = np.full(256, _UNKNOWN, dtype=np.uint8)
for _value in range(16):
    _DIGITS[ord(f"{_value:x}")] = _value


@dataclass(frozen=True)
class Violation:
    """A rule of the stream broken in a cycle."""

    stream: str
    layer: str
    cycle: int
    rule: str

    def __str__(self) -> str:
        return f"layer {self.layer}, stream {self.stream}, cycle {self.cycle}: {self.rule}"


@dataclass(frozen=True)
class Mismatch:
    """The first wrong word of a stream; ``got`` is None where the simulator saw an unknown (X)."""

    stream: str
    layer: str
    frame: int
    y: int
    x: int
    channels: tuple[int, int]
    expected: tuple[int, ...]
    got: tuple[int | None, ...]
    cycle: int

    @property
    def word(self) -> str:
        """Which word it is, and how it differs."""
        first, last = self.channels
        where = f"channel {first}" if first == last else f"channels {first}..{last}"
        got = ["x" if value is None else str(value) for value in self.got]
        return (
            f"first wrong word in frame {self.frame} at y {self.y}, x {self.x}, {where}, cycle "
            f"{self.cycle}: expected [{', '.join(map(str, self.expected))}], got [{', '.join(got)}]"
        )

    def __str__(self) -> str:
        return f"layer {self.layer}, stream {self.stream}: {self.word}"


@dataclass(frozen=True)
class StreamReport:
    """What became of one stream; a word is a beat.

    Parameters
    ----------
    name, layer, tensor: from the manifest.
    expected, delivered: words that should have been and that were transferred.
    compared, wrong: words compared with the reference (0 where only the rules are checked); those
        not equal.
    first_mismatch: the first wrong word.
    violations: rules that were broken, in the order of the cycles of each kind.
    first_cycle: cycle of the first transfer; None when there was none.
    frame_ends: cycle of the last transfer of each frame.
    """

    name: str
    layer: str
    tensor: str | None
    expected: int
    delivered: int
    compared: int
    wrong: int
    first_mismatch: Mismatch | None
    violations: tuple[Violation, ...]
    first_cycle: int | None
    frame_ends: tuple[int, ...]

    @property
    def wrong_words_and_rules(self) -> list[str]:
        """The first wrong word and the first broken rule, a line each, the earlier first."""
        found = [
            (item.cycle, str(item)) for item in (self.first_mismatch, *self.violations[:1]) if item
        ]
        return [line for _, line in sorted(found)]

    @property
    def failures(self) -> list[str]:
        """A line for each kind of thing that is wrong; empty when nothing is."""
        if self.delivered == self.expected:
            return self.wrong_words_and_rules
        count = (
            f"layer {self.layer}, stream {self.name}: "
            f"delivered {self.delivered} of {self.expected} words"
        )
        return [*self.wrong_words_and_rules, count]


@dataclass(frozen=True)
class BeatLog:
    """What a probe wrote.

    Parameters
    ----------
    cycles: int64 [n], the cycle of each transfer.
    digits: uint8 [n, d], hexadecimal digits of each payload, highest first; 255 for one that is not
        known.
    violations: (letter, cycle) of each broken rule.
    """

    cycles: IntArray
    digits: ByteArray
    violations: tuple[tuple[str, int], ...]

    def field(self, low_bit: int, bits: int) -> tuple[IntArray, npt.NDArray[np.bool_]]:
        """Return ``bits`` (at most 62) bits from ``low_bit`` of each payload; which are unknown.

        Both results are [n].
        """
        values = np.zeros(len(self.digits), dtype=np.int64)
        unknown = np.zeros(len(self.digits), dtype=np.bool_)
        first, last = low_bit // 4, (low_bit + bits - 1) // 4
        for nibble in range(first, last + 1):
            column = self.digits[:, self.digits.shape[1] - 1 - nibble]
            unknown |= column == _UNKNOWN
            shift = 4 * nibble - low_bit
            digit = (column & 15).astype(np.int64)
            if shift < 0:
                values |= digit >> -shift
            else:
                # never into the sign bit
                values |= (digit & ((1 << min(4, bits - shift)) - 1)) << shift
        return values & ((1 << bits) - 1), unknown


def read_beats(path: str | os.PathLike[str], payload_bits: int) -> BeatLog:
    """Read the file of a probe whose payload has ``payload_bits`` bits.

    A last line that a killed simulator left unfinished is dropped; a missing file is a stream
    without beats.

    Raises
    ------
    ValueError: the file is not one of a payload of ``payload_bits`` bits.
    """
    width = _PAYLOAD + -(-payload_bits // 4) + 1  # with the line's end
    raw = np.fromfile(path, dtype=np.uint8) if Path(path).exists() else np.zeros(0, dtype=np.uint8)
    lines = raw[: len(raw) // width * width].reshape(-1, width)
    if (lines[:, -1] != ord("\n")).any():
        raise ValueError(
            f"{os.fspath(path)}: not a file of beats with {payload_bits} bits of payload"
        )
    transfers = lines[lines[:, 0] == _TRANSFER]
    broken = lines[lines[:, 0] != _TRANSFER]
    return BeatLog(
        cycles=_numbers(transfers[:, _CYCLE]),
        digits=_DIGITS[transfers[:, _PAYLOAD:-1]],
        violations=tuple(
            (chr(line[0]), int(cycle))
            for line, cycle in zip(broken, _numbers(broken[:, _CYCLE]), strict=True)
        ),
    )


def compare(
    stream: Stream, log: BeatLog, frames: int, expected: IntArray | None, first_frame: int = 0
) -> StreamReport:
    """Compare the beats of a stream with its tensor.

    Parameters
    ----------
    stream: from the manifest.
    log: what its probe wrote.
    frames: number of frames sent.
    expected: int64 [N, H, W, C], or None where only the rules and the number of words are checked.
    first_frame: number of the first of them.

    Raises
    ------
    ValueError: the manifest's beats a frame do not carry the tensor.
    """
    layer = stream.layer or stream.name
    delivered, total = len(log.cycles), frames * stream.beats_per_frame
    compared, wrong, first = 0, 0, None
    if expected is not None:
        words = expected.reshape(-1, stream.lanes)  # [beats, lanes]
        if len(words) != total:
            raise ValueError(
                f"stream {stream.name!r} of the manifest has {total} words in {frames} frames, "
                f"its tensor {stream.tensor!r} has {len(words)}"
            )
        compared = min(delivered, total)
        got, unknown = _lanes(stream, log)
        bad = ((got[:compared] != words[:compared]) | unknown[:compared]).any(axis=1)
        wrong = int(bad.sum())
        if wrong:
            first = _describe(stream, layer, int(bad.argmax()), words, got, unknown, log)
            first = dataclasses.replace(first, frame=first.frame + first_frame)
    violations = [
        Violation(stream.name, layer, cycle, RULES[letter]) for letter, cycle in log.violations
    ]
    if stream.axi:
        violations += _misplaced_last(stream, layer, log, first_frame)
    return StreamReport(
        name=stream.name,
        layer=layer,
        tensor=stream.tensor,
        expected=total,
        delivered=delivered,
        compared=compared,
        wrong=wrong,
        first_mismatch=first,
        violations=tuple(violations),
        first_cycle=int(log.cycles[0]) if delivered else None,
        frame_ends=tuple(log.cycles[stream.beats_per_frame - 1 :: stream.beats_per_frame].tolist()),
    )


def _lanes(stream: Stream, log: BeatLog) -> tuple[IntArray, npt.NDArray[np.bool_]]:
    """Return the elements of each beat [n, lanes] and which of them are unknown."""
    dtype = DataType.parse(stream.dtype)
    values = np.zeros((len(log.cycles), stream.lanes), dtype=np.int64)
    unknown = np.zeros(values.shape, dtype=np.bool_)
    for lane in range(stream.lanes):
        values[:, lane], unknown[:, lane] = log.field(lane * dtype.bits, dtype.bits)
    if dtype.signed:
        values -= (values >> (dtype.bits - 1)) << dtype.bits
    return values, unknown


def _describe(
    stream: Stream,
    layer: str,
    beat: int,
    words: IntArray,
    got: IntArray,
    unknown: npt.NDArray[np.bool_],
    log: BeatLog,
) -> Mismatch:
    """Say where in which frame a beat belongs."""
    _, width, channels = stream.shape
    frame, rest = divmod(beat, stream.beats_per_frame)
    pixel, group = divmod(rest, channels // stream.lanes)
    y, x = divmod(pixel, width)
    return Mismatch(
        stream=stream.name,
        layer=layer,
        frame=frame,
        y=y,
        x=x,
        channels=(group * stream.lanes, (group + 1) * stream.lanes - 1),
        expected=tuple(words[beat].tolist()),
        got=tuple(
            None if missing else value
            for value, missing in zip(got[beat].tolist(), unknown[beat].tolist(), strict=True)
        ),
        cycle=int(log.cycles[beat]),
    )


def _misplaced_last(stream: Stream, layer: str, log: BeatLog, first_frame: int) -> list[Violation]:
    """Return the first beat whose TLAST is not what its place in the frame demands."""
    last, unknown = log.field(log_bits(stream) - 1, 1)
    ends = np.arange(1, len(last) + 1) % stream.beats_per_frame == 0
    wrong = np.flatnonzero((last.astype(np.bool_) != ends) | unknown)
    if not len(wrong):
        return []
    beat = int(wrong[0])
    frame, place = divmod(beat, stream.beats_per_frame)
    where = f"word {place + 1} of {stream.beats_per_frame} of frame {first_frame + frame}"
    what = f"TLAST is {int(last[beat])} on {where}"
    return [Violation(stream.name, layer, int(log.cycles[beat]), what)]


def _numbers(text: ByteArray) -> IntArray:
    """Read rows of hexadecimal digits [n, 8]."""
    digits = _DIGITS[text].astype(np.int64)
    weights = 16 ** np.arange(digits.shape[1] - 1, -1, -1, dtype=np.int64)
    return np.asarray(digits @ weights, dtype=np.int64)
