"""The cost of a unit: a function beside it, found by the unit's class."""

from collections.abc import Callable
from typing import Any

from tritforge.hw.targets.cost import UNKNOWN, Cost
from tritforge.hw.targets.target import Target
from tritforge.registry import Registry

__all__ = ["cost", "cost_of"]

_COSTS: Registry[type, Callable[[Any, Target], Cost]] = Registry("cost", "tritforge.hw")

cost_of = _COSTS.register
"""Register the decorated function, (unit, target) -> Cost, for a class and its subclasses."""


def cost(unit: object, target: Target) -> Cost:
    """Estimate what ``unit`` costs in ``target``; UNKNOWN where no function says.

    The function of the class itself counts, else that of its nearest base class.
    """
    for kind in type(unit).__mro__:
        if kind in _COSTS:
            return _COSTS[kind](unit, target)
    return UNKNOWN
