"""Every target by name: a family takes one line here, and its package beside this file.

Neither Amaranth nor numpy is imported, so that the command line can list the targets at once.
"""

from tritforge.hw.targets.asic.family import Asic
from tritforge.hw.targets.ecp5.family import Ecp5
from tritforge.hw.targets.target import Target
from tritforge.hw.targets.xc7.family import Xc7
from tritforge.hw.targets.xcup.family import Xcup

__all__ = ["FAMILIES", "TARGETS"]

TARGETS: dict[str, type[Target]] = {target.NAME: target for target in (Xc7, Xcup, Ecp5, Asic)}

FAMILIES = tuple(name for name, target in TARGETS.items() if target.LIBRARY is not None)
"""Of FPGAs: a design can be planned, estimated and built for them."""
