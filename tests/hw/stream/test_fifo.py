import random

import pytest

from tests.hw.unit_bench import check
from tritforge.export.ir.datatype import DataType
from tritforge.hw.stream.fifo import FifoUnit
from tritforge.hw.stream.unit import Beats

U5 = Beats(DataType.parse("u5"), 1)


@pytest.mark.parametrize("depth", [1, 2, 3, 8, 40])
def test_beats_in_order(depth):
    beats = [random.Random(depth).randrange(32) for _ in range(24)]
    unit = FifoUnit(name="fifo", beats=U5, depth=depth, elements=12 * U5.lanes)
    check(unit, beats, beats, frames=2)
    assert unit.bits == 5 * depth


@pytest.mark.parametrize("depth", [0, -1, 1.5])
def test_depth(depth):
    with pytest.raises(ValueError, match=f"^depth must be a positive int, not {depth}$"):
        FifoUnit(name="fifo", beats=U5, depth=depth, elements=U5.lanes)
