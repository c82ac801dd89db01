"""FIFO depths of a pipeline: the smallest that keep the full throughput and avoid deadlock.

FIFOs are placed for three reasons. *Correctness*: at a residual join the short branch must buffer
what the long branch still delays, or the fork deadlocks. *Throughput*: elsewhere a FIFO absorbs
bursts. *Timing*: ``ready`` is combinational through every layer; a FIFO breaks that path because
its ``ready`` depends on its own level alone.

The depths come from the timed event graph (tritforge.hw.stream.event_graph), so they are as exact
as the cycle counts:

1. Solve with join FIFOs that are never full. The interval I is the best that join FIFOs alone
   allow. Then give every other input a FIFO of ``most_bits``; if that lowers the interval, use the
   lower I.
2. Solve again with the input beats spread evenly over I cycles. Let w[b] and r[b] be the cycles in
   which beat b is written and read. A FIFO of

       depth = max over b of (b - number of reads before w[b]) + 1

   is never full, so this run is also that of the network with such FIFOs, and its interval is I.
3. Reduce the depths, first of all FIFOs together, then of one after the other from the input to the
   output, as far as the interval stays I; 0 removes a FIFO. Step times never fall when a FIFO gets
   shallower, so neither does the interval. The result is minimal: one beat less in any FIFO would
   lengthen the interval or deadlock the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tritforge.hw.stream.event_graph import RUN_FRAMES, EventGraph, TimingError, period
from tritforge.hw.stream.fifo import FifoUnit

if TYPE_CHECKING:
    from tritforge.hw.pipeline.plan import Plan

__all__ = ["Fifos", "fitted"]

DEEP = 16
"""Depth in beats above which FIFOs are first reduced together, then one by one."""

Depths = dict[tuple[str, int], int]
"""Depth in beats of the FIFO at each input, by (stage, number of the input)."""


@dataclass(frozen=True, kw_only=True)
class Fifos:
    """FIFOs of a plan in addition to those at joins, which are as deep as necessary.

    Parameters
    ----------
    most_bits : memory in bits of the largest FIFO placed for throughput; 0 for none.
    least_beats : minimum depth in beats of the FIFO at every layer input, which breaks the
        combinational ``ready`` path; 0 for none, 2 for full throughput.
    """

    most_bits:   int = 0
    least_beats: int = 0

    JOINS_ONLY: ClassVar[Fifos]
    """No others."""


Fifos.JOINS_ONLY = Fifos()


def fitted(plan: Plan, fifos: Fifos = Fifos.JOINS_ONLY) -> Plan:
    """Return ``plan`` (tritforge.hw.pipeline.plan.Plan) with its FIFOs.

    Raises
    ------
    TimingError : even with the deepest FIFOs it deadlocks or does not reach a steady state.
    """
    return _Fit(plan, fifos.least_beats).run(fifos.most_bits)


class _Fit:
    """Search of FIFO depths, {(stage, number of the input): beats}; 0 or absent for ``least``."""

    def __init__(self, plan: Plan, least: int) -> None:
        self._plan  = plan
        self._least = least
        self._beats = {(stage.name, number): plan.frame_beats(source)
                       for stage in plan.stages for number, source in enumerate(stage.sources)}
        self._bits  = {(stage.name, number): plan.output(source).payload_bits
                       for stage in plan.stages for number, source in enumerate(stage.sources)}
        self._joins = [place for place in self._beats if place[1] or (place[0], 1) in self._beats]

    def run(self, most_bits: int) -> Plan:
        """Return the plan with the smallest FIFOs; ``most_bits`` as of :class:`Fifos`."""
        if not self._joins and not most_bits:
            return self._with({})
        deep = {place: RUN_FRAMES * self._beats[place] for place in self._joins}
        target, depths = self._occupied(deep)
        if most_bits:
            more = {place: most_bits // bits
                    for place, bits in self._bits.items() if most_bits >= bits}
            more |= deep
            faster, held = self._occupied(more)
            if faster < target:
                target, deep, depths = faster, more, held
        if not depths:
            return self._plan
        evenly, even = self._occupied(deep, target)
        if evenly == target and self._keeps(even, target):
            depths = even
        return self._with(self._shallow(depths, target))

    def _keeps(self, depths: Depths, target: int) -> bool:
        """Whether the interval with FIFOs of these depths is at most ``target``."""
        try:
            return self._solve(depths)[2] <= target
        except TimingError:             # a deadlock, or intervals that alternate
            return False

    def _with(self, depths: Depths) -> Plan:
        """The plan with FIFOs of these depths."""
        return self._plan.with_fifos({
            stage.name: [max(self._least, depths.get((stage.name, number), 0))
                         for number in range(len(stage.sources))]
            for stage in self._plan.stages})

    def _solve(self, depths: Depths, pace: int | None = None) -> tuple[Plan, EventGraph, int]:
        """The plan with FIFOs of these depths, its solved graph and its interval."""
        plan  = self._with(depths)
        graph = EventGraph(RUN_FRAMES)
        channels = plan.schedule(graph, pace)
        graph.solve()
        return plan, graph, period(channels[plan.stages[-1].name], RUN_FRAMES)

    def _occupied(self, depths: Depths, pace: int | None = None) -> tuple[int, Depths]:
        """The interval with FIFOs of these depths, and the depths in use."""
        plan, graph, interval = self._solve(depths, pace)
        used = {}
        for stage in plan.stages:
            for number, branch in enumerate(stage.branches):
                if branch and isinstance(branch[0], FifoUnit):
                    write, read = graph.of(branch[0])
                    # reads in earlier cycles
                    before = np.searchsorted(read.time, write.time, side="left")
                    used[stage.name, number] = int((np.arange(len(before)) - before).max()) + 1
        return interval, used

    def _shallow(self, depths: Depths, target: int) -> Depths:
        """``depths`` reduced as far as the interval ``target`` allows."""
        deep = [place for place, depth in depths.items() if depth > DEEP]
        depths = depths.copy()
        # most FIFOs are too deep by the same number of beats
        less = self._less(depths, deep, target)
        for place in deep:
            depths[place] -= less
        for place in depths:
            depths[place] -= self._less(depths, [place], target)
        return depths

    def _less(self, depths: Depths, places: Sequence[tuple[str, int]], target: int) -> int:
        """Largest number of beats by which all ``places`` can shrink at the interval ``target``.

        Removal is tried first: a FIFO of one beat, with its cycle of latency, can be worse than
        none.
        """
        def keeps(less: int) -> bool:
            return self._keeps(depths | {place: depths[place] - less for place in places}, target)

        most = min((depths[place] for place in places), default=0)
        if not most or keeps(most):
            return most
        low, high = 0, 1                # the interval stays with low beats less,
        while high < most and keeps(high):
            low, high = high, 4 * high
        high = min(high, most)          # and not with high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if keeps(middle) else (low, middle)
        return low
