from __future__ import annotations

from xml.etree import ElementTree

from tests.export.networks import residual
from tritforge.reports.page import graph, plots


def test_lines_and_branches() -> None:
    rows = [[node.name for node in line] for line in graph.lines(residual())]
    assert rows == [
        ["conv", "act"],
        ["body", "body_act"],
        ["skip"],
        ["merge", "merge_act", "pool", "sums", "flat"],
        ["dense", "dense_bias", "best"],
    ]
    assert graph.branches(residual()) == [(0, 2), (1, 3)]  # past the body, and past the shortcut


def test_every_layer_is_named_inside_the_picture() -> None:
    svg = graph.draw(residual())
    root = ElementTree.fromstring(str(svg))
    shown = {e.text: e for e in root.iter() if e.tag.endswith("text")}
    assert {"input", "output", "conv", "body", "skip", "merge", "dense"} <= set(shown)
    assert "shortcut, stride 2, 3 channels of 0" in shown
    for text in shown.values():
        assert 0 <= float(text.get("y")) <= float(root.get("height"))


def test_crossing_branches_have_lanes_of_their_own() -> None:
    lanes = {edge: lane for lane, edge in graph._lanes([(0, 2), (1, 3), (0, 4), (5, 7)])}
    assert lanes[0, 2] != lanes[1, 3]
    assert len({lanes[0, 2], lanes[1, 3], lanes[0, 4]}) == 3
    assert lanes[5, 7] == 0


def test_the_report_takes_the_picture_that_fits(network) -> None:
    assert graph.picture(network).title == plots.chain(network).title
    assert graph.picture(residual()).title == "The layers of residual from top to bottom"
