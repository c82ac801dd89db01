"""What activations cost."""

import numpy as np

from tests.targets import XC7
from tritforge.export.ir.datatype import DataType
from tritforge.hw.activation.parallel import ParallelThresholdsUnit
from tritforge.hw.cost.registry import cost


def test_equal_bits_of_a_code_share_a_flip_flop():
    """Codes 0, 1, 2 and 15: two bits of four are the same. Codes 0 and 15: all of them."""
    levels = np.array([[9, 12, *[13] * 13], [12] * 15])
    unit = ParallelThresholdsUnit(
        name="thresholds", layer="layer", values=levels, value_bits=4, source=DataType.parse("u4"),
        target=DataType.parse("u4"), pe=2, vectors=1,
    )  # fmt: skip
    assert unit.rom is None
    assert cost(unit, XC7).ff == 3 + 1 + 1
