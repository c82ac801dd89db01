"""What is claimed of the AXI4-Stream ends, whatever a neighbour makes of TLAST."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal

from tests.formal.prover import Claims
from tests.formal.streams import FRAMES, position, progress, rules
from tritforge.export.ir.datatype import DataType
from tritforge.hw.stream.axi_stream import FrameSink, FrameSource
from tritforge.hw.stream.unit import Beats

__all__ = ["sink", "source"]

BEATS = Beats(DataType.parse("u1"), 1)


def source(frame_beats: int, longest: int, component: Any = None) -> Claims:
    """Each packet of 1 to ``longest`` beats becomes one frame: cut off, or filled up with zeros."""
    m = Module()
    claims = Claims(m)
    m.submodules.source = core = component or FrameSource(BEATS, frame_beats)
    chosen = claims.constant("chosen", range(max(2, frame_beats)))
    claims.assume("chosen_is_a_beat", chosen < frame_beats)
    tvalid, tdata, tlast = claims.free("tvalid"), claims.free("tdata", 8), claims.free("tlast")
    ready = claims.free("o_ready")
    m.d.comb += [
        core.tvalid.eq(tvalid),
        core.tdata.eq(tdata),
        core.tlast.eq(tlast),
        core.o.ready.eq(ready),
    ]
    i_moves = rules(
        claims, tvalid, core.tready, Mux(tlast, tdata | 256, tdata), "axi", assumed=True
    )
    o_moves = rules(claims, core.o.valid, ready, core.o.payload, "o")
    o_beat, o_frame = position(m, o_moves, frame_beats, "o")

    beat, packet = Signal(range(longest + 1)), Signal(range(FRAMES))
    claims.assume("packets_end", ~tvalid | tlast | (beat != longest - 1))
    with m.If(i_moves):
        m.d.sync += beat.eq(Mux(tlast, 0, beat + 1))
        with m.If(tlast):
            m.d.sync += packet.eq(packet + 1)
    held = Signal(
        FRAMES
    )  # the chosen beat of each of the last packets, 0 where the packet is too short
    with m.If(i_moves & ((beat == 0) | (beat == chosen))):
        m.d.sync += held.bit_select(packet, 1).eq(Mux(beat == chosen, tdata[0], 0))
    now = tvalid & (packet == o_frame)  # the source is combinational
    expected = Mux(
        now & (beat == chosen),
        tdata[0],
        held.bit_select(o_frame, 1) & ((packet != o_frame) | (beat > chosen)),
    )
    claims.claim(
        "payload_is_right", ~(core.o.valid & (o_beat == chosen)) | (core.o.payload == expected)
    )
    claims.claim(
        "one_frame_a_packet",
        (packet == o_frame) | (packet == (o_frame + 1)[:2]) | ((packet + 1)[:2] == o_frame),
    )

    wrong = Signal()
    with m.If(
        i_moves & ((tlast & (beat < frame_beats - 1)) | (~tlast & (beat == frame_beats - 1)))
    ):
        m.d.sync += wrong.eq(1)
    claims.claim("error_says_so", core.error == wrong)
    progress(claims, o_moves, tvalid & ready, longest + 2)
    claims.cover(
        "frame_after_an_error", core.error & o_moves & (o_beat == frame_beats - 1) & (o_frame == 2)
    )
    claims.cover("no_error_yet", ~core.error & (o_frame == 1))
    return claims


def sink(frame_beats: int) -> Claims:
    """Beats pass at once and as they are, TLAST is the last of each frame."""
    m = Module()
    claims = Claims(m)
    m.submodules.sink = core = FrameSink(BEATS, frame_beats)
    valid, payload, tready = claims.free("i_valid"), claims.free("i_payload"), claims.free("tready")
    m.d.comb += [core.i.valid.eq(valid), core.i.payload.eq(payload), core.tready.eq(tready)]
    rules(claims, valid, core.i.ready, payload, "i", assumed=True)
    moves = rules(claims, core.tvalid, tready, Mux(core.tlast, core.tdata | 256, core.tdata), "axi")
    beat, frame = position(m, moves, frame_beats, "axi")
    claims.claim(
        "passes", (core.tvalid == valid) & (core.i.ready == tready) & (core.tdata == payload)
    )
    claims.claim("last_is_marked", core.tlast == (beat == frame_beats - 1))
    claims.cover("third_frame_ends", moves & core.tlast & (frame == 2))
    return claims
