from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from tests.export.networks import residual
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Convolution, Dense, Network, TensorType
from tritforge.export.ir.pools import MaxPool
from tritforge.reports.page import graph


def texts(svg):
    return [e.text for e in ElementTree.fromstring(str(svg)).iter() if e.tag.endswith("text")]


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
    assert graph.picture(network).title == graph.chain(network).title
    assert graph.picture(residual()).title == "The layers of residual from top to bottom"


def dense_chain(layers):
    nodes = [
        Dense(
            name=f"fc{n}", input=f"fc{n - 1}" if n else "input", planes=np.ones((1, 4, 4), np.int8)
        )
        for n in range(layers)
    ]
    return Network("chain", TensorType(1, 1, 4, DataType(2, signed=False)), tuple(nodes))


def test_stages_begin_with_weights(network):
    assert [[node.name for node in stage] for stage in graph.stages(network)] == [
        ["conv1", "act1", "pool1"],
        ["conv2", "act2", "flatten"],
        ["classifier", "classifier_bias", "argmax"],
    ]


def test_a_network_may_begin_without_weights():
    source = TensorType(4, 4, 1, DataType(2, signed=False))
    nodes = (
        MaxPool(name="pool", input="input", size=(2, 2)),
        Convolution(name="conv", input="pool", planes=np.ones((1, 2, 1, 1, 1), np.int8)),
    )
    network = Network("n", source, nodes)
    assert [[node.name for node in stage] for stage in graph.stages(network)] == [
        ["pool"],
        ["conv"],
    ]
    assert "pool" in texts(graph.chain(network))


def test_the_chain_names_layers_types_and_folding(network, manifest):
    shown = texts(graph.chain(network, manifest))
    assert {"conv1", "conv2", "classifier", "input", "output"} <= set(shown)
    assert [text for text in shown if re.fullmatch(r"[us]\d+", text)] == ["u4", "u2", "u2", "u4"]
    assert "pe 8, simd 16, packing 2bit" in shown
    assert "2,304 cycles per frame" in shown
    assert not any("simd" in text for text in texts(graph.chain(network)))


@pytest.mark.parametrize("layers", [1, 3, 4, 7])
def test_a_long_chain_wraps_inside_the_picture(layers):
    svg = graph.chain(dense_chain(layers))
    root = ElementTree.fromstring(str(svg))
    boxes = [e for e in root.iter() if e.tag.endswith("rect") and e.get("stroke")]
    assert len(boxes) == layers
    for box in boxes:
        assert float(box.get("x")) + float(box.get("width")) <= svg.width
        assert float(box.get("y")) + float(box.get("height")) <= svg.height
    assert texts(svg).count("input") == texts(svg).count("output") == 1
