"""UltraScale+: what differs from the 7 series."""

from __future__ import annotations

from tests.targets import XC7
from tritforge.hw.targets.xcup.family import Xcup


def test_logic_and_netlists_are_those_of_the_7_series() -> None:
    assert Xcup().key == XC7.key
    assert Xcup().netlist_models() == XC7.netlist_models()
    assert Xcup().synthesis(["a.v"], "top")[1].startswith("synth_xilinx -family xcup ")
    assert Xcup().MEMORY != XC7.MEMORY
