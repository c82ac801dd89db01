"""The command line that joins training, lowering, hardware, simulation and reports."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
