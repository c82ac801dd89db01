"""One stream to several consumers."""

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


__all__ = ["StreamFork"]


class StreamFork(wiring.Component):
    """Hands every beat to ``count`` consumers, to each as soon as it can take it. Latency 0.

    A beat leaves the stream before the fork in the cycle in which the last consumer takes it, which is what a
    channel with several takers does in :mod:`tritforge.hw.stream.event_graph`. No consumer waits for another within a beat, and valid
    depends on no ready.

    Parameters
    ----------
    beats : what a beat carries (tritforge.hw.stream.unit.Beats).
    count : number of consumers, 2 or more.

    Members
    -------
    i : the stream.
    o0, o1, .. : one for each consumer.
    """

    def __init__(self, beats, count):
        self.count = count
        super().__init__({"i": In(beats.signature()),
                          **{f"o{number}": Out(beats.signature()) for number in range(count)}})

    def elaborate(self, platform):
        m     = Module()
        done  = Signal(self.count)         # which consumers have this beat already
        takes = Signal(self.count)
        for number in range(self.count):
            o = getattr(self, f"o{number}")
            m.d.comb += [
                o.payload.eq(self.i.payload),
                o.valid.eq(self.i.valid & ~done[number]),
                takes[number].eq(done[number] | o.ready),
            ]
        m.d.comb += self.i.ready.eq(takes.all())
        with m.If(self.i.valid):
            m.d.sync += done.eq(Mux(self.i.ready, 0, takes))
        return m
