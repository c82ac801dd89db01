import pytest

from export.datatype import DataType
from export.ir import TensorType
from export.residual import Shortcut
from hw.subsample import Subsample
from sim.reference import evaluate
from sim.stimulus import pack_beats
from tests.hw.pipeline import check, tensor


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
    unit = Subsample(name="shortcut", tensor=source, stride=stride, before=before, after=after, lanes=lanes)
    expected = pack_beats(evaluate(node, images), dtype, lanes)
    check(unit, pack_beats(images, dtype, lanes), expected, frames=3)


def test_lanes_that_do_not_divide():
    message = r"^lanes must divide the 4 channels and the 2 and 3 of 0, not 2$"
    with pytest.raises(ValueError, match=message):
        Subsample(
            name="s",
            tensor=TensorType(2, 2, 4, DataType.parse("u2")),
            stride=(1, 1),
            before=2,
            after=3,
            lanes=2,
        )
