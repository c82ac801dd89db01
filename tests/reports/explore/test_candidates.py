from __future__ import annotations

import pytest

from tests.hw.networks import convolutional
from tests.reports.pricing import made_up
from tests.targets import GENERIC
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.engines.layer import PlanError
from tritforge.hw.engines.registry import ENGINES
from tritforge.hw.engines.skip import folding as skip
from tritforge.hw.engines.unrolled import folding as unrolled
from tritforge.hw.engines.unrolled.folding import UnrolledFolding
from tritforge.hw.pipeline.sites import node_sites
from tritforge.reports.explore.candidates import Price, Space

SITES = node_sites(convolutional(), GENERIC)


def site(name):
    return next(one for one in SITES if one.name == name)


def foldings(most_lanes, *engines):
    """Those of conv2, which has 6 rows, 16 columns, 4 channels."""
    return list(Space(SITES, made_up, engines, most_lanes).foldings(site("conv2")))


def test_every_folding_of_every_engine_is_tried(monkeypatch):
    found = foldings(1000, *ENGINES)
    assert sum(isinstance(one, ArrayFolding) for one in found) == 4 * 5
    assert {(one.pe, one.entries, one.banks) for one in found if one.engine == "skip"} == {
        (pe, ports * banks, banks)
        for pe in (1, 2, 3, 6)
        for banks in (1, 2, 4)
        for ports in (1, 2, 4)
    }
    monkeypatch.setattr(skip, "MOST_BANKS", 2)
    assert {one.banks for one in foldings(1000, "skip")} == {1, 2}
    assert UnrolledFolding() in found
    layer = site("conv2").layer()
    for engine in ("array", "skip"):
        few = foldings(24, engine)
        assert few
        assert all(one.lanes(layer) <= 24 for one in few)
    monkeypatch.setattr(unrolled, "MOST_WEIGHTS", 95)
    assert foldings(8, "unrolled") == []


def test_what_is_beaten_or_refused_is_left_out():
    space = Space(SITES, made_up)
    for one in SITES:
        if one.matrix:
            kept = space.candidates(one)
            assert kept is space.candidates(one)
            for a in kept:
                beaten = [
                    b for b in kept
                    if b is not a and (a.wants, a.gives) == (b.wants, b.gives)
                    and b.interval <= a.interval and b.cost.within(a.cost)
                ]  # fmt: skip
                assert beaten == []


def test_a_change_of_lanes_is_paid_for():
    space = Space(SITES, made_up, engines=("array",))
    conv = site("conv2")
    plain, behind = space.moves(conv, (None,)), space.moves(conv, (2,))
    for move, changed in zip(plain, behind, strict=True):
        assert (changed.folding, changed.wants) == (move.folding, 2)
        assert (changed.cost == move.cost) == (move.wants == 2)
        assert changed.interval >= move.interval


def test_a_stage_without_weights_has_one_form():
    (move,) = Space(SITES, made_up).moves(site("pool1"), (2,))
    assert (move.folding, move.wants, move.gives) == (None, 2, 2)


def test_what_has_no_price_is_counted_and_left_out():
    def some(stage):
        return None if getattr(stage.folding, "engine", "") == "skip" else made_up(stage)

    space = Space(SITES, some, engines=("array", "skip"))
    assert {c.folding.engine for c in space.candidates(site("conv1"))} == {"array"}
    assert space.unpriced["conv1"] > 0
    nothing = Space(SITES, lambda stage: None, engines=("array",))
    with pytest.raises(PlanError, match=r"^'conv1': no folding of array can be built and priced$"):
        nothing.candidates(site("conv1"))
    with pytest.raises(PlanError, match=r"^'pool1': the model has no price for it$"):
        nothing.moves(site("pool1"), (2,))


def test_costs_add_and_compare_by_the_place():
    one, other = Price(1, 2, 0, 4), Price(1, 3, 0, 4)
    assert one.plus(other) == Price(2, 5, 0, 8)
    assert (one.within(other), other.within(one)) == (True, False)
