import pytest
from amaranth import *
from amaranth.hdl import Fragment

from tritforge.export.ir.datatype import DataType
from tritforge.hw.cost.technology import Cost, Family, Technology, calibration, no_less
from tritforge.hw.layers.reduction import Reduction
from tritforge.hw.stream.rom import RomFiles
from tritforge.hw.targets.ecp5 import chain_luts
from tritforge.hw.targets.primitives import Primitives
from tritforge.hw.targets.rows import rows


@pytest.mark.parametrize(
    ("reduction", "text", "terms", "expected", "neutral"),
    [
        (Reduction.MAX, "s3", 9, "s3", -4),
        (Reduction.SUM, "s3", 4, "s5", 0),
        (Reduction.SUM, "u2", 64, "u8", 0),
    ],
)
def test_types_and_padding(reduction, text, terms, expected, neutral):
    dtype = DataType.parse(text)
    assert str(reduction.dtype(dtype, terms)) == expected
    assert reduction.neutral(dtype) == neutral


@pytest.mark.parametrize(
    ("text", "terms", "width", "luts", "carries"),
    [
        ("u4", 1, 4, 0, 0),
        ("u4", 2, 5, 4, 1),
        ("u4", 3, 6, 5, 2),  # the carry-save of the highest column has a LUT
        ("s4", 3, 6, 6, 2),  # signs go on
        ("u4", 4, 6, 5 + 6, 2 + 2),  # three, and what is left
        ("u4", 9, 8, 3 * 5 + 7, 3 * 2 + 2),
    ],
)
def test_sums_of_cells(text, terms, width, luts, carries):
    found = Reduction.SUM.cost(Technology(), DataType.parse(text), terms, width, 2)
    assert found == Cost(lut=2 * luts, sites=2 * luts, carry=2 * carries)


def test_a_running_sum_takes_a_lut_a_bit_and_a_running_maximum_a_comparison_and_a_choice():
    assert Reduction.SUM.running_cost(Technology(), 6, 4) == Cost(lut=24, sites=24, carry=8)
    found = Reduction.MAX.running_cost(Technology(), 6, 4)
    assert found == no_less(Technology(), 6, 4) + Cost(lut=4 * (3 + 1), sites=4 * (3 + 1))


@pytest.mark.parametrize("text", ["u3", "s4", "u8"])
@pytest.mark.parametrize("terms", [2, 3, 4, 9])
def test_sums_of_the_ecp5_are_the_cells_that_are_placed(text, terms):
    """Chains; the first sums of few bits are gates, whose numbers are in neither."""
    dtype = DataType.parse(text)
    width = Reduction.SUM.dtype(dtype, terms).bits
    technology = Technology(Family.ECP5, Primitives.ECP5)

    def placed(build):
        module = Module()
        build(rows(module, RomFiles(Primitives.ECP5)))
        return len(Fragment.get(module, None).subfragments)

    values = [Signal(Shape(dtype.bits, dtype.signed)) for _ in range(terms)]
    found = Reduction.SUM.cost(technology, dtype, terms, width, 5)
    assert found.carry == 5 * placed(lambda row: Reduction.SUM.reduce(row, "sum", values, width))
    so_far, first = Signal(width), Signal()
    running = Reduction.SUM.running_cost(technology, width, 5)
    cells = placed(lambda row: Reduction.SUM.accumulate(row, "sum", values[0], so_far, first))
    assert running == Cost(lut=10 * cells, carry=5 * cells, sites=None)


def test_three_bits_of_the_ecp5_are_gates_in_a_running_maximum_alone():
    cells = Technology(Family.ECP5, Primitives.ECP5)
    gates = calibration()["components"]["larger"][cells.key]["lut"]["of_3"]
    assert Reduction.MAX.running_cost(cells, 3, 2).lut == pytest.approx(2 * gates)
    assert Reduction.MAX.cost(cells, DataType.parse("s3"), 2, 3, 1).lut == chain_luts(3) + 3
