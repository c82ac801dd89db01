"""Each way in which the hand-written design can be wrong is found, and the layer is named."""

from __future__ import annotations

import pytest

from tritforge.sim.stalls import Stalls

WRONG_WORD = (
    "layer mix, stream mix: first wrong word in frame 0 at y 3, x 0, channels 0..1, cycle {}: "
    "expected [-6, 8], got {}"
)
LOST_WORD = (  # the word of that place is lost, so the one behind it arrives there
    "layer mix delivered 23 of 24 words (stream mix) and no more; "
    "first wrong word in frame 0 at y 3, x 0, channels 0..1, cycle {}: expected [-6, 8], got [9, "
    "17]"
)


@pytest.mark.parametrize(
    "stalls", [stalls.value for stalls in Stalls if not stalls.pattern.framing]
)
def test_a_right_design_passes(run_toy, stalls):
    result = run_toy(stalls=stalls, seed=3)
    assert result.failures == ()
    assert result.passed
    # four streams of 24 words: nothing passes because nothing was looked at
    assert [(report.name, report.compared, report.wrong) for report in result.streams] == [
        ("s_axis", 24, 0),
        ("mix", 24, 0),
        ("act", 24, 0),
        ("m_axis", 24, 0),
    ]
    assert result.compared_words == 96
    assert result.expected_cycles == (71 if stalls == "none" else None)
    assert result.cycles == 71 if stalls == "none" else result.cycles > 71


@pytest.mark.parametrize(
    ("fault", "stalls", "failure"),
    [
        (
            "valid follows ready",
            "random",
            "layer mix, stream mix, cycle 60: valid or payload depends on ready in the same cycle",
        ),
        (
            "valid drops",
            "patient",
            "layer mix, stream mix, cycle 37: valid dropped before the beat was taken",
        ),
        (
            "payload changes",
            "patient",
            "layer mix, stream mix, cycle 108: the payload changed before it was taken",
        ),
        (
            "too slow",
            "none",
            "frame 0 left the design 36 cycles after the first input word, the plan says 35",
        ),
        ("wrong word", "none", WRONG_WORD.format(35, "[-6, 9]")),
        ("drops a word", "none", LOST_WORD.format(38)),
        ("drops a word", "random", LOST_WORD.format(97)),
        (
            "hangs",
            "none",
            "layer act delivered 20 of 24 words (stream act) and no more, "
            "while 20 of 24 words of stream mix were taken and the next is offered",
        ),
        (
            "waits for ready",
            "patient",
            "layer act delivered 0 of 24 words (stream act) and no more, "
            "while 0 of 24 words of stream mix were taken and the next is offered",
        ),
        ("repeats the last word", "none", "layer act, stream act: delivered 25 of 24 words"),
        (
            "early end",
            "none",
            "layer output, stream m_axis, cycle 39: TLAST is 1 on word 11 of 12 of frame 0",
        ),
        (
            "error output",
            "none",
            "the design's error output is set: a frame began or ended at the wrong beat",
        ),
    ],
)
def test_a_fault_is_found_and_named(run_toy, fault, stalls, failure):
    result = run_toy(fault, stalls=stalls)
    assert not result.passed
    assert result.failures[0] == failure


def test_swapped_channels_are_wrong_from_the_first_word(run_toy):
    result = run_toy("swapped channels", stalls="none")
    first = result.first_mismatch
    assert (first.layer, first.frame, first.y, first.x, first.channels) == ("mix", 0, 0, 0, (0, 1))
    assert first.got == first.expected[::-1] != first.expected


@pytest.mark.parametrize("simulator", ["icarus"], indirect=True)
def test_an_unknown_value_is_seen_where_the_simulator_knows_it(run_toy):
    """Verilator has two values; there the word is merely wrong."""
    result = run_toy("unknown word", stalls="none")
    assert result.failures[0] == (
        "layer mix, stream mix, cycle 35: valid, ready or a payload taken is unknown (X)"
    )
    assert result.first_mismatch.got == (None, None)


@pytest.mark.parametrize("simulator", ["icarus"], indirect=True)
def test_the_seed_decides_the_pauses_and_nothing_else_does(run_toy):
    ends = [run_toy(seed=seed).streams[-1].frame_ends for seed in (5, 5, 6)]
    assert ends[0] == ends[1] != ends[2]
