"""The candidates of each stage: every folding of every engine, with cycles and price.

A layer's own units depend on its folding alone. The width converter before it depends on both
stages. So a candidate is priced once for an input of the lanes it takes, and width converters are
priced separately. Cycles are those of the slowest unit, in closed form
(``tritforge.hw.pipeline.stage.Stage.interval_cycles``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from tritforge.export.ir.nodes import INPUT
from tritforge.hw.engines.layer import PlanError
from tritforge.hw.engines.registry import ENGINES, Folding
from tritforge.hw.pipeline.sites import NodeSite
from tritforge.hw.pipeline.stage import Stage
from tritforge.hw.stream.width_converter import resized

__all__ = [
    "Move",
    "Price",
    "PriceModel",
    "Space",
]


class Price(NamedTuple):
    """Resources of a circuit; sums and comparisons are element by element."""

    lut: float
    bram18: float
    dsp: float
    ff: float

    def plus(self, other: Price) -> Price:
        """The sum."""
        return Price(*(a + b for a, b in zip(self, other, strict=True)))

    def within(self, limits: Price) -> bool:
        """Whether nothing exceeds ``limits``."""
        return all(a <= b for a, b in zip(self, limits, strict=True))


FREE = Price(0, 0, 0, 0)

PriceModel = Callable[[Stage], "Price | None"]
"""The price of the units of a stage; None where the model cannot price one of them."""


@dataclass(frozen=True)
class Move:
    """A choice for one stage.

    The folding of a layer with weights (else None), the lanes of the stage's first input and of its
    output, cycles per frame, price.
    """

    folding: Folding | None
    wants: int
    gives: int
    interval: int
    cost: Price


@dataclass
class Space:
    """All choices for a network.

    Parameters
    ----------
    sites: of the network, in order.
    model: prices a stage.
    engines: names of the engines to consider.
    most_lanes: upper limit of the lanes of a folding.
    progress: called with the name of a layer as its candidates are made.
    """

    sites: tuple[NodeSite, ...]
    model: PriceModel
    engines: Sequence[str] = tuple(ENGINES)
    most_lanes: int = 1 << 15
    progress: Callable[[str], None] = lambda name: None
    unpriced: dict[str, int] = field(default_factory=dict)
    _candidates: dict[str, tuple[Move, ...]] = field(default_factory=dict)
    _moves: dict[tuple[str, tuple[int | None, ...]], tuple[Move, ...]] = field(default_factory=dict)

    def foldings(self, site: NodeSite) -> Iterator[Folding]:
        """Every folding of ``site`` that may be good; its engine refuses some of them."""
        for name in self.engines:
            yield from ENGINES[name].candidates(site.layer(), self.most_lanes)

    def candidates(self, site: NodeSite) -> tuple[Move, ...]:
        """The foldings of ``site`` that are accepted and priced, without dominated ones.

        Raises
        ------
        PlanError: none is left.
        """
        if site.name not in self._candidates:
            self.progress(site.name)
            found: list[Move] = []
            for folding in self.foldings(site):
                try:
                    stage = site.stage((None,), folding)
                except PlanError:
                    continue
                cost = self.model(stage)
                if cost is None:
                    self.unpriced[site.name] = self.unpriced.get(site.name, 0) + 1
                    continue
                found.append(
                    Move(folding, stage.input(0).lanes, stage.o.lanes, stage.interval_cycles, cost)
                )
            if not found:
                raise PlanError(
                    f"{site.name!r}: no folding of {', '.join(self.engines)} can be built and "
                    "priced"
                )
            self._candidates[site.name] = _best(found)
        return self._candidates[site.name]

    def moves(self, site: NodeSite, lanes: tuple[int | None, ...]) -> tuple[Move, ...]:
        """The choices for ``site`` after streams of ``lanes``.

        The lanes of the network's input are None until a stage reads it.

        Raises
        ------
        PlanError: the model has no price for it.
        """
        key = (site.name, lanes)
        if key not in self._moves:
            if site.matrix:
                self._moves[key] = tuple(
                    self._behind(site, lanes[0], c) for c in self.candidates(site)
                )
            else:
                stage = site.stage(lanes)
                cost = self.model(stage)
                if cost is None:
                    raise PlanError(f"{site.name!r}: the model has no price for it")
                first = site.sources.index(INPUT) if INPUT in site.sources else 0
                wants = stage.input(first).lanes
                self._moves[key] = (Move(None, wants, stage.o.lanes, stage.interval_cycles, cost),)
        return self._moves[key]

    def _behind(self, site: NodeSite, lanes: int | None, candidate: Move) -> Move:
        """``candidate`` with the width converter after a stream of ``lanes``."""
        tensor = site.types()
        between = resized("lanes", tensor.dtype, lanes, candidate.wants, tensor.size)
        interval, cost = candidate.interval, candidate.cost
        if between:
            price = self.model(Stage(site.name, site.tensor, tuple(between), sources=site.sources))
            if price is None:
                raise PlanError(f"{site.name!r}: the model has no price for a change of lanes")
            cost = cost.plus(price)
            interval = max(interval, *(unit.interval_cycles for unit in between))
        wants = candidate.wants if lanes is None else lanes
        return replace(candidate, wants=wants, interval=interval, cost=cost)


def _best(found: Sequence[Move]) -> tuple[Move, ...]:
    """Drop each candidate that another of the same lanes equals or beats in cycles and prices."""
    groups: dict[tuple[int, int], list[Move]] = {}
    kept: list[Move] = []
    for one in sorted(found, key=lambda c: (c.interval, c.cost)):
        group = groups.setdefault((one.wants, one.gives), [])
        if not any(other.cost.within(one.cost) for other in group):
            group.append(one)
            kept.append(one)
    return tuple(kept)
