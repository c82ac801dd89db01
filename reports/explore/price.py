"""Prices for the search, by the estimator: of a stage, and of a whole plan."""

from __future__ import annotations

from dataclasses import dataclass

from tritforge.hw.cost.registry import cost
from tritforge.hw.pipeline.plan import Plan
from tritforge.hw.pipeline.stage import Stage
from tritforge.hw.targets.cost import Cost, total
from tritforge.hw.targets.target import Target
from tritforge.reports.estimate.estimate import estimate
from tritforge.reports.explore.candidates import Price

__all__ = ["Pricing"]


@dataclass(frozen=True)
class Pricing:
    """Prices of one target."""

    target: Target

    def stage(self, stage: Stage) -> Price | None:
        """The price of the units of ``stage``; None where one of them has none."""
        return _price(total(cost(unit, self.target) for unit in stage.all_units))

    def plan(self, plan: Plan) -> Price | None:
        """The price of the whole design: stages with their FIFOs, forks, and the AXI wrapper."""
        return _price(estimate(plan).total)


def _price(total_cost: Cost) -> Price | None:
    lut = total_cost.lut_total
    if lut is None or total_cost.bram18 is None or total_cost.dsp is None or total_cost.ff is None:
        return None
    return Price(lut=lut, bram18=total_cost.bram18, dsp=total_cost.dsp, ff=total_cost.ff)
