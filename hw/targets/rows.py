"""Which adder rows and comparators an elaboration platform has."""

from amaranth import Module

from tritforge.hw.targets.operators import Operators

__all__ = ["rows"]


def rows(m: Module, platform: object) -> Operators:
    """Return the factory of rows in the module ``m``: operators, or the cells of the target.

    ``platform`` : None, or an elaboration platform with a ``target``.
    """
    target = getattr(platform, "target", None)
    return Operators() if target is None else target.arithmetic(m, platform)
