import numpy as np
import pytest

from export.datatype import DataType
from hw.threshold import Biases, Thresholds
from sim.stimulus import pack_beats
from tests.hw.pipeline import check

U5 = DataType.parse("u5")


@pytest.mark.parametrize("target", ["u2", "u1", "s2"])
@pytest.mark.parametrize("pe", [1, 2, 4])
def test_codes_of_every_sum(pe, target):
    code = DataType.parse(target)
    levels = code.maximum - code.minimum
    values = np.sort(np.random.default_rng(levels).integers(0, 33, size=(4, levels)), axis=1)
    values[0] = 0  # always reached
    values[1] = 32  # never reached: one more than the accumulator holds
    unit = Thresholds(
        name="thresholds",
        layer="layer",
        values=values,
        value_bits=6,
        source=U5,
        target=code,
        pe=pe,
        vectors=32,
    )
    sums = np.repeat(np.arange(32)[:, None], 4, axis=1).reshape(1, 1, 32, 4)
    codes = code.minimum + (sums[..., None] >= values).sum(axis=-1)
    check(unit, pack_beats(sums, U5, pe), pack_beats(codes, code, pe), frames=1)


@pytest.mark.parametrize("pe", [1, 2, 4])
def test_scores_of_every_sum(pe):
    bias = np.array([[0], [-40], [25], [-1]])
    target = DataType.from_range(-40, 31 + 25)
    unit = Biases(
        name="bias", layer="layer", values=bias, value_bits=7, source=U5, target=target, pe=pe, vectors=32
    )
    sums = np.repeat(np.arange(32)[:, None], 4, axis=1).reshape(1, 1, 32, 4)
    check(unit, pack_beats(sums, U5, pe), pack_beats(sums + bias[:, 0], target, pe), frames=1)
