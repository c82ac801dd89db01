import pytest

from tests.hw.unit_bench import PLATFORMS, check, tensor
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import TensorType
from tritforge.hw.layers.pool import WindowPoolUnit
from tritforge.hw.layers.reduction import Reduction
from tritforge.sim.stimulus import pack_beats


@PLATFORMS
@pytest.mark.parametrize("reduction", Reduction)
@pytest.mark.parametrize(
    "dtype",
    [DataType.parse("u1"), DataType.parse("s2"), DataType.parse("s3"), DataType.parse("u5")],
    ids=str,
)
@pytest.mark.parametrize(
    ("size", "channels", "lanes", "window"),
    [
        ((4, 4), 4, 2, (2, 2)),
        ((5, 7), 1, 1, (2, 2)),  # a row and a column left over
        ((5, 9), 1, 1, (2, 2)),  # the same where the address of the maxima has no value to spare
        ((6, 6), 3, 3, (3, 2)),
        ((3, 4), 2, 1, (1, 4)),
        ((2, 2), 2, 2, (1, 1)),
        ((4, 3), 4, 1, (4, 3)),
    ],
)
def test_every_window(size, channels, lanes, window, dtype, reduction, platform):
    images = tensor(dtype, (2, *size, channels))
    height, width = size[0] // window[0], size[1] // window[1]
    cut = images[:, : height * window[0], : width * window[1]]
    of_windows = cut.reshape(2, height, window[0], width, window[1], channels)
    expected = getattr(of_windows, reduction.value)(axis=(2, 4))
    tensor_type = TensorType(*size, channels, dtype)
    unit = WindowPoolUnit(
        name="pool", tensor=tensor_type, size=window, lanes=lanes, reduction=reduction
    )
    beats = pack_beats(expected, unit.o.dtype, lanes)
    check(unit, pack_beats(images, dtype, lanes), beats, frames=2, platform=platform)


def test_lanes_that_do_not_divide():
    with pytest.raises(ValueError, match=r"^lanes must divide the 3 channels, not 2$"):
        WindowPoolUnit(
            name="pool", tensor=TensorType(2, 2, 3, DataType.parse("u2")), size=(2, 2), lanes=2
        )
