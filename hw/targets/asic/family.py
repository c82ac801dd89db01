"""Standard cells as a target: gates, memories left to a memory compiler; nothing is estimated and nothing planned for it."""

from dataclasses import dataclass

from tritforge.hw.targets.target import Target

__all__ = ["LIBRARY_FILE", "Asic"]

LIBRARY_FILE = "cells.lib"
"""Name of the Liberty file for the commands."""


@dataclass(frozen=True)
class Asic(Target):
    """Operators alone. Initial values are dropped: an ASIC has none, and what needs one is reset."""

    cells: bool = False

    NAME  = "asic"
    TITLE = "standard cells"

    def synthesis(self, files, top, *, library=False):
        """With ``library`` to the cells of a Liberty file, else to CMOS gates."""
        mapping = ((f"dfflibmap -liberty {LIBRARY_FILE}", f"abc -liberty {LIBRARY_FILE}") if library
                   else ("dfflegalize -cell $_DFF_P_ x", "opt_clean", "abc -g cmos"))
        return (
            *(f'read_verilog -defer "{name}"' for name in files),
            f"hierarchy -check -top {top}",
            "proc -norom",                                                   # a choice among constants is logic
            "setattr -unset init w:*",
            "opt",
            "wreduce",
            "peepopt",
            "alumacc",
            "share",
            "opt_clean",
            "memory -nomap",                                                 # a memory stays one
            "opt -full",
            "techmap",
            "opt -fast",
            *mapping,
            "opt_clean",
            "write_json netlist.json",
        )
