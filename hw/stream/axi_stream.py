"""The AXI4-Stream wrapper of a core: TDATA of whole bytes, TLAST at the end of each frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tritforge.export.ir.nodes import TensorType
from tritforge.hw.stream.counter import modulo_counter
from tritforge.hw.stream.unit import Beats, below

__all__ = [
    "FrameSink",
    "FrameSinkUnit",
    "FrameSource",
    "FrameSourceUnit",
    "Tdata",
    "lanes_in",
    "tdata_bits",
]


@dataclass(frozen=True)
class Tdata:
    """Requested widths of TDATA in bits, multiples of 8; None for the native width of the network's
    stream.

    Raises
    ------
    ValueError : a width is not a positive multiple of 8.
    """

    input:  int | None = None
    output: int | None = None

    NATIVE: ClassVar[Tdata]
    """The widths of the network's input and output streams."""

    def __post_init__(self) -> None:
        for name in ("input", "output"):
            bits = getattr(self, name)
            if bits is not None and (not isinstance(bits, int) or bits < 8 or bits % 8):
                raise ValueError(
                    f"{name}_tdata_bits must be a positive multiple of 8, not {bits!r}"
                )


Tdata.NATIVE = Tdata()


def lanes_in(bits: int, tensor: TensorType) -> int:
    """Return the lanes of a beat of ``bits`` bits: the most that fit and divide the frame; 0 if
    none fits.

    >>> from tritforge.export.ir.datatype import DataType
    >>> from tritforge.export.ir.nodes import TensorType
    >>> image = TensorType(28, 28, 1, DataType.parse("u8"))
    >>> scores = TensorType(1, 1, 10, DataType.parse("s6"))
    >>> lanes_in(64, image), lanes_in(64, scores)
    (8, 10)
    """
    fit = min(bits // tensor.dtype.bits, tensor.size)
    return next((lanes for lanes in range(fit, 0, -1) if tensor.size % lanes == 0), 0)


def tdata_bits(beats: Beats) -> int:
    """Return the width of TDATA in bits: the payload padded to whole bytes."""
    return -(-beats.payload_bits // 8) * 8


@dataclass(frozen=True)
class FrameSourceUnit:
    """Parameters of a :class:`FrameSource`, for its cost: it need not be built to be estimated."""

    beats:       Beats
    frame_beats: int

    def component(self) -> FrameSource:
        """Return the circuit."""
        return FrameSource(self.beats, self.frame_beats)


@dataclass(frozen=True)
class FrameSinkUnit:
    """Parameters of a :class:`FrameSink`, for its cost: it need not be built to be estimated."""

    beats:       Beats
    frame_beats: int

    def component(self) -> FrameSink:
        """Return the circuit."""
        return FrameSink(self.beats, self.frame_beats)


class FrameSource(wiring.Component):
    """From AXI4-Stream to the core, frame by frame.

    Latency 0: ``o.valid`` is combinational from ``tvalid``; interval 1 cycle per beat. Cost: a beat
    counter, a state machine of three states and a gate per payload bit.

    A frame whose TLAST is early is filled up with zeros, a frame whose TLAST is late is truncated;
    either sets ``error`` until reset. The core always sees whole frames, so the next frame is
    computed correctly and each TLAST gives one result.

    Parameters
    ----------
    beats : content of a beat.
    frame_beats : beats per frame.
    bits : width of ``tdata``; None for the payload padded to whole bytes.

    Members
    -------
    tvalid, tready, tdata, tlast : AXI4-Stream; the payload is in the low bits of ``tdata``.
    o : stream into the core, ``beats.payload_bits`` bits.
    fault : 1 in a cycle in which a frame ends early or late.
    error : 1 from the cycle after the first fault until reset.
    """

    tvalid: Signal
    tready: Signal
    tdata: Signal
    tlast: Signal
    o: stream.Interface
    fault: Signal
    error: Signal

    def __init__(self, beats: Beats, frame_beats: int, bits: int | None = None) -> None:
        self.frame_beats = frame_beats
        super().__init__(
            {
                "tvalid": In(1),
                "tready": Out(1),
                "tdata": In(bits or tdata_bits(beats)),
                "tlast": In(1),
                "o": Out(beats.signature()),
                "fault": Out(1),
                "error": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The beat counter and the states FRAME, EARLY (fill up) and LATE (discard)."""
        m     = Module()
        beat  = Signal(below(self.frame_beats))
        last  = beat == self.frame_beats - 1
        moved = self.o.valid & self.o.ready
        modulo_counter(m, beat, self.frame_beats, moved)
        with m.FSM():
            with m.State("FRAME"):
                m.d.comb += [
                    self.o.payload.eq(self.tdata),
                    self.o.valid.eq(self.tvalid),
                    self.tready.eq(self.o.ready),
                ]
                with m.If(moved & (self.tlast != last)):
                    m.d.comb += self.fault.eq(1)
                    m.d.sync += self.error.eq(1)
                    with m.If(last):
                        m.next = "LATE"
                    with m.Else():
                        m.next = "EARLY"
            with m.State("EARLY"):          # the payload is 0
                m.d.comb += self.o.valid.eq(1)
                with m.If(moved & last):
                    m.next = "FRAME"
            with m.State("LATE"):
                m.d.comb += self.tready.eq(1)
                with m.If(self.tvalid & self.tlast):
                    m.next = "FRAME"
        return m


class FrameSink(wiring.Component):
    """From the core to AXI4-Stream; TLAST marks the last beat of a frame.

    Latency 0, combinational; interval 1 cycle per beat. Cost: a beat counter.

    Parameters
    ----------
    beats : content of a beat.
    frame_beats : beats per frame.
    bits : width of ``tdata``; None for the payload padded to whole bytes.

    Members
    -------
    i : stream from the core, ``beats.payload_bits`` bits.
    tvalid, tready, tdata, tlast : AXI4-Stream; the payload is in the low bits of ``tdata``, zeros
        above.
    """

    i: stream.Interface
    tvalid: Signal
    tready: Signal
    tdata: Signal
    tlast: Signal

    def __init__(self, beats: Beats, frame_beats: int, bits: int | None = None) -> None:
        self.frame_beats = frame_beats
        super().__init__(
            {
                "i": In(beats.signature()),
                "tvalid": Out(1),
                "tready": In(1),
                "tdata": Out(bits or tdata_bits(beats)),
                "tlast": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """The beat counter, whose last value is TLAST."""
        m     = Module()
        beat  = Signal(below(self.frame_beats))
        last  = beat == self.frame_beats - 1
        m.d.comb += [
            self.tvalid.eq(self.i.valid),
            self.i.ready.eq(self.tready),
            self.tdata.eq(self.i.payload),
            self.tlast.eq(last),
        ]
        modulo_counter(m, beat, self.frame_beats, self.i.valid & self.i.ready)
        return m
