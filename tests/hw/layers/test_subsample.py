import pytest

from tests.hw.unit_bench import check, tensor
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import TensorType
from tritforge.export.ir.residual import Shortcut
from tritforge.hw.layers.subsample import SubsamplerUnit
from tritforge.sim.reference import evaluate
from tritforge.sim.stimulus import pack_beats


@pytest.mark.parametrize(
    ("text", "size", "channels", "lanes", "stride", "before", "after"),
    [
        ("u2", (4, 4), 4, 2, (2, 2), 2, 2),
        ("s3", (5, 3), 2, 1, (2, 2), 1, 3),
        ("u2", (3, 5), 4, 4, (1, 2), 0, 4),
        ("s2", (4, 4), 2, 2, (3, 1), 4, 0),
        ("u2", (2, 2), 2, 1, (1, 1), 0, 0),
        ("u2", (1, 3), 2, 2, (2, 4), 2, 2),  # fewer pixels than the stride
    ],
)
def test_pixels_and_channels(text, size, channels, lanes, stride, before, after):
    dtype = DataType.parse(text)
    source = TensorType(*size, channels, dtype)
    node = Shortcut(name="s", input="x", stride=stride, before=before, after=after)
    images = tensor(dtype, (3, *source.shape))
    unit = SubsamplerUnit(
        name="shortcut", tensor=source, stride=stride, before=before, after=after, lanes=lanes
    )
    expected = pack_beats(evaluate(node, images), dtype, lanes)
    check(unit, pack_beats(images, dtype, lanes), expected, frames=3)


def test_lanes_that_do_not_divide():
    message = r"^lanes must divide the 4 channels and the 2 and 3 of 0, not 2$"
    with pytest.raises(ValueError, match=message):
        SubsamplerUnit(
            name="s",
            tensor=TensorType(2, 2, 4, DataType.parse("u2")),
            stride=(1, 1),
            before=2,
            after=3,
            lanes=2,
        )
