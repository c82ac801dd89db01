import pytest

from tests.hw.layers.test_window import windows
from tests.hw.unit_bench import check, tensor
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import TensorType
from tritforge.hw.layers.line_window import LineBufferUnit
from tritforge.sim.stimulus import pack_beats

U2, S3 = DataType.parse("u2"), DataType.parse("s3")


@pytest.mark.parametrize(
    ("size", "channels", "kernel", "stride", "padding", "dilation", "dtype"),
    [
        ((4, 4), 1, (3, 3), (1, 1), (0, 0), (1, 1), U2),
        ((5, 4), 2, (3, 3), (1, 1), (0, 0), (1, 1), S3),
        ((5, 6), 2, (3, 2), (1, 1), (0, 0), (1, 1), U2),
        ((6, 7), 2, (3, 3), (2, 2), (0, 0), (1, 1), S3),
        ((7, 5), 1, (2, 2), (3, 2), (0, 0), (1, 1), U2),
        ((8, 8), 1, (3, 3), (2, 3), (0, 0), (1, 1), U2),
        ((9, 8), 3, (5, 5), (1, 1), (0, 0), (1, 1), U2),
        ((3, 3), 2, (3, 3), (1, 1), (0, 0), (1, 1), U2),
        ((5, 4), 2, (1, 1), (2, 2), (0, 0), (1, 1), S3),
        ((6, 1), 1, (4, 1), (1, 1), (0, 0), (1, 1), S3),
        ((1, 6), 1, (1, 4), (1, 2), (0, 0), (1, 1), S3),
        ((4, 5), 2, (3, 3), (1, 1), (1, 1), (1, 1), U2),
        ((5, 5), 1, (5, 5), (1, 1), (2, 2), (1, 1), S3),
        ((6, 6), 1, (3, 3), (2, 2), (1, 1), (1, 1), U2),  # the last windows end inside the image
        ((5, 6), 1, (3, 3), (2, 2), (1, 1), (1, 1), U2),
        ((4, 4), 1, (3, 3), (1, 1), (2, 2), (1, 1), U2),  # more windows than pixels
        ((4, 4), 1, (3, 3), (1, 1), (1, 0), (1, 1), U2),
        ((4, 4), 1, (3, 3), (1, 1), (0, 1), (1, 1), U2),
        ((2, 3), 1, (2, 1), (2, 3), (1, 0), (1, 1), S3),
        ((1, 1), 1, (3, 3), (1, 1), (1, 1), (1, 1), U2),
        ((7, 6), 1, (3, 3), (1, 1), (0, 0), (2, 2), U2),
        ((5, 6), 2, (3, 3), (1, 1), (2, 2), (2, 2), S3),
        ((6, 7), 1, (2, 3), (2, 1), (1, 3), (3, 2), U2),
    ],
)
def test_every_window_in_the_planned_cycle(
    size, channels, kernel, stride, padding, dilation, dtype
):
    image = TensorType(*size, channels, dtype)
    unit = LineBufferUnit(
        name="window",
        tensor=image,
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
    )
    images = tensor(dtype, (3, *size, channels))
    images[images == 0] = 1  # so that padding is told from pixels
    lanes = kernel[0] * kernel[1] * channels
    spread = tuple((extent - 1) * apart + 1 for extent, apart in zip(kernel, dilation, strict=True))
    expected = windows(images, spread, stride, padding)[..., :: dilation[0], :: dilation[1], :]
    expected = expected.reshape(1, 1, -1, lanes)
    assert unit.o.lanes == lanes
    check(unit, pack_beats(images, dtype, channels), pack_beats(expected, dtype, lanes), frames=3)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "cycles"),
    [(3, 1, 0, 8 * 8), (3, 1, 1, 9 * 9), (5, 1, 2, 10 * 10), (3, 2, 1, 8 * 8)],
)
def test_only_windows_that_end_in_padding_take_cycles_for_it(kernel, stride, padding, cycles):
    unit = LineBufferUnit(
        name="window",
        tensor=TensorType(8, 8, 2, U2),
        kernel=(kernel, kernel),
        stride=(stride, stride),
        padding=(padding, padding),
    )
    assert unit.interval_cycles == cycles


def test_bad_parameters():
    message = r"^kernel must fit into the image \(4, 2\) with padding \(0, 0\) and dilation \(1, 1\), not \(3, 3\)$"
    with pytest.raises(ValueError, match=message):
        LineBufferUnit(name="w", tensor=TensorType(4, 2, 3, U2), kernel=(3, 3), stride=(1, 1))
    message = r"^padding must be at most \(2, 0\), the reach of the kernel, not \(2, 1\)$"
    with pytest.raises(ValueError, match=message):
        LineBufferUnit(
            name="w", tensor=TensorType(4, 2, 3, U2), kernel=(3, 1), stride=(1, 1), padding=(2, 1)
        )
