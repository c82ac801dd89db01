"""How deep the FIFOs of a pipeline are: as shallow as its full rate allows, and a residual network cannot deadlock.

Two sorts of places may hold a FIFO. Before the inputs of a join one is a matter of life: while the longer branch
fills, the shorter one's beats must wait somewhere, or the fork stops and with it both. Anywhere else one is a matter
of rate: it evens out bursts. Before every layer they are one of frequency too: a layer is ready when the one behind it
is, in the same cycle, so without them a path leads through all layers; a FIFO's ready hangs on nothing behind it.

The depths come from the timed event graph (tritforge.hw.stream.event_graph), so they are as exact as the cycle counts:

1. Solve with join FIFOs so deep that none is ever full. The interval I is the best the network can have with joins
   alone. Let every other input have a FIFO as deep as ``most_bits`` allows: if that lowers the interval, the lower
   one is I.
2. Solve again with the input's beats spread evenly over I cycles. Let w[b] and r[b] be the cycles in which beat b is
   written and read; then a FIFO of

       depth = max over b of (b - number of reads before w[b]) + 1

   is never full either, so this run is one of the network with such FIFOs too, and its interval is I.
3. All FIFOs together, then one after the other from the input to the output, are made as shallow as the interval I
   allows, 0 where none is needed: times never fall when a FIFO gets shallower, so the interval does not either. One
   beat less in any FIFO that is left would lengthen the interval or stop the network for good.
"""

from dataclasses import dataclass

import numpy as np

from tritforge.hw.stream.event_graph import EventGraph, TimingError, period
from tritforge.hw.stream.fifo import FifoUnit

__all__ = ["JOINS_ALONE", "Fifos", "fitted"]

FRAMES = 8
"""Frames of a run; the last three must follow each other at the same distance."""

DEEP = 16
"""Beats beyond which a FIFO is made shallower together with the other deep ones before its own turn comes."""


@dataclass(frozen=True, kw_only=True)
class Fifos:
    """Which FIFOs a plan has besides those before joins, which are as deep as they must be.

    Parameters
    ----------
    most_bits : memory of the largest one that is there for the sake of the rate; 0 for none.
    least_beats : depth of the shallowest before every input of every layer; 0 for none, 2 for one beat a cycle.
    """

    most_bits:   int = 0
    least_beats: int = 0


JOINS_ALONE = Fifos()
"""No others."""


def fitted(plan, fifos=JOINS_ALONE):
    """``plan`` (tritforge.hw.pipeline.plan.Plan) with its FIFOs.

    Raises
    ------
    TimingError : with FIFOs as deep as they may be it stops, or does not settle into a period.
    """
    return _Fit(plan, fifos.least_beats).run(fifos.most_bits)


class _Fit:
    """A plan and the depth of each FIFO: {(stage, number of the input): beats}, ``least`` where less or absent, 0 for none."""

    def __init__(self, plan, least):
        self._plan  = plan
        self._least = least
        self._beats = {(stage.name, number): plan.frame_beats(source)
                       for stage in plan.stages for number, source in enumerate(stage.sources)}
        self._bits  = {(stage.name, number): plan.output(source).payload_bits
                       for stage in plan.stages for number, source in enumerate(stage.sources)}
        self._joins = [place for place in self._beats if place[1] or (place[0], 1) in self._beats]

    def run(self, most_bits):
        if not self._joins and not most_bits:
            return self._with({})
        deep = {place: FRAMES * self._beats[place] for place in self._joins}
        target, depths = self._occupied(deep)
        if most_bits:
            more = {place: most_bits // bits for place, bits in self._bits.items() if most_bits >= bits} | deep
            faster, held = self._occupied(more)
            if faster < target:
                target, deep, depths = faster, more, held
        if not depths:
            return self._plan
        evenly, even = self._occupied(deep, target)
        if evenly == target and self._keeps(even, target):
            depths = even
        return self._with(self._shallow(depths, target))

    def _keeps(self, depths, target):
        """Whether the network has at most the interval ``target`` with FIFOs of these depths."""
        try:
            return self._solve(depths)[2] <= target
        except TimingError:                                 # it stops, or two frames take turns to be late
            return False

    def _with(self, depths):
        """The plan with these FIFOs."""
        return self._plan.with_fifos({
            stage.name: [max(self._least, depths.get((stage.name, number), 0)) for number in range(len(stage.sources))]
            for stage in self._plan.stages})

    def _solve(self, depths, pace=None):
        """The plan with these FIFOs, its solved graph and interval."""
        plan  = self._with(depths)
        graph = EventGraph(FRAMES)
        channels = plan.schedule(graph, pace)
        graph.solve()
        return plan, graph, period(channels[plan.stages[-1].name], FRAMES)

    def _occupied(self, depths, pace=None):
        """The interval with FIFOs of these depths, and the depths that are used."""
        plan, graph, interval = self._solve(depths, pace)
        used = {}
        for stage in plan.stages:
            for number, branch in enumerate(stage.branches):
                if branch and isinstance(branch[0], FifoUnit):
                    write, read = graph.of(branch[0])
                    before = np.searchsorted(read.time, write.time, side="left")    # reads in earlier cycles
                    used[stage.name, number] = int((np.arange(len(before)) - before).max()) + 1
        return interval, used

    def _shallow(self, depths, target):
        """``depths``, as small as the interval ``target`` allows: no single one can be smaller."""
        deep = [place for place, depth in depths.items() if depth > DEEP]
        depths = depths.copy()
        less = self._less(depths, deep, target)             # most are too deep by as much, which all at once show
        for place in deep:
            depths[place] -= less
        for place in depths:
            depths[place] -= self._less(depths, [place], target)
        return depths

    def _less(self, depths, places, target):
        """By how many beats all of ``places`` can be shallower with the interval still ``target``.

        None at all is tried first: a FIFO of one beat, with its cycle of delay, can be worse than none.
        """
        def keeps(less):
            return self._keeps(depths | {place: depths[place] - less for place in places}, target)

        most = min((depths[place] for place in places), default=0)
        if not most or keeps(most):
            return most
        low, high = 0, 1                                    # low is kept
        while high < most and keeps(high):
            low, high = high, 4 * high
        high = min(high, most)                              # which is not
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if keeps(middle) else (low, middle)
        return low
