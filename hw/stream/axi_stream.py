"""The AXI4-Stream wrapper of a core: TDATA of whole bytes, TLAST at the end of each frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tritforge.hw.stream.counter import count
from tritforge.hw.stream.unit import Beats, below

__all__ = ["FrameSink", "FrameSource", "Tdata", "lanes_in", "tdata_bits"]


@dataclass(frozen=True)
class Tdata:
    """Widths of TDATA in bits that are asked for, multiples of 8; None takes what the network's ends come with.

    Raises
    ------
    ValueError : a width is no positive multiple of 8.
    """

    input:  int | None = None
    output: int | None = None

    NATIVE: ClassVar[Tdata]
    """The widths of the network's input and output streams."""

    def __post_init__(self):
        for name in ("input", "output"):
            bits = getattr(self, name)
            if bits is not None and (not isinstance(bits, int) or bits < 8 or bits % 8):
                raise ValueError(f"{name}_tdata_bits must be a positive multiple of 8, not {bits!r}")


Tdata.NATIVE = Tdata()


def lanes_in(bits, tensor):
    """Elements of ``tensor`` that a beat of ``bits`` bits carries: as many as fit and divide the frame; 0 where none fits.

    >>> from tritforge.export.ir.datatype import DataType
    >>> from tritforge.export.ir.nodes import TensorType
    >>> lanes_in(64, TensorType(28, 28, 1, DataType.parse("u8"))), lanes_in(64, TensorType(1, 1, 10, DataType.parse("s6")))
    (8, 10)
    """
    fit = min(bits // tensor.dtype.bits, tensor.size)
    return next((lanes for lanes in range(fit, 0, -1) if tensor.size % lanes == 0), 0)


def tdata_bits(beats: Beats):
    """Width of TDATA in bits: the payload filled up to whole bytes."""
    return -(-beats.payload_bits // 8) * 8


class FrameSource(wiring.Component):
    """From AXI4-Stream to the core, a frame at a time. Combinational from ``tvalid`` to ``o.valid``.

    A frame whose TLAST comes early is filled up with zeros, a frame whose TLAST is late is cut off; either sets
    ``error`` until reset. In both cases the core sees whole frames, so the next frame is computed correctly and
    every TLAST gives one result.

    Parameters
    ----------
    beats : what a beat carries.
    frame_beats : beats of a frame.
    bits : width of ``tdata``; that of the payload in whole bytes when absent.

    Members
    -------
    tvalid, tready, tdata, tlast : AXI4-Stream, the payload in the low bits of ``tdata``.
    o     : the stream into the core.
    fault : 1 in the cycle in which a frame ends early or late.
    error : such a cycle has been since reset.
    """

    def __init__(self, beats, frame_beats, bits=None):
        self.frame_beats = frame_beats
        super().__init__({
            "tvalid": In(1), "tready": Out(1), "tdata": In(bits or tdata_bits(beats)), "tlast": In(1),
            "o": Out(beats.signature()), "fault": Out(1), "error": Out(1),
        })

    def elaborate(self, platform):
        m     = Module()
        beat  = Signal(below(self.frame_beats))
        last  = beat == self.frame_beats - 1
        moved = self.o.valid & self.o.ready
        count(m, beat, self.frame_beats, moved)
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
    """From the core to AXI4-Stream. Combinational; TLAST marks the last beat of a frame.

    Parameters
    ----------
    beats : what a beat carries.
    frame_beats : beats of a frame.
    bits : width of ``tdata``; that of the payload in whole bytes when absent.

    Members
    -------
    i : the stream from the core.
    tvalid, tready, tdata, tlast : AXI4-Stream, the payload in the low bits of ``tdata``, zeros above.
    """

    def __init__(self, beats, frame_beats, bits=None):
        self.frame_beats = frame_beats
        super().__init__({
            "i": In(beats.signature()),
            "tvalid": Out(1), "tready": In(1), "tdata": Out(bits or tdata_bits(beats)), "tlast": Out(1),
        })

    def elaborate(self, platform):
        m     = Module()
        beat  = Signal(below(self.frame_beats))
        last  = beat == self.frame_beats - 1
        m.d.comb += [
            self.tvalid.eq(self.i.valid),
            self.i.ready.eq(self.tready),
            self.tdata.eq(self.i.payload),
            self.tlast.eq(last),
        ]
        count(m, beat, self.frame_beats, self.i.valid & self.i.ready)
        return m
