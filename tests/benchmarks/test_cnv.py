"""The page shows the committed figures, which meet the goal; every layer has a unit at the rate."""

from __future__ import annotations

import json

from benchmarks.cnv import (
    BRAM18_GOAL,
    CLOCK_HZ,
    FINN,
    FRAMES_PER_SECOND,
    LUT_GOAL,
    PAGE,
    RECORD,
    render,
    table,
)
from tritforge.config import config


def test_the_page_shows_the_committed_figures() -> None:
    points = json.loads(RECORD.read_text())
    assert render(points) == PAGE.read_text()
    points[0]["total"]["lut"] += 1
    assert render(points) != PAGE.read_text()


def test_the_figures_are_those_of_the_configuration_and_meet_the_goal() -> None:
    points = json.loads(RECORD.read_text())
    foldings = config.load(config.locate("cnv")).hardware.layers
    assert [point["layer"] for point in points] == list(foldings)
    for point in points:
        folding = foldings[point["layer"]]
        assert (point["pe"], point["simd"]) == (folding.pe, folding.simd)
        assert point["packing"] == folding.packing.value
    assert CLOCK_HZ / max(point["cycles"] for point in points) >= FRAMES_PER_SECOND
    total = table(points).rows[-1]
    assert total[5] <= LUT_GOAL
    assert total[11] <= BRAM18_GOAL
    assert total[12:14] == (16_198, 202) == tuple(sum(layer[at] for layer in FINN) for at in (0, 1))
