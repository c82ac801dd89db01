from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.targets import ECP5, XC7
from tritforge.reports.synth.resources import COUNTED, NetlistError, Resources, count, total


@pytest.mark.parametrize(
    ("cell", "cost"),
    [
        *((f"LUT{inputs}", Resources(lut=1)) for inputs in range(1, 7)),
        ("LUT6_2", Resources(lut=1)),
        ("INV", Resources(inv=1)),
        ("RAM32M", Resources(lutram=4)),
        ("RAM64M", Resources(lutram=4)),
        ("RAM64X1S", Resources(lutram=1)),
        ("RAM64X1D", Resources(lutram=2)),
        ("RAM128X1D", Resources(lutram=4)),
        ("RAM256X1S", Resources(lutram=4)),
        ("SRL16E", Resources(srl=1)),
        ("SRLC32E", Resources(srl=1)),
        ("FDRE", Resources(ff=1)),
        ("FDPE_1", Resources(ff=1)),
        ("LDCE", Resources(ff=1)),
        ("CARRY4", Resources(carry=1)),
        ("MUXF7", Resources(muxf=1)),
        ("MUXF8", Resources(muxf=1)),
        ("RAMB18E1", Resources(bram18=1)),
        ("RAMB36E1", Resources(bram36=1)),
        ("DSP48E1", Resources(dsp=1)),
    ],
)
def test_cost_of_a_cell(cell, cost):
    assert count({cell: 1}, XC7, "module m") == cost


def test_count_multiplies_and_adds():
    found = count(
        {"LUT3": 4, "LUT6_2": 2, "INV": 1, "RAM32M": 3, "FDRE": 9, "SRL16E": 5}, XC7, "module m"
    )
    assert found == Resources(lut=6, inv=1, lutram=12, ff=9, srl=5)
    assert found.lut_total == 6 + 1 + 12 + 5


def test_cells_of_the_ecp5_in_luts():
    """LUT4, two for a CCU2C, four for a memory of 16 x 4."""
    cells = {"LUT4": 10, "CCU2C": 3, "TRELLIS_DPR16X4": 2, "TRELLIS_FF": 7, "DP16KD": 1}
    found = count(cells, ECP5, "module m")
    assert found == Resources(lut=16, carry=3, lutram=8, ff=7, bram18=1)


def test_two_small_block_rams_are_one_large():
    assert Resources(bram18=3, bram36=2).bram36_total == 3.5


def test_an_unmapped_cell_is_refused():
    message = r"^module m: 2 x \$mux not mapped to the device; synthesis did not finish$"
    with pytest.raises(NetlistError, match=message):
        count({"LUT2": 1, "$mux": 2}, XC7, "module m")


def test_an_unknown_cell_is_refused():
    message = r"^module m: 1 x URAM288, which is no cell of 7 series with a known cost$"
    with pytest.raises(NetlistError, match=message):
        count({"URAM288": 1}, XC7, "module m")


def test_an_unknown_estimate_stays_unknown_in_a_sum():
    known, unknown = Resources(lut=2, lut_sites=1), Resources(lut=3)
    assert total([known, known]).lut_sites == 2
    assert total([known, unknown]) == Resources(lut=5, lut_sites=None)
    assert (unknown * 4).lut_sites is None
    assert total([]) == Resources(lut_sites=0)


@given(
    st.lists(
        st.dictionaries(st.sampled_from(sorted(XC7.NETLIST_CELLS)), st.integers(0, 99)), max_size=4
    )
)
def test_counting_together_or_apart_is_the_same(modules):
    together: dict[str, int] = {}
    for cells in modules:
        for cell, number in cells.items():
            together[cell] = together.get(cell, 0) + number
    apart = total(count(cells, XC7, "m") for cells in modules)
    whole = count(together, XC7, "m")
    assert {name: getattr(apart, name) for name in COUNTED} == {
        name: getattr(whole, name) for name in COUNTED
    }
