from __future__ import annotations

import pytest

from tritforge.sim.result import culprit, planned_cycles
from tritforge.sim.scoreboard import StreamReport


def report(name, delivered, expected=10):
    return StreamReport(name, name, "t", expected, delivered, delivered, 0, None, (), 0, ())


@pytest.mark.parametrize(
    ("frames", "listed", "planned"),
    [
        (1, None, [50]),
        (4, None, [50, 60, 70, 80]),
        (4, (50, 75), [50, 75, 85, 95]),
        (2, (50, 75, 85), [50, 75]),
    ],
)
def test_planned_cycles(frames, listed, planned):
    assert planned_cycles(frames, 50, 10, listed) == planned


@pytest.mark.parametrize(
    ("delivered", "held", "message"),
    [
        ((10, 10, 10), [], None),
        ((10, 9, 9), [], "layer b delivered 9 of 10 words (stream b) and no more"),
        ((10, 10, 0), [], "layer c delivered 0 of 10 words (stream c) and no more"),
        # a and b are short because c takes nothing
        (
            (8, 7, 6),
            ["a", "b"],
            "layer c delivered 6 of 10 words (stream c) and no more, "
            "while 7 of 10 words of stream b were taken and the next is offered",
        ),
        # the sink takes nothing: no layer is to blame
        ((8, 7, 6), ["a", "b", "c"], None),
    ],
)
def test_the_layer_that_lost_words_is_named(delivered, held, message):
    streams = tuple(report(name, count) for name, count in zip("abc", delivered, strict=True))
    assert culprit(streams, held) == message
