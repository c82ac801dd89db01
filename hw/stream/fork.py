"""One stream to several consumers."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tritforge.hw.stream.unit import Beats

__all__ = ["StreamFork", "StreamForkUnit"]


@dataclass(frozen=True)
class StreamForkUnit:
    """Parameters of a :class:`StreamFork`, for its cost: it need not be built to be estimated."""

    beats: Beats
    count: int

    def component(self) -> StreamFork:
        """Return the circuit."""
        return StreamFork(self.beats, self.count)


class StreamFork(wiring.Component):
    """Copy every beat to ``count`` consumers, to each as soon as it can accept.

    Latency 0, interval 1 cycle per beat. Cost: a flip-flop per consumer and the gates of its
    handshake. A beat leaves the input in the cycle in which the last consumer accepts it, as a
    channel with several consumers does in :mod:`tritforge.hw.stream.event_graph`. No consumer waits
    for another within a beat, and valid depends on no ready.

    Parameters
    ----------
    beats : content of a beat.
    count : consumers, 2 or more.

    Members
    -------
    i : input stream, ``beats.payload_bits`` bits.
    o0, o1, .. : output stream of each consumer, the same width.
    """

    i: stream.Interface

    def __init__(self, beats: Beats, count: int) -> None:
        self.count = count
        super().__init__({"i": In(beats.signature()),
                          **{f"o{number}": Out(beats.signature()) for number in range(count)}})

    def elaborate(self, platform: object) -> Module:
        """A flip-flop per consumer marks who has the present beat already."""
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
