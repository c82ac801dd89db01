import numpy as np

from tests.hw.unit_bench import check, tensor
from tritforge.export.ir.datatype import DataType
from tritforge.hw.engines.skip.permute import LanePermutationUnit, permuted
from tritforge.hw.stream.unit import Beats
from tritforge.sim.stimulus import pack_beats


def test_each_beat_in_its_own_order():
    dtype = DataType.parse("s3")
    order = np.array([[2, 0, 1], [0, 1, 2], [1, 2, 0], [0, 2, 1]])
    unit = LanePermutationUnit(
        name="spread", layer="layer", beats=Beats(dtype, 3), order=order, periods=2
    )
    frames = tensor(dtype, (2, 2, 4, 3))
    expected = np.take_along_axis(frames, np.broadcast_to(order, frames.shape), axis=-1)
    check(unit, pack_beats(frames, dtype, 3), pack_beats(expected, dtype, 3), frames=2)
    assert unit.rom.words == (0b01_00_10, 0b10_01_00, 0b00_10_01, 0b01_10_00)


def test_no_unit_where_nothing_moves():
    beats = Beats(DataType.parse("u2"), 3)
    assert permuted("spread", "layer", beats, np.array([[0, 1, 2], [0, 1, 2]]), periods=1) == []
    assert len(permuted("spread", "layer", beats, np.array([[0, 1, 2], [0, 2, 1]]), periods=1)) == 1
