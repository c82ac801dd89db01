"""Commands for standard cells."""

from __future__ import annotations

from tritforge.hw.targets.asic.family import Asic


def test_gates_or_the_cells_of_a_library() -> None:
    gates, cells = (Asic().synthesis(["a.v"], "top", library=library) for library in (False, True))
    assert gates[0] == cells[0] == 'read_verilog -defer "a.v"'
    assert "abc -g cmos" in gates
    assert "abc -liberty cells.lib" in cells
    assert gates[-1] == cells[-1] == "write_json netlist.json"
