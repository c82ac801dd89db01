"""Which rows of additions and comparisons a platform has; all have the interface of :class:`tritforge.hw.targets.operators.Operators`."""

from tritforge.hw.targets.ecp5 import Ecp5
from tritforge.hw.targets.operators import Operators
from tritforge.hw.targets.primitives import Primitives
from tritforge.hw.targets.seven_series import SevenSeries

__all__ = ["rows"]


def rows(m, platform):
    """What adds rows to the module ``m`` on this platform: operators, or the cells of a family."""
    wanted = getattr(platform, "primitives", Primitives.GENERIC)
    if wanted is Primitives.XILINX7:
        return SevenSeries(m, platform)
    return Ecp5(m, platform) if wanted is Primitives.ECP5 else Operators()
