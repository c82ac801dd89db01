from __future__ import annotations

from tests.hw.networks import FOLDINGS, convolutional
from tritforge.hw.cost.registry import _COSTS, cost
from tritforge.hw.cost.technology import UNKNOWN, Family
from tritforge.hw.pipeline.plan import plan
from tritforge.hw.targets.primitives import Primitives
from tritforge.reports.devices import device
from tritforge.reports.explore.candidates import Price
from tritforge.reports.explore.price import Pricing


def test_a_family_has_its_prices():
    kintex = Pricing.of(device("xc7k480t"), Primitives.XILINX7)
    assert (kintex.technology.family, kintex.technology.primitives) == (
        Family.XC7,
        Primitives.XILINX7,
    )
    zynq = Pricing.of(device("xczu7ev"), Primitives.XILINX7)
    assert (zynq.technology.family, zynq.technology.primitives) == (Family.XCUP, Primitives.XILINX7)
    assert Pricing.of(device("xcku040"), Primitives.XILINX7) is None
    lattice = Pricing.of(device("lfe5u-25f"), Primitives.XILINX7)
    assert (lattice.technology.family, lattice.technology.primitives) == (
        Family.ECP5,
        Primitives.ECP5,
    )
    operators = Pricing.of(device("lfe5u-25f"), Primitives.GENERIC)
    assert operators.technology.primitives is Primitives.GENERIC


def test_the_price_of_a_stage_is_that_of_its_units():
    pricing = Pricing.of(device("xc7k480t"), Primitives.XILINX7)
    made = plan(convolutional(), FOLDINGS)
    for stage in made.stages:
        costs = [cost(unit, pricing.technology) for unit in stage.all_units]
        luts, memories = sum(cost.lut for cost in costs), sum(cost.lutram for cost in costs)
        assert pricing.stage(stage) == Price(
            lut=luts + memories,
            bram18=sum(cost.bram18 for cost in costs),
            dsp=0,
            ff=sum(cost.ff for cost in costs),
        )


def test_what_is_unknown_has_no_price(monkeypatch):
    pricing = Pricing.of(device("xc7k480t"), Primitives.XILINX7)
    made = plan(convolutional(), FOLDINGS)
    stage = made.stages[0]
    monkeypatch.setitem(_COSTS._entries, type(stage.units[0]), lambda unit, technology: UNKNOWN)
    assert pricing.stage(stage) is None
    assert pricing.plan(made) is None
