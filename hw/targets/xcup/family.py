"""UltraScale+ as a target."""

from tritforge.hw.targets.memory import LutMemory, MemoryRules
from tritforge.hw.targets.xc7.family import Xc7
from tritforge.hw.targets.xc7.luts import mux_luts

__all__ = ["Xcup"]


class Xcup(Xc7):
    """Cells and blocks of the 7 series, for synthesis its CARRY8 is two CARRY4; eight LUTs a memory, at 16.

    Source: Yosys 0.70, share/xilinx/lutrams_xcu.txt.
    """

    NAME       = "xcup"
    TITLE      = "UltraScale+"
    BLOCK_LUTS = 321                                                         # XCVU13P: 1,728,000 LUT, 5,376 blocks
    MEMORY     = MemoryRules(
        two_ports = (LutMemory(32, 14, 0, 16, 8), LutMemory(64, 7, 0, 16, 8)),                            # RAM32M16, RAM64M8
        one_port  = (LutMemory(32, 16, 0, 16, 8), LutMemory(64, 8, 0, 16, 1, True),                       # RAM32M16, RAM64X1S
                     LutMemory(128, 4, 0, 16, 2, True), LutMemory(256, 2, 0, 16, 4, True)),               # and larger
        blocks    = ((129, 1), (257, 2)),
        choice    = mux_luts,
        deepest   = 256,
    )
