import pytest

from tests.hw.engines.skip.test_engine import beats_in, engine, expected, weights
from tests.hw.unit_bench import check, planned, tensor
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Convolution, TensorType


@pytest.mark.parametrize(
    ("size", "channels", "kernel", "stride", "padding", "dtype", "entries", "banks"),
    [
        ((4, 4), 1, (3, 3), (1, 1), (1, 1), "u2", 1, 1),
        ((5, 4), 4, (3, 3), (1, 1), (1, 1), "s3", 4, 2),
        ((5, 6), 2, (3, 2), (1, 1), (0, 0), "u8", 2, 2),
        ((6, 7), 2, (3, 3), (2, 2), (1, 1), "s2", 1, 1),
        ((7, 5), 1, (2, 2), (3, 2), (0, 1), "u2", 2, 1),
        ((5, 5), 3, (5, 5), (1, 1), (2, 2), "u1", 3, 3),
        ((5, 4), 2, (1, 1), (2, 2), (0, 0), "s3", 2, 1),
        ((6, 1), 2, (4, 1), (1, 1), (3, 0), "s3", 1, 1),
    ],
)
def test_convolution(size, channels, kernel, stride, padding, dtype, entries, banks):
    source = TensorType(*size, channels, DataType.parse(dtype))
    planes = weights(2, (1, 4, channels, *kernel), 0.3)
    node = Convolution(name="layer", input="input", planes=planes, stride=stride, padding=padding)
    unit = engine(node, source, pe=2, entries=entries, banks=banks, outputs=2)
    images = tensor(source.dtype, (3, *size, channels))
    check(unit, beats_in(unit, images), expected(unit, images), frames=3)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "dilation"),
    [
        ((5, 5), (3, 3), (1, 1), (4, 4), (4, 4)),
        ((4, 4), (7, 7), (1, 1), (3, 3), (1, 1)),
        ((8, 3), (3, 3), (1, 1), (6, 6), (6, 6)),
        ((2, 3), (9, 1), (1, 1), (8, 0), (1, 1)),
        ((1, 2), (4, 2), (3, 1), (10, 1), (4, 2)),
        ((3, 1), (2, 1), (2, 1), (13, 0), (14, 1)),
    ],
)
def test_a_kernel_beyond_the_ring_of_rows(size, kernel, stride, padding, dilation):
    """The offset of a nonzero is more than once around the ring."""
    source = TensorType(*size, 2, DataType.parse("u2"))
    node = Convolution(
        name="layer",
        input="input",
        planes=weights(2, (1, 4, 2, *kernel), 0.8),
        stride=stride,
        padding=padding,
        dilation=dilation,
    )
    unit = engine(node, source, pe=2, entries=2, banks=1, outputs=2)
    images = tensor(source.dtype, (7, *size, 2))
    check(unit, beats_in(unit, images), expected(unit, images), frames=7)


def test_rows_arrive_while_others_are_computed():
    """Frames follow at the interval in closed form."""
    source = TensorType(8, 8, 4, DataType.parse("u2"))
    for density in (0.1, 0.9):
        planes = weights(2, (1, 8, 4, 3, 3), density)
        node = Convolution(name="layer", input="input", planes=planes, padding=(1, 1))
        unit = engine(node, source, pe=1, entries=4, banks=2, outputs=2)
        leaves = planned(unit, 5)[unit.frame_beats - 1 :: unit.frame_beats]
        assert leaves[4] - leaves[3] == unit.interval_cycles
