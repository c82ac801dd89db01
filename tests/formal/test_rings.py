"""Addresses on a ring wrap rightly, whatever the depth and the distance."""

from __future__ import annotations

from pathlib import Path

import pytest
from amaranth.hdl import Module

from tests.formal.prover import Claims, Proved, check
from tritforge.hw.stream.counter import ring_address

DEPTHS = range(1, 34)


@pytest.mark.parametrize("times_around", [1, 2, pytest.param(5, marks=pytest.mark.verify)])
def test_proved(times_around: int, tmp_path: Path) -> None:
    """For every address and distance: found below the depth, and a multiple of it away."""
    claims = Claims(Module())
    for depth in DEPTHS:
        most = depth * times_around + depth // 2
        address = claims.free(f"address_{depth}", range(max(2, depth)))
        ahead = claims.free(f"ahead_{depth}", range(most + 1))
        found = ring_address(claims.m, f"total_{depth}", address, ahead, depth, most)
        rings = [address + ahead == found + laps * depth for laps in range(times_around + 2)]
        right = (found < depth) & sum(rings).bool()
        claims.claim(f"depth_{depth}", (address >= depth) | (ahead > most) | right)
    assert isinstance(check(claims, tmp_path), Proved)
