"""Which function states the cost of a unit."""

import inspect

import pytest

from tests.targets import XC7
from tritforge.hw.cost import registry
from tritforge.hw.cost.registry import cost, cost_of
from tritforge.hw.stream.unit import Unit
from tritforge.hw.targets.cost import UNKNOWN, Cost


class Made:
    """A unit of no package of ours."""


class Special(Made):
    """One with a base class."""


@pytest.fixture(autouse=True)
def forget():
    yield
    for kind in (Made, Special):
        registry._COSTS._entries.pop(kind, None)


def test_a_unit_without_a_function_is_unknown_and_never_0():
    assert cost(Made(), XC7) == UNKNOWN
    assert cost(Made(), XC7).lut is None


def test_the_nearest_class_counts():
    cost_of(Made)(lambda unit, technology: Cost(lut=1))
    assert cost(Special(), XC7) == Cost(lut=1)
    cost_of(Special)(lambda unit, technology: Cost(lut=2))
    assert (cost(Made(), XC7), cost(Special(), XC7)) == (Cost(lut=1), Cost(lut=2))


def test_a_class_has_one_function():
    cost_of(Made)(lambda unit, technology: Cost())
    with pytest.raises(ValueError, match="cost 'Made' is registered twice"):
        cost_of(Made)(lambda unit, technology: Cost(lut=1))


def test_every_unit_has_a_cost():
    """A new unit whose cost is forgotten is found here, not by an estimate that lacks a number."""
    len(registry._COSTS)  # imports every module of hw
    units, found = [Unit], []
    while units:
        unit = units.pop()
        units += unit.__subclasses__()
        if unit.__module__.startswith("tritforge.hw.") and not inspect.isabstract(unit):
            found.append(unit)
            assert any(kind in registry._COSTS for kind in unit.__mro__), unit
    assert len(found) > 20
