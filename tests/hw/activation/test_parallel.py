import numpy as np
import pytest

from tests.hw.unit_bench import PLATFORMS, check
from tritforge.export.ir.datatype import DataType
from tritforge.hw.activation.parallel import BiasUnit, ParallelThresholdsUnit
from tritforge.sim.stimulus import pack_beats

U5 = DataType.parse("u5")


def thresholds(values, target, pe):
    return ParallelThresholdsUnit(
        name="thresholds",
        layer="layer",
        values=values,
        value_bits=6,
        source=U5,
        target=DataType.parse(target),
        pe=pe,
        vectors=32,
    )


def check_every_sum(unit, platform):
    sums = np.repeat(np.arange(32)[:, None], len(unit.values), axis=1).reshape(1, 1, 32, -1)
    codes = unit.target.minimum + (sums[..., None] >= unit.values).sum(axis=-1)
    check(
        unit,
        pack_beats(sums, U5, unit.pe),
        pack_beats(codes, unit.target, unit.pe),
        1,
        platform=platform,
    )


@PLATFORMS
@pytest.mark.parametrize("target", ["u2", "u1", "s2", "u3"])
@pytest.mark.parametrize("pe", [1, 2, 4])
def test_codes_of_every_sum(pe, target, platform):
    levels = (1 << int(target[1])) - 1
    values = np.sort(np.random.default_rng(levels).integers(0, 33, size=(4, levels)), axis=1)
    values[0] = 0  # always reached
    values[1] = 32  # never reached: one more than the accumulator holds
    check_every_sum(thresholds(values, target, pe), platform)


@PLATFORMS
@pytest.mark.parametrize("pe", [1, 2])
def test_ternary_codes(pe, platform):
    """The lowest code of two signed bits stays out of reach: its level needs no comparator and no
    ROM."""
    values = np.array([[0, 9, 20], [0, 0, 32]])
    unit = thresholds(values, "s2", pe)
    assert unit.levels.shape == (2, 2)
    assert unit.code(0) == -1
    check_every_sum(unit, platform)


def test_one_level_is_left():
    assert thresholds(np.zeros((2, 3), np.int64), "u2", 1).levels.shape == (2, 1)


def test_constants_of_a_single_group_of_rows_need_no_rom():
    values = np.arange(6).reshape(2, 3)
    assert thresholds(values, "u2", 2).rom is None
    image = thresholds(values + 1, "u2", 1).rom
    assert (image.depth, image.word_bits) == (2, 18)


@pytest.mark.parametrize("pe", [1, 2, 4])
def test_scores_of_every_sum(pe):
    bias = np.array([[0], [-40], [25], [-1]])
    target = DataType.from_range(-40, 31 + 25)
    unit = BiasUnit(
        name="bias",
        layer="layer",
        values=bias,
        value_bits=7,
        source=U5,
        target=target,
        pe=pe,
        vectors=32,
    )
    sums = np.repeat(np.arange(32)[:, None], 4, axis=1).reshape(1, 1, 32, 4)
    check(unit, pack_beats(sums, U5, pe), pack_beats(sums + bias[:, 0], target, pe), 1)
