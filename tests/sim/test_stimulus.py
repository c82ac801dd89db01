from __future__ import annotations

import itertools
import random
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tritforge.export.ir.datatype import DataType
from tritforge.sim.stimulus import Patience, Stalls, log_uniform, pack_beats


@given(
    bits=st.integers(1, 40),
    signed=st.booleans(),
    lanes=st.integers(1, 5),
    groups=st.integers(1, 3),
    seed=st.integers(0, 9),
)
def test_packing_is_undone_by_shifting(bits, signed, lanes, groups, seed):
    dtype = DataType(bits, signed)
    generator = np.random.default_rng(seed)
    shape = (2, 1, 2, lanes * groups)
    tensor = generator.integers(dtype.minimum, dtype.maximum, size=shape, endpoint=True)
    beats = pack_beats(tensor, dtype, lanes)
    back = [(beat >> (lane * bits)) & ((1 << bits) - 1) for beat in beats for lane in range(lanes)]
    values = [value - (1 << bits) if signed and value >> (bits - 1) else value for value in back]
    assert values == tensor.ravel().tolist()
    assert all(beat >> (lanes * bits) == 0 for beat in beats)


@pytest.mark.parametrize(
    ("shape", "value", "lanes", "message"),
    [
        ((1, 2, 3), 0, 1, "tensor must be [N, H, W, C], not of shape (1, 2, 3)"),
        ((1, 1, 1, 3), 0, 2, "lanes must divide the 3 elements of a frame, not 2"),
        ((1, 1, 1, 2), 4, 2, "tensor must hold u2 values, not 4..4"),
    ],
)
def test_what_cannot_be_packed(shape, value, lanes, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        pack_beats(np.full(shape, value), DataType.parse("u2"), lanes)


def test_lengths_of_every_scale_and_none_beyond():
    generator = random.Random(0)
    lengths = [log_uniform(generator, 1000) for _ in range(3000)]
    assert min(lengths) == 1
    assert 900 < max(lengths) <= 1000
    assert sum(length <= 31 for length in lengths) > 1200
    assert {log_uniform(generator, 1) for _ in range(50)} == {1}


@pytest.mark.parametrize("stalls", Stalls)
def test_a_pattern_pauses_for_less_than_the_bench_waits(stalls):
    pattern = stalls.pattern
    idle = list(itertools.islice(pattern.idle(random.Random(1), 100), 2000))
    assert min(idle) >= 0
    assert max(idle) <= 100
    assert (max(idle) > 0) == (stalls not in (Stalls.NONE, Stalls.SLOW_SINK, Stalls.LONG_STOP))
    if pattern.ready is not None:
        pauses = list(itertools.islice(pattern.ready(random.Random(1), 100), 2000))
        assert all(0 <= low <= 200 and 1 <= high <= 200 for low, high in pauses)
        assert any(low for low, _ in pauses)


def test_names():
    assert Stalls.parse("slow-sink") is Stalls.SLOW_SINK
    assert Stalls.PATIENT.pattern.patience is Patience.AFTER_VALID
    message = (
        "stalls must be one of none, random, slow-source, slow-sink, patient, cycling, long-stop, "
        "one-beat, reset, framing, not 'some'"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Stalls.parse("some")
