"""The routers of nextpnr-ecp5; apart, so that the command line lists them without imports."""

from __future__ import annotations

__all__ = ["ROUTERS"]

ROUTERS = ("router2", "router1")
"""The first routes all nets at once and then removes conflicts. It takes two to eight minutes for
LeNet-5, and with some seeds of the placer it does not end. The second routes net by net: it did not
end within an hour there, but on a small design it may reach a higher frequency."""
