"""Standard cells as a target: gates. Memories are left to a memory compiler.

There are no costs, so no design is planned or estimated for it. Source: Yosys 0.70, ``synth`` and
``abc -g cmos``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tritforge.hw.targets.target import Target

__all__ = ["LIBRARY_FILE", "Asic"]

LIBRARY_FILE = "cells.lib"
"""Name of the Liberty file for the commands."""


@dataclass(frozen=True)
class Asic(Target):
    """Operators only. An ASIC has no initial values, so synthesis drops them; resets serve instead.
    """

    cells: bool = False

    NAME  = "asic"
    TITLE = "standard cells"

    def synthesis(self, files: Sequence[str], top: str, *,
                  library: bool = False) -> tuple[str, ...]:
        """Commands of Yosys that map ``files`` to CMOS gates and write netlist.json.

        ``library`` : whether to map to the cells of the Liberty file ``LIBRARY_FILE`` instead.
        """
        mapping = ((f"dfflibmap -liberty {LIBRARY_FILE}", f"abc -liberty {LIBRARY_FILE}") if library
                   else ("dfflegalize -cell $_DFF_P_ x", "opt_clean", "abc -g cmos"))
        return (
            *(f'read_verilog -defer "{name}"' for name in files),
            f"hierarchy -check -top {top}",
            "proc -norom",                          # a multiplexer of constants is logic, not a ROM
            "setattr -unset init w:*",
            "opt",
            "wreduce",
            "peepopt",
            "alumacc",
            "share",
            "opt_clean",
            "memory -nomap",                        # a memory stays one cell
            "opt -full",
            "techmap",
            "opt -fast",
            *mapping,
            "opt_clean",
            "write_json netlist.json",
        )
