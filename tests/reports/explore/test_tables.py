from __future__ import annotations

import pytest

from tests.hw.networks import convolutional
from tests.reports.pricing import made_up
from tests.targets import GENERIC
from tritforge.hw.pipeline.sites import node_sites
from tritforge.reports.devices import device
from tritforge.reports.explore.candidates import Price, Space
from tritforge.reports.explore.search import fastest, frontier
from tritforge.reports.explore.tables import (
    Effect,
    effects_table,
    frontier_picture,
    frontier_table,
    plan_table,
)

KINTEX = device("xc7k480t")


@pytest.fixture(scope="module")
def space():
    return Space(
        node_sites(convolutional(), GENERIC), made_up, engines=("array", "skip"), most_lanes=12
    )


def test_the_plan_adds_up_and_shows_what_is_between(space):
    choice = fastest(space)
    total = choice.cost.plus(Price(7, 2, 0, 11))
    table = plan_table(choice, total, 99, KINTEX)
    rows = {row[0]: dict(zip(table.headings, row, strict=True)) for row in table.rows}
    assert list(rows)[:2] == ["conv1", "pool1"]
    assert (rows["FIFOs between stages"]["LUT"], rows["FIFOs between stages"]["BRAM36"]) == (7, 1.0)
    assert (rows["plan"]["Interval, cycles"], rows["plan"]["LUT"]) == (99, round(total.lut))
    stages = sum(rows[name]["LUT"] for name in choice.moves)
    assert stages + 7 == rows["plan"]["LUT"]
    assert rows["used"]["LUT"] == f"{100 * total.lut / KINTEX.lut:.1f} %"
    assert rows["conv1"]["Folding"].startswith("pe ")
    assert rows["pool1"]["Engine"] == ""


def test_price_against_rate(space):
    plans = frontier(space, 100)
    table = frontier_table(plans, 200)
    assert len(table.rows) == len(plans)
    assert table.rows[0][1] == 2e8 / plans[0].interval
    text = str(frontier_picture(plans, 200, plans[0]))
    assert "chosen" in text
    assert f"{2e8 / plans[0].interval:,.0f}/s" in text


def test_effects_are_differences_to_the_plan():
    table = effects_table(
        [
            Effect("as it is", 200, 1.0, 10),
            Effect("less", 150, 1.0, 12),
            Effect("no", None, None, None),
        ]
    )
    assert table.rows[1] == ("less", 150, -25.0, 1.0, 12)
    assert table.rows[2] == ("no", None, None, None, None)
