import pytest

from tests.hw.unit_bench import check, tensor
from tritforge.export.ir.datatype import DataType
from tritforge.hw.stream.width_converter import WidthConverterUnit
from tritforge.sim.stimulus import pack_beats

S3 = DataType.parse("s3")


@pytest.mark.parametrize(
    ("i_lanes", "o_lanes"), [(1, 2), (2, 1), (1, 3), (3, 1), (2, 8), (8, 2), (3, 24), (24, 3)]
)
def test_lanes_change_and_elements_do_not(i_lanes, o_lanes):
    unit = WidthConverterUnit(name="lanes", dtype=S3, i_lanes=i_lanes, o_lanes=o_lanes, elements=48)
    values = tensor(S3, (2, 1, 2, 24))
    check(unit, pack_beats(values, S3, i_lanes), pack_beats(values, S3, o_lanes), frames=2)


def test_lanes_that_do_not_divide():
    message = r"^i_lanes and o_lanes must divide each other and the 12 elements, not 4 and 6$"
    with pytest.raises(ValueError, match=message):
        WidthConverterUnit(name="lanes", dtype=S3, i_lanes=4, o_lanes=6, elements=12)
