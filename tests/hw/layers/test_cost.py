"""What layers without weights cost."""

import numpy as np
import pytest
from amaranth import *
from amaranth.hdl import Fragment

from tests.targets import ECP5, XC7
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import TensorType
from tritforge.hw.cost.registry import cost
from tritforge.hw.layers.cost import reduction_cost, running_reduction_cost, unread_address_bits
from tritforge.hw.layers.reduction import Reduction
from tritforge.hw.layers.window import SlidingWindowUnit
from tritforge.hw.stream.rom import RomFiles
from tritforge.hw.targets.cost import Cost
from tritforge.hw.targets.ecp5.luts import chain_luts
from tritforge.hw.targets.rows import rows
from tritforge.hw.targets.target import calibration


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
    found = reduction_cost(Reduction.SUM, XC7, DataType.parse(text), terms, width, 2)
    assert found == Cost(lut=2 * luts, sites=2 * luts, carry=2 * carries)


def test_a_running_sum_takes_a_lut_a_bit_and_a_running_maximum_a_comparison_and_a_choice():
    assert running_reduction_cost(Reduction.SUM, XC7, 6, 4) == Cost(lut=24, sites=24, carry=8)
    found = running_reduction_cost(Reduction.MAX, XC7, 6, 4)
    assert found == XC7.comparators(6, 4) + Cost(lut=4 * (3 + 1), sites=4 * (3 + 1))


@pytest.mark.parametrize("text", ["u3", "s4", "u8"])
@pytest.mark.parametrize("terms", [2, 3, 4, 9])
def test_sums_of_the_ecp5_are_the_cells_that_are_placed(text, terms):
    """Chains; the first sums of few bits are gates, whose numbers are in neither."""
    dtype = DataType.parse(text)
    width = Reduction.SUM.dtype(dtype, terms).bits
    technology = ECP5

    def placed(build):
        module = Module()
        build(rows(module, RomFiles(ECP5)))
        return len(Fragment.get(module, None).subfragments)

    values = [Signal(Shape(dtype.bits, dtype.signed)) for _ in range(terms)]
    found = reduction_cost(Reduction.SUM, technology, dtype, terms, width, 5)
    assert found.carry == 5 * placed(lambda row: Reduction.SUM.reduce(row, "sum", values, width))
    so_far, first = Signal(width), Signal()
    running = running_reduction_cost(Reduction.SUM, technology, width, 5)
    cells = placed(lambda row: Reduction.SUM.accumulate(row, "sum", values[0], so_far, first))
    assert running == Cost(lut=10 * cells, carry=5 * cells, sites=None)


def test_three_bits_of_the_ecp5_are_gates_in_a_running_maximum_alone():
    cells = ECP5
    gates = calibration()["components"]["larger"][cells.key]["lut"]["of_3"]
    assert running_reduction_cost(Reduction.MAX, cells, 3, 2).lut == pytest.approx(2 * gates)
    assert (
        reduction_cost(Reduction.MAX, cells, DataType.parse("s3"), 2, 3, 1).lut == chain_luts(3) + 3
    )


@pytest.mark.parametrize(
    ("tensor", "kernel", "stride", "flip_flops"),
    [
        ((7, 4, 16, "s3"), (1, 1), (2, 2), 34),
        ((7, 11, 16, "u4"), (1, 1), (2, 2), 44),
        ((11, 2, 1, "t"), (1, 1), (2, 2), 16),
        ((10, 9, 1, "s2"), (3, 3), (2, 2), 38),
        ((11, 7, 16, "t"), (2, 2), (1, 1), 46),
        ((8, 9, 1, "t"), (3, 3), (1, 1), 41),
    ],
)
def test_flip_flops_are_those_of_counted_netlists(tensor, kernel, stride, flip_flops):
    """7 series, Yosys 0.70: low bits of what moves by more than one vanish, and a row that is the
    oldest."""
    *shape, dtype = tensor
    unit = SlidingWindowUnit(
        name="window", tensor=TensorType(*shape, DataType.parse(dtype)), kernel=kernel, stride=stride,
        padding=(0, 0), lanes=1,
    )  # fmt: skip
    assert cost(unit, XC7).ff == flip_flops


@pytest.mark.parametrize(
    ("size", "channels", "kernel", "stride", "unread"),
    [
        (
            (8, 8),
            4,
            (1, 1),
            (2, 2),
            0b0100100,
        ),  # every other pixel of four beats, every other row of 32
        ((7, 8), 4, (1, 1), (2, 2), 0b0000100),  # the next frame begins on the other rows
        ((8, 8), 4, (3, 1), (2, 4), 0b0001100),
        ((8, 6), 4, (1, 3), (2, 1), 0),  # a row of 24 beats reaches into bits of the next
        ((8, 8), 3, (1, 1), (1, 2), 0),
        ((8, 8), 4, (3, 3), (2, 2), 0),
        ((4, 1), 2, (1, 1), (2, 1), 0b010),
    ],
)
def test_bits_of_the_read_address_that_are_always_0(size, channels, kernel, stride, unread):
    unit = SlidingWindowUnit(
        name="window",
        tensor=TensorType(*size, channels, DataType.parse("u2")),
        kernel=kernel,
        stride=stride,
        padding=(0, 0),
        lanes=1,
    )
    assert unread_address_bits(unit) == unread
    height, width = unit.output_size
    used = 0
    for oldest in (frame * size[0] + oy * stride[0] for frame in range(9) for oy in range(height)):
        for ky, ox in np.ndindex(kernel[0], width):
            first = (oldest + ky) % unit.rows * unit.row_beats + ox * stride[1] * unit.pixel_beats
            for beat in range(kernel[1] * unit.pixel_beats):
                used |= first + beat
    assert used & unread == 0
