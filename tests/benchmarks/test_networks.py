"""The page shows the committed figures; a stream that ends in another cycle than planned is
found."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.networks import FRAMES, LAST, PAGE, RECORD, last_layer, render, streams_as_planned
from tests.targets import GENERIC
from tritforge.config import config
from tritforge.hw.pipeline.plan import plan


def test_the_page_shows_the_committed_figures() -> None:
    points = json.loads(RECORD.read_text())
    assert render(points) == PAGE.read_text()
    assert all(point["cycles"] == point["expected_cycles"] for point in points)
    points[0]["lines"] += 1
    assert render(points) != PAGE.read_text()


def test_every_network_has_a_configuration() -> None:
    assert set(FRAMES) - {LAST} <= set(config.available())


def test_the_last_layer_is_folded_to_the_lanes_of_the_paper() -> None:
    network, foldings = last_layer()
    (node,) = network.matrix_nodes()
    assert node.matrix().shape == (1000, 4096)
    assert foldings["classifier"].pe * foldings["classifier"].simd == 100
    assert plan(network, foldings, GENERIC).interval_cycles == 1000 * 4096 // 100


def outcome(ends: list[int]) -> dict[str, Any]:
    return {
        "design": "net",
        "streams": [
            {"name": "s_axis", "first_cycle": 3, "frame_ends": [9]},
            {"name": "one", "first_cycle": 5, "frame_ends": ends},
        ],
    }


def test_frame_ends_are_compared_with_the_plan() -> None:
    design: Any = SimpleNamespace(stream_cycles={"one": (10, 30, 50)})
    assert streams_as_planned(design, outcome([13, 33])) == 2
    with pytest.raises(
        SystemExit, match=r"^net: frames end on one in cycles \[10, 31\], planned \[10, 30\]$"
    ):
        streams_as_planned(design, outcome([13, 34]))
