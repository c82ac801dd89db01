from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Convolution, Dense, MaxPool, Network, TensorType
from tritforge.reports.page import plots
from tritforge.reports.synth.resources import Resources


def texts(svg):
    return [e.text for e in ElementTree.fromstring(str(svg)).iter() if e.tag.endswith("text")]


def area(svg, fill):
    """Cells that the path of one colour covers, from its own notation."""
    root = ElementTree.fromstring(str(svg))
    data = "".join(
        e.get("d") for e in root.iter() if e.tag.endswith("path") and e.get("fill") == fill
    )
    return sum(int(w) * int(h) for w, h in re.findall(r"h(\d+)v(\d+)h-\1z", data))


def dense_chain(layers):
    nodes = [
        Dense(
            name=f"fc{n}", input=f"fc{n - 1}" if n else "input", planes=np.ones((1, 4, 4), np.int8)
        )
        for n in range(layers)
    ]
    return Network("chain", TensorType(1, 1, 4, DataType(2, signed=False)), tuple(nodes))


def test_stages_begin_with_weights(network):
    assert [[node.name for node in stage] for stage in plots.stages(network)] == [
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
    assert [[node.name for node in stage] for stage in plots.stages(network)] == [
        ["pool"],
        ["conv"],
    ]
    assert "pool" in texts(plots.chain(network))


def test_descriptions(network):
    assert [node.summary for node in network.nodes] == [
        "3\N{MULTIPLICATION SIGN}3 convolution 1→16",
        "3 thresholds, 2 bit",
        "max pool 2\N{MULTIPLICATION SIGN}2",
        "3\N{MULTIPLICATION SIGN}3 convolution 16→24",
        "3 thresholds, 2 bit",
        "flatten",
        "dense 384→10",
        "integer bias",
        "arg max",
    ]


def test_the_chain_names_layers_types_and_folding(network, manifest):
    shown = texts(plots.chain(network, manifest))
    assert {"conv1", "conv2", "classifier", "input", "output"} <= set(shown)
    assert [text for text in shown if re.fullmatch(r"[us]\d+", text)] == ["u4", "u2", "u2", "u4"]
    assert "pe 8, simd 16, packing 2bit" in shown
    assert "2,304 cycles per frame" in shown
    assert not any("simd" in text for text in texts(plots.chain(network)))


@pytest.mark.parametrize("layers", [1, 3, 4, 7])
def test_a_long_chain_wraps_inside_the_picture(layers):
    svg = plots.chain(dense_chain(layers))
    root = ElementTree.fromstring(str(svg))
    boxes = [e for e in root.iter() if e.tag.endswith("rect") and e.get("stroke")]
    assert len(boxes) == layers
    for box in boxes:
        assert float(box.get("x")) + float(box.get("width")) <= svg.width
        assert float(box.get("y")) + float(box.get("height")) <= svg.height
    assert texts(svg).count("input") == texts(svg).count("output") == 1


def test_sparsity_shows_each_layer_and_all(network):
    shown = texts(plots.sparsity(network))
    assert [text for text in shown if text in {"conv1", "conv2", "classifier", "all layers"}] == [
        "conv1", "conv2", "classifier", "all layers",
    ]  # fmt: skip
    assert "7,440 weights" in shown


@pytest.mark.parametrize("name", ["conv1", "conv2", "classifier"])
def test_every_weight_is_painted_in_its_colour(network, name):
    node = next(node for node in network.nodes if node.name == name)
    svg, _ = plots.kernels(node)
    plus, minus = int((node.planes == 1).sum()), int((node.planes == -1).sum())
    assert area(svg, "var(--accent)") * minus == area(svg, "var(--contrast)") * plus > 0
    cell = area(svg, "var(--accent)") // plus
    assert area(svg, "var(--accent)") == cell * plus
    assert svg.width <= plots.WIDTH


def test_a_kernel_is_painted_where_its_weights_are():
    planes = np.array([[[[[0, 1, 1], [-1, 0, 0], [0, 0, 1]]]]], np.int8)
    svg, _ = plots.kernels(Convolution(name="c", input="input", planes=planes))
    root = ElementTree.fromstring(str(svg))
    paths = {e.get("fill"): e.get("d") for e in root.iter() if e.tag.endswith("path")}
    assert paths == {
        "var(--contrast)": "M0 15h15v15h-15z",
        "var(--accent)": "M15 0h30v15h-30zM30 30h15v15h-15z",
    }


def test_what_does_not_fit_is_left_out_and_said():
    big = Convolution(name="c", input="input", planes=np.ones((1, 100, 60, 1, 1), np.int8))
    _, note = plots.kernels(big)
    assert note == (
        "A column for each output channel (64 of 100 shown), a row for each input channel (48 of 60 shown)."
    )
    wide = Dense(name="d", input="input", planes=np.ones((1, 60, 1_000), np.int8))
    svg, note = plots.kernels(wide)
    assert "(48 of 60 shown)" in note
    assert "(460 of 1,000 shown)" in note
    assert svg.width <= plots.WIDTH


def hints(svg):
    """Meaning and colour of every bar, by its own words."""
    found = {}
    for group in ElementTree.fromstring(str(svg)).iter("{http://www.w3.org/2000/svg}g"):
        title = group.find("{http://www.w3.org/2000/svg}title")
        if title is not None:
            path = group.find("{http://www.w3.org/2000/svg}path")
            found[title.text] = re.search(r"fill: var\(--(\w+)\)", path.get("style"))[1]
    return found


def test_the_slowest_layer_stands_out(manifest):
    svg = plots.cycles(manifest)
    found = hints(svg)
    assert found["conv1: 2,304 slowest layer"] == "accent"
    assert list(found.values()) == ["accent", *["weak"] * 4]
    assert {"conv1", "2,304"} <= set(texts(svg))


def test_luts_are_stacked():
    svg = plots.luts({"a": Resources(lut=30, inv=10, lutram=40), "b": Resources()})
    assert {"a", "80", "b", "0"} <= set(texts(svg))
    assert hints(svg) == {
        "a: 40 LUTs as logic": "accent",
        "a: 40 LUTs as memory and shift registers": "weak",
    }
