from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tritforge.export.ir.datatype import DataType
from tritforge.sim.stimulus import pack_beats


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
