"""Which rows of additions and comparisons a platform has; all have the interface of :class:`tritforge.hw.targets.operators.Operators`."""

from tritforge.hw.targets.operators import Operators

__all__ = ["rows"]


def rows(m, platform):
    """What adds rows to the module ``m`` on this platform: operators, or the cells of its target."""
    target = getattr(platform, "target", None)
    return Operators() if target is None else target.arithmetic(m, platform)
