import pytest
from amaranth import *

from tritforge.export.ir.datatype import DataType
from tritforge.hw.layers.reduction import Reduction


@pytest.mark.parametrize(
    ("reduction", "text", "terms", "expected", "neutral"),
    [
        (Reduction.MAX, "s3", 9, "s3", -4),
        (Reduction.SUM, "s3", 4, "s5", 0),
        (Reduction.SUM, "u2", 64, "u8", 0),
    ],
)
def test_types_and_padding(reduction, text, terms, expected, neutral):
    dtype = DataType.parse(text)
    assert str(reduction.dtype(dtype, terms)) == expected
    assert reduction.neutral(dtype) == neutral
