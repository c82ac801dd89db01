"""Parts and routers of nextpnr; apart, so that the command line lists them without imports."""

from __future__ import annotations

from tritforge.hw.targets.registry import TARGETS

__all__ = ["PLACED_PARTS", "ROUTERS"]

PLACED_PARTS = {
    part: option for target in TARGETS.values() for part, option in target.PLACED_PARTS.items()
}
"""Option and package of every part that can be placed and routed."""

ROUTERS = ("router2", "router1")
"""The first routes all nets at once and then removes conflicts. It takes two to eight minutes for
LeNet-5, and with some seeds of the placer it does not end. The second routes net by net: it did not
end within an hour there, but on a small design it may reach a higher frequency."""
