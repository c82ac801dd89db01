"""Targets that tests build for."""

from __future__ import annotations

from tritforge.hw.targets.ecp5.family import Ecp5
from tritforge.hw.targets.xc7.family import Xc7

GENERIC = Xc7(cells=False)
"""The 7 series, of operators."""

XC7 = Xc7()
ECP5 = Ecp5()

FORMS = {"generic": GENERIC, "xc7": XC7, "ecp5": ECP5}
"""What rows of additions can be made of, by the name that a test shows."""
