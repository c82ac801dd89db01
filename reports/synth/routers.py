"""The routers of nextpnr-ecp5, by name; apart, so that the command line lists them without imports."""

from __future__ import annotations

__all__ = ["ROUTERS"]

ROUTERS = ("router2", "router1")
"""nextpnr's. The first routes all nets at once and then sends away what is in the way; it needs two minutes
to eight minutes for LeNet-5, and with some seeds of the placer it finds no end. The second goes net by net:
within an hour it came to no end there, but on a small design it may reach a higher frequency."""
