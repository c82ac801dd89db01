"""The search against every combination there is, on networks so small that these can be listed."""

from __future__ import annotations

import itertools

import pytest

from tests.export.networks import residual
from tests.hw.networks import convolutional
from tests.reports.pricing import made_up
from tests.targets import GENERIC
from tritforge.hw.pipeline.sites import node_sites, stages
from tritforge.reports.explore.candidates import FREE, Price, Space
from tritforge.reports.explore.search import (
    UNLIMITED,
    Choice,
    cheapest,
    fastest,
    frontier,
    intervals,
)


def space(network):
    return Space(node_sites(network, GENERIC), made_up, engines=("array",), most_lanes=12)


@pytest.fixture(scope="module", params=[convolutional, residual], ids=["chain", "residual"])
def made(request):
    """A space, and of every combination of foldings interval and price, of the stages that would be
    built."""
    network = request.param()
    found = space(network)
    layers = [site for site in found.sites if site.matrix]
    options = [[candidate.folding for candidate in found.candidates(site)][:5] for site in layers]
    names = [site.name for site in layers]
    # the space is made as small as what is listed
    for name, kept in zip(names, options, strict=True):
        found._candidates[name] = tuple(c for c in found._candidates[name] if c.folding in kept)
    combinations = []
    for chosen in itertools.product(*options):
        built = list(stages(network, dict(zip(names, chosen, strict=True)), GENERIC))
        cost = FREE
        for stage in built:
            cost = cost.plus(made_up(stage))
        combinations.append((max(stage.interval_cycles for stage in built), cost))
    return found, combinations


def best(combinations, interval, limits=UNLIMITED):
    fitting = [
        cost.lut for cycles, cost in combinations if cycles <= interval and cost.within(limits)
    ]
    return min(fitting, default=None)


def lut(choice: Choice | None):
    return None if choice is None else choice.cost.lut


def test_the_cheapest_plan_of_every_interval_is_found(made):
    found, combinations = made
    for interval in intervals(found):
        assert lut(cheapest(found, interval)) == best(combinations, interval)


def test_limits_of_several_resources_hold_at_once(made):
    found, combinations = made
    costs = [cost for _, cost in combinations]
    tried = 0
    for share in (0, 0.2, 0.5):
        ordered = [sorted(values) for values in zip(*costs, strict=True)]
        limits = Price(*(values[int(share * (len(values) - 1))] for values in ordered))
        for interval in intervals(found)[::3]:
            tried += 1
            assert lut(cheapest(found, interval, limits)) == best(combinations, interval, limits)
    assert tried > 3


def test_the_fastest_plan_within_a_budget_is_found(made):
    found, combinations = made
    luts = sorted({cost.lut for _, cost in combinations})
    for budget in luts[:: max(1, len(luts) // 6)]:
        limits = UNLIMITED._replace(lut=budget)
        fitting = [(cycles, cost.lut) for cycles, cost in combinations if cost.lut <= budget]
        chosen = fastest(found, limits)
        assert (chosen.interval, chosen.cost.lut) == min(fitting)
    assert fastest(found, UNLIMITED._replace(lut=luts[0] - 1)) is None


def test_the_frontier_has_nothing_that_another_plan_beats(made):
    found, combinations = made
    plans = frontier(found, points=1000)
    assert len(plans) > 1
    for faster, smaller in itertools.pairwise(plans):
        assert faster.interval < smaller.interval
        assert faster.cost.lut > smaller.cost.lut
    for chosen in plans:
        assert lut(chosen) == best(combinations, chosen.interval)
    few = frontier(found, points=3)
    assert few[0].interval == plans[0].interval
    assert {(p.interval, p.cost) for p in few} <= {(p.interval, p.cost) for p in plans}


def test_a_choice_says_what_it_is(made):
    found, _ = made
    choice = fastest(found)
    assert list(choice.moves) == [site.name for site in found.sites]
    assert list(choice.foldings) == [site.name for site in found.sites if site.matrix]
    assert choice.moves[choice.slowest[0]].interval == choice.interval
