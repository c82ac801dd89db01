"""The page shows the committed figures, and a crossing is where two lines meet."""

from __future__ import annotations

import json

from benchmarks.engines import CROSSINGS, FOLDINGS, PAGE, RECORD, TEN, crossings, render, wanted


def test_the_page_shows_the_committed_figures() -> None:
    points = json.loads(RECORD.read_text())
    assert render(points) == PAGE.read_text()
    ten = [(str(shape), bits, zeros) for shape, bits, zeros in TEN]
    shown = next(
        point for point in points if (point["layer"], point["bits"], point["zeros"]) in ten
    )
    shown["lut_cycles"] *= 2
    assert render(points) != PAGE.read_text()


def test_ten_layers_on_every_engine_that_takes_them() -> None:
    assert len(TEN) == len(set(TEN)) == 10
    assert {bits for _, bits, _ in TEN} == {2, 8}
    points = wanted()
    assert len(points) == len(set(points))
    assert {(*layer, folding) for layer in TEN for folding in FOLDINGS[layer[0]]} <= set(points)


def test_where_two_engines_are_equal() -> None:
    shape, bits = CROSSINGS[0]
    points = [
        {"layer": str(shape), "bits": bits, "zeros": zeros, "engine": engine, "lut_cycles": cost}
        for zeros, array, skip in ((0.5, 60, 100), (0.7, 140, 100), (0.9, 300, 100))
        for engine, cost in (("array", array), ("skip", skip))
    ]
    (first,) = crossings(points)  # the others have no points
    assert first["ratios"] == [[0.5, 0.6], [0.7, 1.4], [0.9, 3.0]]
    assert round(first["crosses"], 9) == 0.6
    (alike,) = crossings([{**point, "lut_cycles": 100} for point in points if point["zeros"] < 0.9])
    assert alike["crosses"] is None
