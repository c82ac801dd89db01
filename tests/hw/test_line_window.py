import pytest

from export.datatype import DataType
from export.ir import TensorType
from hw.line_window import LineWindow
from sim.stimulus import pack_beats
from tests.hw.pipeline import check, tensor
from tests.hw.test_window import windows

U2, S3 = DataType.parse("u2"), DataType.parse("s3")


@pytest.mark.parametrize(
    ("size", "channels", "kernel", "stride", "dtype"),
    [
        ((4, 4), 1, (3, 3), (1, 1), U2),
        ((5, 4), 2, (3, 3), (1, 1), S3),
        ((5, 6), 2, (3, 2), (1, 1), U2),
        ((6, 7), 2, (3, 3), (2, 2), S3),
        ((7, 5), 1, (2, 2), (3, 2), U2),
        ((8, 8), 1, (3, 3), (2, 3), U2),
        ((9, 8), 3, (5, 5), (1, 1), U2),
        ((3, 3), 2, (3, 3), (1, 1), U2),
        ((5, 4), 2, (1, 1), (2, 2), S3),
        ((6, 1), 1, (4, 1), (1, 1), S3),
        ((1, 6), 1, (1, 4), (1, 2), S3),
    ],
)
def test_every_window_in_the_planned_cycle(size, channels, kernel, stride, dtype):
    unit = LineWindow(name="window", tensor=TensorType(*size, channels, dtype), kernel=kernel, stride=stride)
    images = tensor(dtype, (3, *size, channels))
    lanes = kernel[0] * kernel[1] * channels
    expected = windows(images, kernel, stride, (0, 0)).reshape(1, 1, -1, lanes)
    assert unit.o.lanes == lanes
    check(unit, pack_beats(images, dtype, channels), pack_beats(expected, dtype, lanes), frames=3)


def test_bad_parameters():
    message = r"^kernel must fit into the image \(4, 2\), not \(3, 3\)$"
    with pytest.raises(ValueError, match=message):
        LineWindow(name="w", tensor=TensorType(4, 2, 3, U2), kernel=(3, 3), stride=(1, 1))
