"""Thresholds in turns against the definition of a code."""

import numpy as np
import pytest

from tests.hw.unit_bench import PLATFORMS, check
from tritforge.export.ir.datatype import DataType
from tritforge.hw.activation.time_shared import time_shared
from tritforge.sim.stimulus import pack_beats

U5 = DataType.parse("u5")


def units(pause, *, levels=3, target="s2", pe=2, pixels=6):
    values = np.sort(np.random.default_rng(0).integers(0, 33, size=(4, levels)), axis=1)
    values[0] = 0  # always reached
    values[1] = 32  # never reached: one more than the accumulator holds
    return time_shared(
        pause,
        pixels=pixels,
        layer="layer",
        values=values,
        value_bits=6,
        source=U5,
        target=DataType.parse(target),
        pe=pe,
        vectors=12,
    )


@PLATFORMS
@pytest.mark.parametrize("pe", [1, 2, 4])
@pytest.mark.parametrize(("levels", "target"), [(1, "u1"), (2, "u2"), (3, "s2"), (5, "u3")])
def test_codes_of_every_sum(levels, target, pe, platform):
    for unit in units(6, levels=levels, target=target, pe=pe):
        sums = (
            np.arange(12 * 4 * 6).reshape(1, 12, 4, 6) * 7 % 32
        )  # [N, vectors, M, pixels], every value
        expected = unit.target.minimum + (sums[..., None] >= unit.values[:, None]).sum(axis=-1)
        beats = pack_beats(sums.reshape(1, 1, -1, unit.i.lanes), U5, unit.i.lanes)
        codes = pack_beats(expected.reshape(1, 1, -1, unit.o.lanes), unit.target, unit.o.lanes)
        check(unit, beats, codes, 1, platform=platform)


def test_as_many_turns_as_are_hidden():
    assert [unit.at_a_time for unit in units(6)] == [3, 2, 1]
    assert [unit.cycles for unit in units(5)] == [2, 3]
    assert units(1) == []
    (unit,) = units(2)
    assert unit.interval_cycles == 12 * 2 * 2
