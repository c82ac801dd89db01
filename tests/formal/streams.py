"""What is claimed of every component with a stream ``i`` and a stream ``o``.

A component that only moves, or takes the maximum of, elements is described by one table: for each
    output element of a frame, the input elements that it is made of. One symbolic output element
    stands for all of them, so a proof is about every element of every frame under every pattern of
    pauses at both ends. Elements have one
bit: what moves elements does not look at them, and of one that compares them by order alone the 0-1
    principle says the rest (D. E. Knuth, "The Art of Computer Programming" 3, section 5.3.4).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from amaranth.hdl import Array, Const, Module, Mux, Signal

from tests.formal.prover import Claims

__all__ = ["FRAMES", "moved", "position", "progress", "rules"]

FRAMES = 4
"""Frames are told apart modulo this number; nothing under proof holds parts of as many."""


def rules(
    claims: Claims, valid: Any, ready: Any, payload: Any, name: str, *, assumed: bool = False
) -> Signal:
    """State the rules of a stream: an offer stays as it is until it is taken. Returns its
    transfers."""
    m, state = claims.m, claims.assume if assumed else claims.claim
    offered, before = Signal(name=f"{name}_offered"), Signal(len(payload), name=f"{name}_before")
    moves = Signal(name=f"{name}_moves")
    m.d.comb += moves.eq(valid & ready)
    m.d.sync += [offered.eq(valid & ~ready), before.eq(payload)]
    state(f"{name}_valid_stays", ~offered | valid)
    state(f"{name}_payload_stays", ~offered | (payload == before))
    return moves


def position(m: Module, moves: Any, length: int, name: str) -> tuple[Signal, Signal]:
    """Count ``moves``: (beat of the frame, frame modulo ``FRAMES``)."""
    beat, frame = (
        Signal(range(max(2, length)), name=f"{name}_beat"),
        Signal(range(FRAMES), name=f"{name}_frame"),
    )
    with m.If(moves):
        m.d.sync += beat.eq(Mux(beat == length - 1, 0, beat + 1))
        with m.If(beat == length - 1):
            m.d.sync += frame.eq(frame + 1)
    return beat, frame


def progress(claims: Claims, moves: Any, willing: Any, patience: int) -> None:
    """Claim that ``moves`` comes before ``willing`` was high in ``patience`` cycles, pauses not
    counted."""
    waited = Signal(range(patience + 1))
    with claims.m.If(moves):
        claims.m.d.sync += waited.eq(0)
    with claims.m.Elif(willing & (waited != patience)):
        claims.m.d.sync += waited.eq(waited + 1)
    claims.claim("no_deadlock", waited != patience)


def moved(
    component: Any,
    i_lanes: int,
    o_lanes: int,
    elements: int,
    made_of: Sequence[Collection[int]],
    patience: int,
) -> Claims:
    """Claims of a component that puts, as output element n, the maximum of the input elements
    made_of[n].

    Parameters
    ----------
    component: what is proved; its elements have 1 bit.
    i_lanes, o_lanes: elements a beat.
    elements: of an input frame.
    made_of: for each output element of a frame, in the order of the stream; nothing is 0.
    patience: with both neighbours willing for so many cycles an output beat moves.
    """
    m = Module()
    claims = Claims(m)
    m.submodules.unit = component
    chosen = claims.constant("chosen", range(len(made_of)))
    valid, payload = claims.free("i_valid"), claims.free("i_payload", i_lanes)
    ready = claims.free("o_ready")
    m.d.comb += [
        component.i.valid.eq(valid),
        component.i.payload.eq(payload),
        component.o.ready.eq(ready),
    ]
    claims.assume("chosen_is_an_element", chosen < len(made_of))
    i_moves = rules(claims, valid, component.i.ready, payload, "i", assumed=True)
    o_moves = rules(claims, component.o.valid, ready, component.o.payload, "o")
    o_beats = len(made_of) // o_lanes
    i_beat, i_frame = position(m, i_moves, elements // i_lanes, "i")
    o_beat, o_frame = position(m, o_moves, o_beats, "o")

    value = Signal(FRAMES)  # what the chosen element of each of the last frames has to be
    counts = Array(  # which lanes of this beat the chosen element is made of
        Const(sum(1 << element for element in members), elements) for members in made_of
    )[chosen].word_select(i_beat, i_lanes)
    with m.If(i_moves):
        so_far = value.bit_select(i_frame, 1) & (i_beat != 0)
        m.d.sync += value.bit_select(i_frame, 1).eq(so_far | (counts & payload).any())
    right = component.o.payload.bit_select(
        chosen % o_lanes if o_lanes > 1 else 0, 1
    ) == value.bit_select(o_frame, 1)
    here = o_beat == (chosen // o_lanes if o_lanes > 1 else chosen)
    claims.claim("element_is_right", ~(component.o.valid & here) | right)
    progress(claims, o_moves, valid & ready, patience)
    claims.cover("third_frame_ends", o_moves & (o_beat == o_beats - 1) & (o_frame == 2))
    claims.cover("both_wait", valid & ~component.i.ready & component.o.valid & ~ready)
    return claims
