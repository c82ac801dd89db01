import re

import pytest
from amaranth.sim import Simulator

from tritforge.export.ir.datatype import DataType
from tritforge.hw.stream.unit import Beats, name_ports
from tritforge.hw.stream.width_converter import WidthConverterUnit

S3 = DataType.parse("s3")


def test_width_of_a_beat():
    assert Beats(S3, 4).payload_bits == 12


def test_lanes_are_numbered_from_the_low_bits_and_signed_as_their_type():
    beats = Beats(S3, 2)
    view = beats.view(beats.signature().create().payload)
    assert len(view[0]) == 3
    assert view[0].shape().signed


@pytest.mark.parametrize("lanes", [0, 1.5])
def test_lanes_that_no_beat_has(lanes):
    with pytest.raises(
        ValueError, match=f"^{re.escape(f'lanes must be a positive int, not {lanes!r}')}$"
    ):
        Beats(S3, lanes)


def test_ports_bear_the_names_of_their_instances():
    part = WidthConverterUnit(name="lanes", dtype=S3, i_lanes=2, o_lanes=4, elements=8).component()
    name_ports("lanes", part)
    Simulator(part)  # elaborates it: Amaranth complains of what was made for nothing
    assert part.i.valid.name == "lanes_i__valid"
    assert part.o.payload.name == "lanes_o__payload"
