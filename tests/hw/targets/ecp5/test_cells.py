"""Cells of the ECP5 that a row takes, and which carry goes where; tests/hw/targets/test_rows.py has
the rest."""

import itertools

import pytest
from amaranth import *
from amaranth.hdl import Fragment

from tests.targets import ECP5
from tritforge.hw.matrix.bit_heap import HeapRow, RowKind
from tritforge.hw.stream.rom import RomFiles
from tritforge.hw.targets.ecp5.cells import LONGEST, Ecp5Cells
from tritforge.hw.targets.ecp5.luts import (
    MAX_GATE_CASCADED_COMPARE_BITS,
    MAX_GATE_COMPARE_BITS,
    chain_luts,
    product_luts,
    row_luts,
    sum_luts,
)


def cells(build):
    """The cells by name that ``build(rows)`` places: (LUT4, CCU2C)."""
    module = Module()
    build(Ecp5Cells(module, RomFiles(ECP5)))
    found = [cell.type for cell, *_ in Fragment.get(module, None).subfragments]
    assert set(found) <= {"LUT4", "CCU2C"}
    return found.count("LUT4"), found.count("CCU2C")


@pytest.mark.parametrize("bits", range(2, 10))
def test_products(bits):
    lane = (Signal(bits), Signal(2))
    gates, chains = product_luts(bits)
    assert cells(lambda row: row.products("row", [lane, lane])) == (0, chains // 2)
    assert gates == bits
    assert chains == bits + 2 - bits % 2


@pytest.mark.parametrize("bits", [(1, 1), (3, 3), (3, 5), (4, 4), (4, 4, 4), (3, 5, 9)])
@pytest.mark.parametrize("width", [4, 7, 12])
def test_sums(bits, width):
    terms = [Signal(number) for number in bits]
    assert cells(lambda row: row.add("row", terms, width)) == (0, sum_luts(bits, width)[1] // 2)
    so_far = Signal(width)
    found = cells(lambda row: row.add("row", terms, width, so_far=so_far, clear=Signal()))
    assert found == (0, sum_luts(bits, width, width)[1] // 2)


def test_what_a_sum_takes():
    """Gates up to four bits in all; a chain of three bits and the carry; three numbers are two
    chains."""
    assert sum_luts([2, 2], 3) == (3, 0)
    assert sum_luts([3, 3], 4) == (0, 4)
    assert sum_luts([4, 4], 4) == (0, 4)
    assert sum_luts([4, 4], 5) == (0, 6)
    assert sum_luts([4, 4, 4], 6) == (0, 6 + 6)
    assert sum_luts([1], 2, 2) == (0, 2)


@pytest.mark.parametrize("bits", range(1, 12))
@pytest.mark.parametrize("given", [False, True])
def test_comparisons(bits, given):
    """Gates up to three bits for the only one in a cycle, as its bit says, else up to two; then a
    chain."""
    numbers = Signal(bits), Signal(bits)
    rest = [Signal()] if given else []
    chain = (
        chain_luts(bits + given)
        if bits > (MAX_GATE_COMPARE_BITS if given else MAX_GATE_CASCADED_COMPARE_BITS)
        else 0
    )
    assert cells(lambda row: row.no_less("row", *numbers, *rest)) == (0, chain // 2)


@pytest.mark.parametrize("top", [False, True])
def test_rows_of_a_heap(top):
    for counts in [(2,), (3,), *itertools.product((1, 2, 3), (1, 2, 3), (2, 3))]:
        heap = [[(Signal(), False)] * count for count in counts]
        gates, chains = row_luts(counts, top)
        found = cells(lambda row, heap=heap: row.ternary_row("row", heap, top=top))
        if len(counts) == 1:
            assert found == (gates, chains) == (2 - top, 0)
            continue
        assert found == (0, chains // 2)
        carries = HeapRow(RowKind.TERNARY, 0, 0, counts, top).carries
        assert gates == (not top and carries < max(counts) - 1)


def chains(build):
    """The carry chains that ``build(rows)`` makes, each a list of cells."""
    module = Module()
    build(Ecp5Cells(module, RomFiles(ECP5)))
    found = {}
    for cell, *_ in Fragment.get(module, None).subfragments:
        if cell.type == "CCU2C":
            carry, out = cell.ports["CIN"][0], cell.ports["COUT"][0]
            found[id(out)] = [*found.pop(id(carry), []), cell]
    return list(found.values())


def test_chains_stand_one_behind_the_other():
    """Up to ``LONGEST`` bits; one without a bit to spare ends the chain, for what leaves it is a
    carry."""

    def fives(row):
        for number in range(2 * (LONGEST // 6)):
            row.add(f"row_{number}", [Signal(5), Signal(5)], 6)

    assert [2 * len(chain) for chain in chains(fives)] == [6 * (LONGEST // 6)] * 2

    def modulo(row):
        for number in range(3):
            row.add(f"row_{number}", [Signal(4), Signal(4)], 4)

    assert [len(chain) for chain in chains(modulo)] == [2, 2, 2]
