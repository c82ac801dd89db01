"""What the engine `skip` costs."""

import pytest

from tests.hw.engines.skip.test_engine import engine, weights
from tests.targets import XC7
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Convolution, TensorType
from tritforge.hw.cost.memory import ram, rom
from tritforge.hw.cost.registry import cost
from tritforge.hw.engines.skip.cost import columns_read


@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "read"),
    [((1, 1), 2, 0, 4), ((3, 3), 1, 1, 8), ((3, 3), 2, 0, 7), ((2, 2), 3, 1, 5), ((1, 1), 1, 0, 8)],
)
def test_columns_that_no_pixel_reads_cost_no_memory(kernel, stride, padding, read):
    planes = weights(2, (1, 4, 2, *kernel), 0.3)
    node = Convolution(
        name="layer",
        input="input",
        planes=planes,
        stride=(stride, stride),
        padding=(padding, padding),
    )
    unit = engine(
        node, TensorType(8, 8, 2, DataType.parse("u8")), pe=2, entries=2, banks=1, outputs=2
    )
    assert columns_read(unit) == read
    rows = ram(XC7, 8 * read, unit.window.rows * unit.pixel_beats, enables=read, copies=4)
    words = rom(XC7, unit.rom)
    assert cost(unit, XC7).lutram == words.lutram + rows.lutram > words.lutram
