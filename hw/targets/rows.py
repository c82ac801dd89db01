"""Which adder rows and comparators an elaboration platform has.

All have the interface of :class:`tritforge.hw.targets.operators.Operators`.
"""

from typing import Any

from amaranth import Module

from tritforge.hw.targets.operators import Operators

__all__ = ["rows"]


def rows(m: Module, platform: object) -> Any:
    """Return the factory of rows in the module ``m``: operators, or the cells of the target.

    ``platform`` : None, or an elaboration platform with a ``target``.
    """
    target = getattr(platform, "target", None)
    return Operators() if target is None else target.arithmetic(m, platform)
