"""What streams cost."""

from tests.targets import XC7
from tritforge.export.ir.datatype import DataType
from tritforge.hw.cost.registry import cost
from tritforge.hw.stream.axi_stream import FrameSinkUnit, FrameSourceUnit
from tritforge.hw.stream.fifo import FifoUnit
from tritforge.hw.stream.unit import Beats
from tritforge.hw.stream.width_converter import WidthConverterUnit

U4 = DataType.parse("u4")


def test_registers_of_a_fifo():
    """Two addresses of 3 bits, a level of 0 to 6, valid; the read port's register is the output."""
    unit = FifoUnit(name="fifo", beats=Beats(U4, 2), depth=6, elements=24)
    found = cost(unit, XC7)
    assert found.ff >= 3 + 3 + 3 + 1
    assert found.lutram > 0


def test_registers_of_a_width_converter():
    """Two narrow beats that wait, the beat put, a count of 3, valid."""
    common = {"name": "lanes", "dtype": U4, "elements": 12}
    for i_lanes, o_lanes, payload in ((2, 6, 24), (6, 2, 8)):
        unit = WidthConverterUnit(i_lanes=i_lanes, o_lanes=o_lanes, **common)
        assert cost(unit, XC7).ff == 16 + payload + 2 + 1


def test_registers_of_the_axi_wrapper():
    for kind, others in ((FrameSourceUnit, 3), (FrameSinkUnit, 0)):
        part = kind(Beats(U4, 2), 100)
        assert cost(part, XC7).ff == 7 + others
