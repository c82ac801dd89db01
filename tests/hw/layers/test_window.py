import numpy as np
import pytest

from tests.hw.unit_bench import check, planned, tensor
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import TensorType
from tritforge.hw.layers.window import SlidingWindowUnit
from tritforge.sim.stimulus import pack_beats

U2, S3 = DataType.parse("u2"), DataType.parse("s3")


def windows(images, kernel, stride, padding, dilation=(1, 1)):
    """[N, H, W, C] as [N, OH, OW, kh, kw, C], with zeros around."""
    padded = np.pad(images, ((0, 0), (padding[0],) * 2, (padding[1],) * 2, (0, 0)))
    extent = [step * (size - 1) + 1 for step, size in zip(dilation, kernel, strict=True)]
    view = np.lib.stride_tricks.sliding_window_view(padded, extent, axis=(1, 2))
    view = view[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]
    return view.transpose(0, 1, 2, 4, 5, 3)


@pytest.mark.parametrize(
    ("size", "channels", "lanes", "kernel", "stride", "padding", "dtype"),
    [
        ((4, 4), 1, 1, (3, 3), (1, 1), (1, 1), U2),
        ((5, 4), 4, 2, (3, 3), (1, 1), (1, 1), S3),
        ((5, 6), 2, 2, (3, 2), (1, 1), (0, 0), U2),
        ((6, 7), 2, 1, (3, 3), (2, 2), (1, 1), S3),
        ((7, 5), 1, 1, (2, 2), (3, 2), (0, 1), U2),
        ((5, 5), 3, 3, (5, 5), (1, 1), (2, 2), U2),
        ((3, 3), 2, 2, (3, 3), (1, 1), (0, 0), U2),
        ((5, 4), 2, 2, (1, 1), (2, 2), (0, 0), S3),
        ((1, 1), 2, 1, (1, 1), (1, 1), (0, 0), U2),
        ((6, 1), 1, 1, (4, 1), (1, 1), (3, 0), S3),
    ],
)
def test_every_window_in_the_planned_cycle(size, channels, lanes, kernel, stride, padding, dtype):
    unit = SlidingWindowUnit(
        name="window",
        tensor=TensorType(*size, channels, dtype),
        kernel=kernel,
        stride=stride,
        padding=padding,
        lanes=lanes,
    )
    images = tensor(dtype, (3, *size, channels))
    expected = windows(images, kernel, stride, padding).reshape(1, 1, -1, channels)
    check(unit, pack_beats(images, dtype, lanes), pack_beats(expected, dtype, lanes), frames=3)


@pytest.mark.parametrize(
    ("size", "channels", "lanes", "blocks", "kernel", "stride", "padding", "dilation"),
    [
        ((5, 6), 4, 1, 2, (3, 3), (1, 1), (1, 1), (1, 1)),
        ((4, 4), 6, 2, 3, (2, 2), (2, 1), (0, 1), (1, 1)),
        ((3, 3), 3, 1, 3, (1, 1), (1, 1), (0, 0), (1, 1)),
        ((9, 7), 2, 1, 1, (3, 3), (1, 1), (2, 2), (2, 2)),
        ((8, 9), 1, 1, 1, (3, 2), (2, 1), (4, 3), (3, 4)),
        ((7, 7), 4, 2, 2, (2, 3), (1, 2), (0, 1), (3, 2)),
        ((1, 4), 2, 2, 1, (3, 1), (1, 1), (5, 0), (5, 1)),
        ((4, 3), 2, 1, 2, (3, 2), (3, 1), (3, 1), (2, 2)),
    ],
)
def test_blocks_of_channels_and_taps_apart(
    size, channels, lanes, blocks, kernel, stride, padding, dilation
):
    unit = SlidingWindowUnit(
        name="window",
        tensor=TensorType(*size, channels, S3),
        kernel=kernel,
        stride=stride,
        padding=padding,
        dilation=dilation,
        lanes=lanes,
        blocks=blocks,
    )
    images = tensor(S3, (3, *size, channels))
    vectors = windows(images, kernel, stride, padding, dilation)
    parts = np.split(vectors, blocks, axis=5)  # [N, OH, OW, kh, kw, C/blocks] each
    expected = np.stack(parts, axis=3).reshape(1, 1, -1, channels // blocks)
    check(unit, pack_beats(images, S3, lanes), pack_beats(expected, S3, lanes), frames=3)


def test_bad_parameters():
    image = TensorType(4, 4, 3, U2)
    common = {"name": "window", "tensor": image, "stride": (1, 1), "lanes": 3}
    with pytest.raises(ValueError, match=r"^lanes must divide the 3 channels, not 2$"):
        SlidingWindowUnit(**{**common, "lanes": 2}, kernel=(3, 3), padding=(1, 1))
    with pytest.raises(ValueError, match=r"^lanes must divide the 3 channels in 3 blocks, not 3$"):
        SlidingWindowUnit(**common, kernel=(3, 3), padding=(1, 1), blocks=3)
    message = r"^padding must be smaller than the kernel's extent \(3, 5\), not \(3, 0\)$"
    with pytest.raises(ValueError, match=message):
        SlidingWindowUnit(**common, kernel=(3, 3), padding=(3, 0), dilation=(1, 2))


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [
        ((6, 6), (3, 3), (1, 1), (1, 1)),
        ((8, 8), (3, 3), (2, 2), (1, 1)),
        ((5, 5), (5, 5), (1, 1), (2, 2)),
    ],
)
def test_rows_arrive_while_others_are_read(size, kernel, stride, padding):
    """Frames follow at the interval in closed form: the ring has room for what arrives
    meanwhile."""
    unit = SlidingWindowUnit(
        name="window",
        tensor=TensorType(*size, 2, U2),
        kernel=kernel,
        stride=stride,
        padding=padding,
        lanes=1,
    )
    leaves = planned(unit, 4)[unit.frame_beats - 1 :: unit.frame_beats]
    assert leaves[3] - leaves[2] == leaves[2] - leaves[1] == unit.interval_cycles
