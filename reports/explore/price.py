"""The estimator as the search sees it: the price of a stage, and of a whole plan with what joins them."""

from __future__ import annotations

from dataclasses import dataclass

from tritforge.hw.cost.registry import cost
from tritforge.hw.cost.technology import Cost, Technology, total
from tritforge.hw.pipeline.plan import Plan
from tritforge.hw.pipeline.stage import Stage
from tritforge.hw.targets.primitives import Primitives
from tritforge.reports.devices import Device
from tritforge.reports.estimate.estimate import estimate, technology_of
from tritforge.reports.explore.candidates import Price

__all__ = ["Pricing"]


@dataclass(frozen=True)
class Pricing:
    """Prices of one technology (``tritforge.hw.cost.technology.Technology``)."""

    technology: Technology

    @classmethod
    def of(cls, device: Device, primitives: Primitives) -> Pricing | None:
        """The prices of ``device``'s family, None if it has none; ECP5 has no cells of its own."""
        technology = technology_of(device, primitives)
        return None if technology is None else cls(technology)

    def stage(self, stage: Stage) -> Price | None:
        """The price of the units of ``stage``; None where one of them has none."""
        return _price(total(cost(unit, self.technology) for unit in stage.all_units))

    def plan(self, plan: Plan) -> Price | None:
        """The price of the whole design: stages with their FIFOs, forks, and the AXI ends."""
        return _price(estimate(plan, self.technology).total)


def _price(total_cost: Cost) -> Price | None:
    lut = total_cost.lut_total
    if lut is None or total_cost.bram18 is None or total_cost.dsp is None or total_cost.ff is None:
        return None
    return Price(lut=lut, bram18=total_cost.bram18, dsp=total_cost.dsp, ff=total_cost.ff)
