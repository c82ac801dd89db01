from __future__ import annotations

from tests.hw.networks import FOLDINGS, convolutional
from tests.targets import XC7
from tritforge.hw.cost.registry import _COSTS, cost
from tritforge.hw.pipeline.plan import plan
from tritforge.hw.targets.cost import UNKNOWN
from tritforge.reports.explore.candidates import Price
from tritforge.reports.explore.price import Pricing


def test_the_price_of_a_stage_is_that_of_its_units():
    pricing = Pricing(XC7)
    made = plan(convolutional(), FOLDINGS, XC7)
    for stage in made.stages:
        costs = [cost(unit, pricing.target) for unit in stage.all_units]
        luts, memories = sum(cost.lut for cost in costs), sum(cost.lutram for cost in costs)
        assert pricing.stage(stage) == Price(
            lut=luts + memories,
            bram18=sum(cost.bram18 for cost in costs),
            dsp=0,
            ff=sum(cost.ff for cost in costs),
        )


def test_what_is_unknown_has_no_price(monkeypatch):
    pricing = Pricing(XC7)
    made = plan(convolutional(), FOLDINGS, XC7)
    stage = made.stages[0]
    monkeypatch.setitem(_COSTS._entries, type(stage.units[0]), lambda unit, technology: UNKNOWN)
    assert pricing.stage(stage) is None
    assert pricing.plan(made) is None
