import numpy as np
import pytest

from tests.hw.unit_bench import PLATFORMS, check, tensor
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import TensorType
from tritforge.export.ir.pools import MaxPool, SumPool
from tritforge.hw.layers.reduction import Reduction
from tritforge.hw.layers.sliding_pool import SlidingPoolUnit
from tritforge.sim.reference import evaluate
from tritforge.sim.stimulus import pack_beats

KINDS = {Reduction.MAX: MaxPool, Reduction.SUM: SumPool}


@PLATFORMS
@pytest.mark.parametrize("reduction", Reduction)
@pytest.mark.parametrize(
    ("text", "size", "channels", "lanes", "window", "stride", "padding"),
    [
        (
            "u2",
            (6, 6),
            4,
            2,
            (3, 3),
            (2, 2),
            (1, 1),
        ),  # ResNet-18's: of the edge behind, nothing is read
        ("s3", (5, 7), 2, 2, (3, 3), (2, 2), (1, 1)),
        ("s2", (5, 5), 1, 1, (3, 3), (2, 2), (0, 0)),  # AlexNet's
        ("u2", (5, 6), 2, 1, (2, 3), (1, 1), (0, 0)),  # rows left over by neither
        ("s3", (4, 4), 2, 1, (3, 2), (1, 3), (2, 1)),
        ("u1", (6, 7), 1, 1, (2, 2), (3, 4), (0, 0)),  # windows apart
        ("s2", (3, 4), 2, 2, (1, 1), (2, 2), (0, 0)),
        ("u2", (2, 2), 1, 1, (4, 4), (1, 1), (2, 2)),  # larger than the image
        ("u5", (5, 6), 2, 2, (2, 3), (1, 1), (0, 1)),
    ],
)
def test_every_window(text, size, channels, lanes, window, stride, padding, reduction, platform):
    dtype = DataType.parse(text)
    source = TensorType(*size, channels, dtype)
    node = KINDS[reduction](name="p", input="x", size=window, stride=stride, padding=padding)
    images = tensor(dtype, (2, *source.shape))
    unit = SlidingPoolUnit(
        name="pool",
        tensor=source,
        size=window,
        stride=stride,
        padding=padding,
        lanes=lanes,
        reduction=reduction,
    )
    target = node.infer(source)
    assert (unit.output_size, unit.o.dtype) == (target.shape[:2], target.dtype)
    expected = pack_beats(evaluate(node, images), target.dtype, lanes)
    check(unit, pack_beats(images, dtype, lanes), expected, frames=2, platform=platform)


def test_lanes_that_do_not_divide():
    with pytest.raises(ValueError, match=r"^lanes must divide the 3 channels, not 2$"):
        SlidingPoolUnit(
            name="pool",
            tensor=TensorType(4, 4, 3, DataType.parse("u2")),
            size=(3, 3),
            stride=(2, 2),
            padding=(1, 1),
            lanes=2,
        )


def test_cycles_of_the_edge_that_is_read():
    unit = SlidingPoolUnit(
        name="pool",
        tensor=TensorType(112, 112, 1, DataType.parse("u2")),
        size=(3, 3),
        stride=(2, 2),
        padding=(1, 1),
        lanes=1,
    )
    assert unit.scanned == (112, 112)  # none of it
    assert np.prod(unit.output_size) == unit.frame_beats == 56 * 56
