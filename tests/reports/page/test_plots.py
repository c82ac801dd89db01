from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from tritforge.export.ir.nodes import Convolution, Dense
from tritforge.reports.page import plots
from tritforge.reports.synth.resources import Resources


def texts(svg):
    return [e.text for e in ElementTree.fromstring(str(svg)).iter() if e.tag.endswith("text")]


def strokes(svg, colour):
    """(x, y, length) of each stroke of one colour, from its own notation, and its width."""
    root = ElementTree.fromstring(str(svg))
    (path,) = (e for e in root.iter() if e.get("stroke") == f"var(--{colour})")
    found, x, y = [], 0.0, 0.0
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", path.get("d")):
        values = [float(number) for number in numbers.split()]
        if command == "h":
            found.append((x, y, *values))
            x += values[0]
        else:
            x, y = values if command == "M" else (x + values[0], y + values[1])
    return found, float(path.get("stroke-width"))


def area(svg, colour):
    lines, width = strokes(svg, colour)
    return width * sum(length for _, _, length in lines)


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
    assert area(svg, "accent") * minus == area(svg, "contrast") * plus > 0
    cell = area(svg, "accent") // plus
    assert area(svg, "accent") == cell * plus
    assert max(x + length for x, _, length in strokes(svg, "accent")[0]) <= svg.width
    assert max(y for _, y, _ in strokes(svg, "accent")[0]) < svg.height
    assert svg.width <= plots.WIDTH


def test_a_kernel_is_painted_where_its_weights_are():
    first, second = [[0, 1, 1], [-1, 0, 0], [0, 0, 1]], [[1, 0, 1], [0, 0, 0], [0, 0, 0]]
    planes = np.array([[[first], [second]]], np.int8)  # two output channels, side by side
    svg, _ = plots.kernels(Convolution(name="c", input="input", planes=planes))
    assert strokes(svg, "contrast") == ([(0, 22.5, 15)], 15)
    above = [(15, 7.5, 30), (53, 7.5, 15), (83, 7.5, 15)]
    assert strokes(svg, "accent") == ([*above, (30, 37.5, 15)], 15)
    assert strokes(svg, "zero") == ([(0, 22.5, 98)], 45)
    assert 'stroke-dasharray="45 8"' in str(svg)


def test_what_does_not_fit_is_left_out_and_said():
    big = Convolution(name="c", input="input", planes=np.ones((1, 100, 60, 1, 1), np.int8))
    _, note = plots.kernels(big)
    assert note == (
        "A column for each output channel (64 of 100 shown), a row for each input channel (48 of "
        "60 shown)."
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
