"""A made-up price of every unit, so that the search is tested without the estimator."""

from __future__ import annotations

from tests.targets import XC7
from tritforge.reports.explore.candidates import FREE, Price


def made_up(stage):
    """Wide streams cost LUTs, many beats memory; a little of the name, so that no two units are
    alike."""
    total = FREE
    for unit in stage.all_units:
        lanes = unit.inputs[0].lanes
        lut = 3 * lanes + 5 * unit.o.lanes + sum(map(ord, unit.name)) % 7
        lut += 4 * getattr(unit, "pe", 1) * getattr(unit, "simd", 1)
        bram = unit.frame_beats // 16 + (lanes > 4)
        total = total.plus(Price(lut, bram, unit.o.lanes // 6, lut // 2 + lanes))
    return total


class MadeUp:
    """The same as what ``tritforge.steps.explore`` is given."""

    stage = staticmethod(made_up)
    target = XC7

    @staticmethod
    def plan(plan):
        """The stages alone."""
        total = FREE
        for stage in plan.stages:
            total = total.plus(made_up(stage))
        return total
