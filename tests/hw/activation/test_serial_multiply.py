"""Serial multiplication against the definition, on every sum."""

import numpy as np
import pytest

from tests.hw.unit_bench import check
from tests.targets import XC7
from tritforge.export.ir.datatype import DataType
from tritforge.hw.activation.serial_multiply import SerialMultiplierUnit
from tritforge.hw.targets.target import Modelled
from tritforge.sim.stimulus import pack_beats

U5 = DataType.parse("u5")


def requantizer(values, shift, target, pe):
    return SerialMultiplierUnit(
        name="requantize",
        layer="layer",
        values=np.array(values, dtype=np.int64),
        shift=shift,
        source=U5,
        target=DataType.parse(target),
        pe=pe,
        vectors=32,
    )


def check_every_sum(unit, platform=None):
    sums = np.repeat(np.arange(32)[:, None], len(unit.values), axis=1).reshape(1, 1, 32, -1)
    multiplier, bias = unit.values.T
    codes = np.clip(
        (multiplier * sums + bias) >> unit.shift, unit.target.minimum, unit.target.maximum
    )
    assert len(np.unique(codes)) > 2
    check(
        unit,
        pack_beats(sums, U5, unit.pe),
        pack_beats(codes, unit.target, unit.pe),
        1,
        platform=platform,
    )


@pytest.mark.parametrize("platform", [None, Modelled(XC7)], ids=["generic", "xilinx7"])
@pytest.mark.parametrize("pe", [1, 2, 4])
@pytest.mark.parametrize("target", ["u5", "s4", "u8"])
def test_codes_of_every_sum(pe, target, platform):
    values = [(255, 0), (0, 9 << 8), (101, -3000), (77, 5000)]
    check_every_sum(requantizer(values, 8, target, pe), platform)


@pytest.mark.parametrize("bias", [-(1 << 20), 1 << 20, -1, 31, -(31 << 3)])
def test_a_bias_far_from_every_sum(bias):
    """What makes no difference is cut off, and the words have room for what is left."""
    unit = requantizer([(5, bias), (7, 0)], 3, "u4", 1)
    assert unit.steps == max(unit.shift, unit.high_bits) <= 7
    check_every_sum(unit)


@pytest.mark.parametrize(
    ("shift", "values"),
    [
        (0, [(0, 3), (0, 5), (0, 99), (0, -7)]),
        (1, [(1, 0), (0, 4), (1, -9), (1, 60)]),
        (12, [(4095, 0), (3 << 10, 2 << 12), (1, 4095), (4095, 4095)]),
    ],
)
def test_shifts(shift, values):
    check_every_sum(requantizer(values, shift, "u5", 2))


def test_a_bit_of_the_multiplier_a_cycle():
    unit = requantizer([(200, 0), (3, 5)], 10, "u5", 1)
    assert (unit.cycles, unit.interval_cycles) == (11, 32 * 2 * 11)
    assert (unit.rom.depth, unit.rom.word_bits) == (2 * 10, 3)
