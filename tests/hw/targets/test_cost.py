"""Costs: sums with unknowns."""

from __future__ import annotations

from tritforge.hw.targets.cost import UNKNOWN, Cost, total


def test_a_sum_with_an_unknown_is_unknown() -> None:
    some = Cost(lut=3, ff=2) + Cost(lut=4, ff=None)
    assert (some.lut, some.ff, some.dsp) == (7, None, 0)
    assert (some * 2).lut == 14
    assert (some * 2).ff is None


def test_the_sum_of_nothing_is_nothing() -> None:
    assert total([]) == Cost()
    assert total([Cost(lut=1), UNKNOWN]) == UNKNOWN


def test_every_lut_counts_in_the_total() -> None:
    assert Cost(lut=3, lutram=4).lut_total == 7
    assert Cost(lut=3, lutram=None).lut_total is None
