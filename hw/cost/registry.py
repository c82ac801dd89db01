"""The cost of a unit: a function beside it, found by the unit's class.

The functions for the units of a package stand in its module ``cost``, which is imported at the first
question: a new package needs no entry in a list.
"""

from functools import cache
from importlib import import_module
from importlib.util import find_spec

from tritforge.hw.cost.technology import UNKNOWN

__all__ = ["cost", "cost_of"]

_COSTS = {}
"""The function of each class, (unit, technology) -> Cost."""


def cost_of(kind):
    """Register the decorated function, (unit, technology) -> Cost, for ``kind`` and its subclasses.

    Raises
    ------
    ValueError : ``kind`` has a function already.
    """
    def register(function):
        if kind in _COSTS:
            raise ValueError(f"{kind.__name__} must have one cost function, "
                             f"not {_COSTS[kind].__name__} and {function.__name__}")
        _COSTS[kind] = function
        return function

    return register


def cost(unit, technology):
    """Estimate what ``unit`` costs in ``technology``; UNKNOWN where no function says.

    The function of the class itself counts, else that of its nearest base class.
    """
    for kind in type(unit).__mro__:
        _import_costs(kind.__module__.rpartition(".")[0])
        if kind in _COSTS:
            return _COSTS[kind](unit, technology)
    return UNKNOWN


@cache
def _import_costs(package):
    """Import the module ``cost`` of a package of ours, if there is one."""
    name = f"{package}.cost"
    if package.startswith("tritforge.hw.") and find_spec(name) is not None:
        import_module(name)
