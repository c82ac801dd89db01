"""Exact choice of engine and folding for every layer, under a model of cost.

The rate of a pipeline is that of its slowest stage, so for a given interval every stage can take
its cheapest form that is no slower. Two things couple the stages: the lanes between neighbours and
the sums of resources. Dynamic programming along the network handles both exactly:

- state: the lanes of every stream that is still to be read. Two partial plans with the same state
  have the same continuations at the same prices, so the dearer one is dropped.
- value: the price so far. Where only LUTs count, the smallest; where other resources are limited
  too, every price that no other one beats in all resources at once.

The first form is tried first: when its plan is within every limit it is optimal, because limits
only exclude plans. Otherwise the second form decides. The best rate within a budget is found by
bisection over the intervals that stages can have: a plan that fits at an interval fits at every
longer one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tritforge.export.ir.nodes import INPUT
from tritforge.hw.engines.registry import Folding
from tritforge.reports.explore.candidates import FREE, Move, Price, Space

__all__ = ["UNLIMITED", "Choice", "cheapest", "fastest", "frontier", "intervals"]

UNLIMITED = Price(math.inf, math.inf, math.inf, math.inf)

State = tuple[tuple[str, int], ...]
"""Lanes of each stream that is still to be read: (stage or INPUT, lanes), in order."""


@dataclass(frozen=True)
class Choice:
    """A plan for a network: the choice of every stage, by name and in order."""

    moves: dict[str, Move]

    @property
    def foldings(self) -> dict[str, Folding]:
        """By layer with weights."""
        return {name: move.folding for name, move in self.moves.items() if move.folding is not None}

    @property
    def interval(self) -> int:
        """Cycles a frame of the slowest stage."""
        return max(move.interval for move in self.moves.values())

    @property
    def cost(self) -> Price:
        """The sum over the stages, without forks, FIFOs and the AXI wrapper."""
        total = FREE
        for move in self.moves.values():
            total = total.plus(move.cost)
        return total

    @property
    def slowest(self) -> tuple[str, ...]:
        """Stages by falling interval."""
        return tuple(sorted(self.moves, key=lambda name: -self.moves[name].interval))


@dataclass(frozen=True)
class _Partial:
    """The plan up to a stage, as a chain of moves from the last one back."""

    cost: Price
    name: str = ""
    move: Move | None = None
    before: _Partial | None = None

    def choice(self) -> Choice:
        moves: dict[str, Move] = {}
        at: _Partial | None = self
        while at is not None and at.move is not None:
            moves[at.name] = at.move
            at = at.before
        return Choice(dict(reversed(moves.items())))


def cheapest(space: Space, interval: float, limits: Price = UNLIMITED) -> Choice | None:
    """The plan of fewest LUTs with at most ``interval`` cycles; None if none is in ``limits``."""
    found = _search(space, interval, limits, _fewest_luts)
    if found is not None and found.cost.within(limits):
        return found
    if found is None or limits == UNLIMITED:
        return None
    return _search(space, interval, limits, _unbeaten)


def fastest(space: Space, limits: Price = UNLIMITED) -> Choice | None:
    """The plan of the shortest interval within ``limits``, of these the one of the fewest LUTs.

    None where no plan is within ``limits``.
    """
    candidates = intervals(space)
    low, high = 0, len(candidates) - 1
    best = cheapest(space, candidates[high], limits)
    if best is None:
        return None
    while low < high:
        middle = (low + high) // 2
        found = cheapest(space, candidates[middle], limits)
        if found is None:
            low = middle + 1
        else:
            best, high = found, middle
    return best


def intervals(space: Space) -> list[int]:
    """Every interval that a stage can have after some stage before it, ascending."""
    return sorted({move.interval for move in _reachable(space)})


def frontier(space: Space, points: int, limits: Price = UNLIMITED) -> list[Choice]:
    """Plans that no other one beats in both LUTs and interval, from the fastest to the smallest.

    At most about ``points`` intervals are tried, evenly spread in their logarithm.
    """
    first = fastest(space, limits)
    if first is None:
        return []
    candidates = [interval for interval in intervals(space) if interval >= first.interval]
    if len(candidates) > points:
        logs = [math.log(value) for value in candidates]
        wanted = [logs[0] + (logs[-1] - logs[0]) * at / max(1, points - 1) for at in range(points)]
        near = {min(range(len(logs)), key=lambda i, w=w: abs(logs[i] - w)) for w in wanted}  # type: ignore[misc]
        candidates = [candidates[at] for at in sorted(near)]
    kept: list[Choice] = []
    for interval in candidates:
        found = cheapest(space, interval, limits)
        if found is not None and (not kept or found.cost.lut < kept[-1].cost.lut):
            kept.append(found)
    return kept


def _live(space: Space) -> list[set[str]]:
    """For each stage, the streams that later stages still read."""
    last = {source: at for at, site in enumerate(space.sites) for source in site.sources}
    return [{source for source, end in last.items() if end > at} for at in range(len(space.sites))]


Keep = Callable[[Iterable[_Partial]], list[_Partial]]


def _fewest_luts(partials: Iterable[_Partial]) -> list[_Partial]:
    return [min(partials, key=lambda partial: partial.cost)]


def _unbeaten(partials: Iterable[_Partial]) -> list[_Partial]:
    kept: list[_Partial] = []
    for one in sorted(partials, key=lambda partial: partial.cost):
        if not any(other.cost.within(one.cost) for other in kept):
            kept.append(one)
    return kept


def _search(space: Space, interval: float, limits: Price, keep: Keep) -> Choice | None:
    exact = keep is _unbeaten
    states: dict[State, list[_Partial]] = {(): [_Partial(FREE)]}
    for site, live in zip(space.sites, _live(space), strict=True):
        following: dict[State, list[_Partial]] = {}
        for state, partials in states.items():
            known = dict(state)
            lanes = tuple(known.get(source) for source in site.sources)
            for move in space.moves(site, lanes):
                if move.interval > interval:
                    continue
                reached = _behind(known, site.name, site.sources, move, live)
                grown = (
                    _Partial(partial.cost.plus(move.cost), site.name, move, partial)
                    for partial in partials
                )
                following.setdefault(reached, []).extend(
                    partial for partial in grown if not exact or partial.cost.within(limits)
                )
        states = {state: keep(partials) for state, partials in following.items() if partials}
    ends = [partial for partials in states.values() for partial in partials]
    return min(ends, key=lambda partial: partial.cost).choice() if ends else None


def _behind(
    known: dict[str, int], name: str, sources: tuple[str, ...], move: Move, live: set[str]
) -> State:
    """The state after a move."""
    lanes = dict(known)
    if INPUT in sources:
        lanes.setdefault(INPUT, move.wants)
    lanes[name] = move.gives
    return tuple((source, lanes[source]) for source in sorted(lanes) if source in live)


def _reachable(space: Space) -> Iterator[Move]:
    """Every move from every reachable state."""
    states: set[State] = {()}
    seen: set[tuple[str, tuple[int | None, ...]]] = set()
    for site, live in zip(space.sites, _live(space), strict=True):
        following: set[State] = set()
        for state in states:
            known = dict(state)
            lanes = tuple(known.get(source) for source in site.sources)
            moves = space.moves(site, lanes)
            if (site.name, lanes) not in seen:
                seen.add((site.name, lanes))
                yield from moves
            following |= {_behind(known, site.name, site.sources, move, live) for move in moves}
        states = following
