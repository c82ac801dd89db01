from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tritforge.export.artifacts.manifest import Stream
from tritforge.export.ir.datatype import DataType
from tritforge.sim.scoreboard import Violation, compare, read_beats
from tritforge.sim.stimulus import pack_beats


def stream(dtype="s6", lanes=2, shape=(2, 2, 4), axi=False, bits=None):
    bits = lanes * DataType.parse(dtype).bits if bits is None else bits
    beats = shape[0] * shape[1] * shape[2] // lanes
    return Stream(
        "s", "layer1", "t", "core.s.o", shape, dtype, lanes, bits, beats, axi, bits if axi else None
    )


def write(path, beats, bits, kind="T", first_cycle=7):
    digits = -(-bits // 4)
    lines = [f"{kind}{first_cycle + i:08x}:{beat:0{digits}x}\n" for i, beat in enumerate(beats)]
    path.write_text("".join(lines))
    return path


@given(
    bits=st.integers(1, 62),
    signed=st.booleans(),
    lanes=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_what_was_packed_compares_equal_and_a_flipped_bit_does_not(
    tmp_path_factory, bits, signed, lanes, seed
):
    dtype = DataType(bits, signed)
    generator = np.random.default_rng(seed)
    watched = stream(str(dtype), lanes, (1, 3, lanes))
    tensor = generator.integers(dtype.minimum, dtype.maximum, size=(2, 1, 3, lanes), endpoint=True)
    beats = pack_beats(tensor, dtype, lanes)
    path = tmp_path_factory.mktemp("log") / "s.beats"
    report = compare(watched, read_beats(write(path, beats, bits * lanes), bits * lanes), 2, tensor)
    assert (report.delivered, report.compared, report.wrong, report.failures) == (6, 6, 0, [])
    beats[4] ^= 1 << int(generator.integers(bits * lanes))
    report = compare(watched, read_beats(write(path, beats, bits * lanes), bits * lanes), 2, tensor)
    assert (report.wrong, report.first_mismatch.frame, report.first_mismatch.x) == (1, 1, 1)


def test_the_place_of_the_first_wrong_word(tmp_path):
    tensor = np.arange(2 * 2 * 2 * 4).reshape(2, 2, 2, 4) - 16
    beats = pack_beats(tensor, DataType.parse("s6"), 2)
    beats[13] ^= 0b000001_000000
    beats[15] ^= 1
    report = compare(stream(), read_beats(write(tmp_path / "s", beats, 12), 12), 2, tensor)
    assert report.failures == [
        "layer layer1, stream s: first wrong word in frame 1 at y 1, x 0, channels 2..3, cycle 20: "
        "expected [10, 11], got [10, 10]"
    ]
    assert report.wrong == 2
    assert report.first_cycle == 7
    assert report.frame_ends == (14, 22)


def test_a_dropped_a_repeated_and_no_word(tmp_path):
    tensor = np.zeros((1, 2, 2, 4), dtype=np.int64)
    beats = pack_beats(tensor, DataType.parse("s6"), 2)
    for count in (0, 7, 9):
        log = read_beats(write(tmp_path / "s", (beats * 2)[:count], 12), 12)
        report = compare(stream(), log, 1, tensor)
        assert report.failures == [f"layer layer1, stream s: delivered {count} of 8 words"]
        assert report.compared == min(count, 8)
    assert len(read_beats(tmp_path / "absent", 12).cycles) == 0


def test_an_unknown_digit_is_never_right(tmp_path):
    """Not even where the reader's stand-in for it, all ones, is what the reference says."""
    path = tmp_path / "s"
    path.write_text("X00000003:0x0\nT00000003:0x0\n")
    tensor = np.array([0b110000 - 64, 0b000011]).reshape(1, 1, 1, 2)
    report = compare(stream(shape=(1, 1, 2)), read_beats(path, 12), 1, tensor)
    assert report.violations == (
        Violation("s", "layer1", 3, "valid, ready or a payload taken is unknown (X)"),
    )
    assert report.first_mismatch.got == (None, None)
    assert "expected [-16, 3], got [x, x]" in report.failures[1]


def test_rules_alone(tmp_path):
    path = tmp_path / "s"
    path.write_text("D00000002:000\nC00000005:000\nT00000006:000\nR0000000a:000\n")
    report = compare(stream(shape=(1, 1, 2)), read_beats(path, 12), 1, None)
    assert report.compared == 0
    assert [(item.cycle, item.rule) for item in report.violations] == [
        (2, "valid dropped before the beat was taken"),
        (5, "the payload changed before it was taken"),
        (10, "valid or payload depends on ready in the same cycle"),
    ]


@pytest.mark.parametrize(
    ("last", "what"),
    [
        ([0, 1, 0, 1], None),
        ([0, 0, 0, 1], "cycle 8: TLAST is 0 on word 2 of 2 of frame 0"),
        ([0, 1, 1, 1], "cycle 9: TLAST is 1 on word 1 of 2 of frame 1"),
    ],
)
def test_the_end_of_a_frame_is_marked_there_and_nowhere_else(tmp_path, last, what):
    watched = stream("u4", 2, (1, 2, 2), axi=True)
    log = read_beats(write(tmp_path / "s", [bit << 8 for bit in last], 9), 9)
    report = compare(watched, log, 2, np.zeros((2, 1, 2, 2), dtype=np.int64))
    assert report.failures == ([] if what is None else [f"layer layer1, stream s, {what}"])


def test_a_line_that_was_not_finished_and_a_file_of_another_width(tmp_path):
    path = write(tmp_path / "s", [1, 2, 3], 12)
    path.write_text(path.read_text()[:-2])
    assert read_beats(path, 12).cycles.tolist() == [7, 8]
    with pytest.raises(
        ValueError, match=f"^{re.escape(f'{path}: not a file of beats with 20 bits of payload')}$"
    ):
        read_beats(path, 20)


def test_a_manifest_whose_beats_do_not_carry_the_tensor(tmp_path):
    message = "stream 's' of the manifest has 8 words in 1 frames, its tensor 't' has 4"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        compare(stream(), read_beats(tmp_path / "s", 12), 1, np.zeros((1, 1, 2, 4), dtype=np.int64))
