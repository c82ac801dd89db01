"""Flip-flops and features of counters."""

from __future__ import annotations

from tritforge.hw.cost.counters import counter_bits, counter_features


def test_flip_flops() -> None:
    assert counter_bits(1, 2, 3, 4, 5) == 0 + 1 + 2 + 2 + 3


def test_features_of_counters() -> None:
    found = counter_features(1, 2, 3, 4, 5, 8, 16, 48, 64)
    widths = {"short": 1 + 2 + 2, "of_3": 2, "of_4": 1, "long": 2, "counter": 6 + 6}
    assert found == widths | {"reset": 2, "compared": 3 + 3}
    assert sum(counter_features().values()) == 0
    assert counter_features(448)["compared"] == 4  # the six 1s at the low end of 447 are one input
