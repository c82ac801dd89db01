from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from tritforge.reports.render.scatter import Dot, scatter

SVG = "{http://www.w3.org/2000/svg}"


def dots(svg):
    """Centre and hint of each dot."""
    found = []
    for group in ElementTree.fromstring(svg.standalone()).iter(f"{SVG}g"):
        title = group.find(f"{SVG}title")
        if title is not None:
            use = next(group.iter(f"{SVG}use"))
            found.append((title.text, float(use.get("x")), float(use.get("y"))))
    return found


def test_equal_ratios_are_equal_distances():
    points = [Dot(10.0**at, 2.0**at, "a", hint=f"p{at}") for at in range(1, 5)]
    found = dots(scatter(points, "t", "rate", "LUT"))
    assert [name for name, *_ in found] == ["p1", "p2", "p3", "p4"]
    (x1, y1), (x2, y2), (x3, y3), _ = [(x, y) for _, x, y in found]
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.03)  # drawn to a hundredth
    assert y1 - y2 == pytest.approx(y2 - y3, abs=0.03)
    assert x1 < x2
    assert y1 > y2


def test_each_series_has_a_line_and_a_name():
    points = [
        Dot(1, 1, "a"),
        Dot(2, 3, "a"),
        Dot(5, 2, "b & c", label="here", marked=True),
        Dot(9, 9, "b & c"),
    ]
    text = str(scatter(points, "t", "x title", "y title"))
    line = r"<path d=\"M [^z\"]*\" clip-path=\"[^\"]*\" style=\"fill: none; stroke: var\(--(?!line)"
    assert len(re.findall(line, text)) == 2
    for word in ("x title", "y title", "b &amp; c", "here"):
        assert word in text
    assert re.findall(line, str(scatter(points, "t", "x", "y", lines=False))) == []


def test_one_axis_may_be_linear():
    found = dots(scatter([Dot(1, 98.0, hint="a"), Dot(10, 99.0, hint="b"), Dot(5, 98.5, hint="c")],
                         "t", "x", "y", linear_y=True))  # fmt: skip
    heights = {name: y for name, _, y in found}
    assert heights["a"] - heights["c"] == pytest.approx(heights["c"] - heights["b"], abs=0.03)


def test_a_single_point_is_no_division_by_zero():
    assert dots(scatter([Dot(7, 7, hint="only")], "t", "x", "y"))[0][0] == "only"
    assert dots(scatter([Dot(7, 7, hint="only")], "t", "x", "y", linear_y=True))[0][0] == "only"


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match=r"^dots must not be empty$"):
        scatter([], "t", "x", "y")
    with pytest.raises(ValueError, match=r"^dots must have coordinates above 0$"):
        scatter([Dot(0, 1)], "t", "x", "y")


def test_names_of_series_stand_side_by_side():
    names = ["a", "cheapest plan of each rate", "chosen"]
    picture = scatter([Dot(at, at, name) for at, name in enumerate(names, 1)], "t", "x", "y")
    tree = ElementTree.fromstring(picture.standalone())
    place = {text.text: float(text.get("x")) for text in tree.iter(f"{SVG}text")}
    ends = [place[name] + 6 * len(name) for name in names]
    assert ends[0] < place[names[1]] - 15
    assert ends[1] < place[names[2]] - 15
    assert ends[2] <= picture.width
