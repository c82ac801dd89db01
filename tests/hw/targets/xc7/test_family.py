"""The 7 series: cells of a netlist, and the commands of synthesis."""

from __future__ import annotations

from tests.targets import GENERIC, XC7
from tritforge.hw.targets.cost import Cost


def test_memories_in_lut_sites() -> None:
    sites = [XC7.NETLIST_CELLS[cell]["lutram"] for cell in ("RAM64X1S", "RAM32M", "RAM64M8")]
    assert sites == [1, 4, 8]


def test_the_hierarchy_is_kept() -> None:
    commands = XC7.synthesis(["a.v", "b.v"], "top")
    assert commands[2] == "synth_xilinx -family xc7 -top top -noiopad -noclkbuf"


def test_the_models_of_a_netlist_are_there() -> None:
    assert all(path.is_file() for path in XC7.netlist_models())
    assert "module LUT6_2" in XC7.cell_models()


def test_rows_of_cells() -> None:
    """Two products of eight bits; three numbers of nine bits, one column more."""
    assert XC7.products(8) == Cost(lut=8, sites=8, carry=2)
    assert XC7.sum([9, 9, 9], 11) == Cost(lut=10, sites=10, carry=3)
    assert XC7.keeps_idle
    assert not GENERIC.keeps_idle
