"""UltraScale+ as a target: the LUTs, carry chains and blocks of the 7 series, and larger LUT RAM.

Sources: UG574, "UltraScale Architecture Configurable Logic Block"; Yosys 0.70, synth_xilinx.
"""

from tritforge.hw.targets.memory import LutMemory, MemoryRules
from tritforge.hw.targets.xc7.family import Xc7
from tritforge.hw.targets.xc7.luts import mux_luts

__all__ = ["Xcup"]


class Xcup(Xc7):
    """The cells and blocks of the 7 series; synthesis maps to two CARRY4 for a CARRY8.

    A LUT RAM is eight LUTs, which cost 16 in memory_libmap, less where bits of a word are unused.
    Source: Yosys 0.70, share/xilinx/lutrams_xcu.txt.
    """

    NAME       = "xcup"
    TITLE      = "UltraScale+"
    BLOCK_LUTS = 321                                          # XCVU13P: 1,728,000 LUT, 5,376 blocks
    MEMORY     = MemoryRules(
        two_ports = (LutMemory(32, 14, 0, 16, 8),                        # RAM32M16
                     LutMemory(64, 7, 0, 16, 8)),                        # RAM64M8
        one_port  = (LutMemory(32, 16, 0, 16, 8),                        # RAM32M16
                     LutMemory(64, 8, 0, 16, 1, True),                   # RAM64X1S
                     LutMemory(128, 4, 0, 16, 2, True),                  # RAM128X1S
                     LutMemory(256, 2, 0, 16, 4, True)),                 # RAM256X1S
        blocks    = ((129, 1), (257, 2)),
        choice    = mux_luts,
        deepest   = 256,
    )
