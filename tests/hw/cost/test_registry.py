"""Which function states the cost of a unit."""

import inspect
import pkgutil
import re
from importlib import import_module

import pytest

from tritforge import hw
from tritforge.hw.cost import registry
from tritforge.hw.cost.registry import cost, cost_of
from tritforge.hw.cost.technology import UNKNOWN, Cost, Technology
from tritforge.hw.stream.unit import Unit


class Made:
    """A unit of no package of ours."""


class Special(Made):
    """One with a base class."""


@pytest.fixture(autouse=True)
def forget():
    yield
    for kind in (Made, Special):
        registry._COSTS.pop(kind, None)


def test_a_unit_without_a_function_is_unknown_and_never_0():
    assert cost(Made(), Technology()) == UNKNOWN
    assert cost(Made(), Technology()).lut is None


def test_the_nearest_class_counts():
    cost_of(Made)(lambda unit, technology: Cost(lut=1))
    assert cost(Special(), Technology()) == Cost(lut=1)
    cost_of(Special)(lambda unit, technology: Cost(lut=2))
    assert (cost(Made(), Technology()), cost(Special(), Technology())) == (Cost(lut=1), Cost(lut=2))


def test_a_class_has_one_function():
    @cost_of(Made)
    def one(unit, technology):
        return Cost()

    def another(unit, technology):
        return Cost()

    message = re.escape("Made must have one cost function, not one and another")
    with pytest.raises(ValueError, match=message):
        cost_of(Made)(another)


def test_every_unit_has_a_cost():
    """A new unit whose cost is forgotten is found here, not by an estimate that lacks a number."""
    for module in pkgutil.walk_packages(hw.__path__, f"{hw.__name__}."):
        import_module(module.name)
    units, found = [Unit], []
    while units:
        unit = units.pop()
        units += unit.__subclasses__()
        if unit.__module__.startswith("tritforge.hw.") and not inspect.isabstract(unit):
            found.append(unit)
            assert any(kind in registry._COSTS for kind in unit.__mro__), unit
    assert len(found) > 20
