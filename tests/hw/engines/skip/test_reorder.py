import numpy as np
import pytest

from tests.hw.unit_bench import check, planned, tensor
from tritforge.export.ir.datatype import DataType
from tritforge.hw.engines.skip.reorder import ReorderBufferUnit
from tritforge.hw.matrix.skip_schedule import skip_schedule
from tritforge.sim.stimulus import pack_beats


def reorder(pe, outputs, pixels, *, rows=2):
    planes = (np.random.default_rng(6).random((1, 12, 16)) < 0.3).astype(np.int8)
    program = skip_schedule(planes, channels=16, pe=pe, entries=1, banks=1, outputs=outputs)
    return ReorderBufferUnit(
        name="reorder",
        layer="layer",
        program=program,
        dtype=DataType.parse("u3"),
        pixels=pixels,
        rows=rows,
    )


@pytest.mark.parametrize(
    ("pe", "outputs", "pixels"), [(1, 1, 1), (1, 4, 3), (2, 6, 5), (3, 3, 1), (4, 12, 1)]
)
def test_pixels_in_raster_order(pe, outputs, pixels):
    unit = reorder(pe, outputs, pixels)
    unit.program.validate()
    images = tensor(unit.dtype, (3, 2, pixels, 12))
    passes = images[..., unit.program.rows].transpose(0, 1, 3, 4, 2)  # [N, OH, passes, pe, OW]
    groups = images.reshape(
        3, 2, pixels, -1, outputs
    )  # a channel of each bank, in the order of the banks
    leaves = np.empty_like(groups)
    np.put_along_axis(leaves, np.broadcast_to(unit.order, groups.shape), groups, axis=-1)
    check(
        unit,
        pack_beats(passes.reshape(1, 1, -1, unit.i.lanes), unit.dtype, unit.i.lanes),
        pack_beats(leaves.reshape(1, 1, -1, outputs), unit.dtype, outputs),
        frames=3,
    )


@pytest.mark.parametrize("pixels", [1, 4])
def test_a_row_is_written_while_another_leaves(pixels):
    unit = reorder(2, 6, pixels, rows=3)
    ends = planned(unit, 5)[unit.frame_beats - 1 :: unit.frame_beats]
    assert ends[4] - ends[3] == unit.interval_cycles


def test_natural_order_needs_no_memory():
    planes = np.ones((1, 4, 4), dtype=np.int8)
    program = skip_schedule(planes, channels=4, pe=2, entries=1, banks=1, outputs=2)
    common = {
        "name": "reorder",
        "layer": "layer",
        "program": program,
        "dtype": DataType.parse("u1"),
    }
    assert ReorderBufferUnit(**common, pixels=1, rows=1).moves_nothing
    assert not ReorderBufferUnit(**common, pixels=2, rows=1).moves_nothing
