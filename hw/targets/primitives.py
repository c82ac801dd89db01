"""What rows of additions are made of: operators, or cells of a device."""

from enum import Enum

__all__ = ["Modelled", "Primitives"]


class Primitives(Enum):
    """What rows of additions are made of."""

    GENERIC = "generic"
    """Operators, for every device and for ASICs."""

    XILINX7 = "xilinx7"
    """Cells of the 7 series, for UltraScale+ too (tritforge.hw.targets.seven_series)."""

    ECP5 = "ecp5"
    """Cells of the ECP5 (tritforge.hw.targets.ecp5)."""


class Modelled:
    """Elaboration platform for Amaranth's simulator: rows made of cells, and each cell of its behaviour."""

    def __init__(self, primitives=Primitives.XILINX7):
        self.primitives = primitives
