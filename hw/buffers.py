"""How deep the FIFOs of a pipeline are: as shallow as its full rate allows, and a residual network cannot deadlock.

Two sorts of places may hold a FIFO. Before the inputs of a join one is a matter of life: while the longer branch
fills, the shorter one's beats must wait somewhere, or the fork stops and with it both. Anywhere else one is a matter
of rate: it evens out bursts.

The depths come from the timed event graph (hw.timing), so they are as exact as the cycle counts:

1. Solve with join FIFOs so deep that none is ever full. The interval I is the best the network can have with joins
   alone. Let every other input have a FIFO as deep as ``limit_bits`` allows: if that lowers the interval, the lower
   one is I.
2. Solve again with the input's beats spread evenly over I cycles. Let w[b] and r[b] be the cycles in which beat b is
   written and read; then a FIFO of

       depth = max over b of (b - number of reads before w[b]) + 1

   is never full either, so this run is one of the network with such FIFOs too, and its interval is I.
3. From the input to the output, each FIFO is made as shallow as the interval I allows, by bisection, 0 where none is
   needed: times never fall when a FIFO gets shallower, so the interval does not either. One beat less in any FIFO
   that is left would lengthen the interval or stop the network for good. A run of more than ``TRIMMED_STEPS`` steps
   would take too long to be solved so often; there the depths of 2 stay, but for FIFOs of a beat or two that can all
   be left out together.
"""

import numpy as np

from hw.fifo import Fifo
from hw.timing import EventGraph, TimingError, period

__all__ = ["fitted"]

FRAMES = 8
"""Frames of a run; the last three must follow each other at the same distance."""

TRIMMED_STEPS = 1 << 20
"""Steps of a run up to which every FIFO is made as shallow as possible."""


def fitted(plan, limit_bits=0):
    """``plan`` (hw.plan.Plan) with FIFOs before joins, and with those of up to ``limit_bits`` each that raise its rate.

    Raises
    ------
    TimingError : a run does not settle into a period.
    """
    return _Fit(plan).run(limit_bits)


class _Fit:
    """A plan and the depth of each FIFO: {(stage, number of the input): beats}, 0 or absent for none."""

    def __init__(self, plan):
        self._plan  = plan
        self._beats = {(stage.name, number): plan.frame_beats(source)
                       for stage in plan.stages for number, source in enumerate(stage.sources)}
        self._bits  = {(stage.name, number): plan.output(source).payload_bits
                       for stage in plan.stages for number, source in enumerate(stage.sources)}
        self._steps = 0                         # of the run that was solved last
        self._joins = [place for place in self._beats if place[1] or (place[0], 1) in self._beats]

    def run(self, limit_bits):
        if not self._joins and not limit_bits:
            return self._plan
        deep = {place: FRAMES * self._beats[place] for place in self._joins}
        target, depths = self._occupied(deep)
        if limit_bits:
            more = {place: limit_bits // bits for place, bits in self._bits.items() if limit_bits >= bits} | deep
            faster, held = self._occupied(more)
            if faster < target:
                target, deep, depths = faster, more, held
        if not depths:
            return self._plan
        evenly, even = self._occupied(deep, target)
        if evenly == target and self._keeps(even, target):
            depths = even
        if self._steps > TRIMMED_STEPS:
            needed = {place: depth for place, depth in depths.items() if depth > 2}
            return self._with(needed if self._keeps(needed, target) else depths)
        for place in list(depths):
            depths[place] = self._shallowest(depths, place, target)
        return self._with(depths)

    def _keeps(self, depths, target):
        """Whether the network has at most the interval ``target`` with FIFOs of these depths."""
        interval = self._solve(depths)[2]
        return interval is not None and interval <= target

    def _with(self, depths):
        """The plan with these FIFOs."""
        return self._plan.with_fifos({stage.name: [depths.get((stage.name, number), 0) for number in range(len(stage.sources))]
                                      for stage in self._plan.stages})

    def _solve(self, depths, pace=None):
        """The plan with these FIFOs, its solved graph and interval; None for the interval of a deadlock."""
        plan  = self._with(depths)
        graph = EventGraph(FRAMES)
        channels = plan.schedule(graph, pace)
        self._steps = FRAMES * sum(process.steps for process in graph.processes)
        try:
            graph.solve()
        except TimingError:
            return plan, graph, None
        return plan, graph, period(channels[plan.stages[-1].name], FRAMES)

    def _occupied(self, depths, pace=None):
        """The interval with FIFOs of these depths, and the depths that are used."""
        plan, graph, interval = self._solve(depths, pace)
        if interval is None:
            raise TimingError(f"{plan.network.name!r} stops however deep its FIFOs are")
        used = {}
        for stage in plan.stages:
            for number, branch in enumerate(stage.branches):
                if branch and isinstance(branch[0], Fifo):
                    write, read = graph.of(branch[0])
                    before = np.searchsorted(read.time, write.time, side="left")    # reads in earlier cycles
                    used[stage.name, number] = int((np.arange(len(before)) - before).max()) + 1
        return interval, used

    def _shallowest(self, depths, place, target):
        """The smallest depth at ``place`` with which the interval is still ``target``."""
        low, high = 0, depths[place]            # high is deep enough
        while low < high:
            middle = 0 if low == 0 and high == depths[place] else (low + high) // 2
            if self._keeps(depths | {place: middle}, target):
                high = middle
            else:
                low = middle + 1
        return high
