"""How many cells of the 7 series a row takes; what rows compute is in
tests/hw/targets/test_rows.py."""

from amaranth import *
from amaranth.hdl import Fragment

from tests.targets import XC7
from tritforge.hw.stream.rom import RomFiles
from tritforge.hw.targets.xc7.cells import SevenSeries


def test_a_bit_costs_one_lut():
    """Two products of 8 bits: 8 LUT6_2 and 2 CARRY4; a sum of three of 9 bits: one LUT more than
    bits."""

    def cells(build):
        module = Module()
        build(SevenSeries(module, RomFiles(XC7)))
        return [cell.type for cell, *_ in Fragment.get(module, None).subfragments]

    lane = (Signal(8), Signal(2))
    assert (
        sorted(cells(lambda row: row.products("row", [lane, lane])))
        == ["CARRY4"] * 2 + ["LUT6_2"] * 8
    )
    nines = [Signal(9)] * 3
    assert sorted(cells(lambda row: row.add("row", nines, 11))) == ["CARRY4"] * 3 + ["LUT6_2"] * 10
    assert (
        sorted(cells(lambda row: row.add("row", nines[:2], 10))) == ["CARRY4"] * 3 + ["LUT6_2"] * 9
    )


def test_two_bits_of_a_comparison_cost_one_lut():
    module = Module()
    SevenSeries(module, RomFiles(XC7)).at_least("row", Signal(16), Signal(16))
    cells = [cell.type for cell, *_ in Fragment.get(module, None).subfragments]
    assert sorted(cells) == ["CARRY4"] * 2 + ["LUT6_2"] * 8
