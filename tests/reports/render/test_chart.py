from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from tritforge.reports.render.chart import (
    Series,
    bars,
    canvas,
    hinted,
    label,
    png,
    short,
    styled,
    svg,
)

SVG = "{http://www.w3.org/2000/svg}"


def texts(picture):
    return [e.text for e in ElementTree.fromstring(str(picture)).iter(f"{SVG}text")]


def two_bars(**options):
    series = [Series("logic", "accent", [3, 0]), Series("memory", "weak", [1, 8])]
    return bars("LUTs", ["a < b", "c"], series, ["4 LUT", "8 LUT"], "LUT", **options)


def test_a_chart_says_names_ends_axis_and_meaning_of_its_colours():
    shown = texts(two_bars())
    assert {"a < b", "c", "4 LUT", "8 LUT", "LUT", "logic", "memory"} <= set(shown)


def test_bars_are_as_long_as_their_values_and_say_them():
    root = ElementTree.fromstring(str(two_bars()))
    lengths = {}
    for group in root.iter(f"{SVG}g"):
        title = group.find(f"{SVG}title")
        if title is not None:
            xs = [float(x) for x in re.findall(r"[ML] ([\d.]+)", group.find(f"{SVG}path").get("d"))]
            lengths[title.text] = max(xs) - min(xs)
    assert list(lengths) == ["a < b: 3 logic", "a < b: 1 memory", "c: 8 memory"]
    assert lengths["a < b: 3 logic"] == pytest.approx(3 * lengths["a < b: 1 memory"], abs=0.1)
    assert lengths["c: 8 memory"] == pytest.approx(8 * lengths["a < b: 1 memory"], abs=0.1)


def test_logarithmic_bars_have_decades():
    shown = texts(
        bars("t", ["x", "y"], [Series("", "accent", [10, 20_000])], ["", ""], "n", log=True)
    )
    assert [text for text in shown if text not in {"x", "y", "n"}] == [
        "1",
        "10",
        "100",
        "1 k",
        "10 k",
    ]


def test_values_inside_and_a_mark():
    shown = texts(two_bars(inside="{:.0f} in it", mark=(5, "five")))
    assert {"3 in it", "1 in it", "8 in it", "five"} <= set(shown)


def test_nothing_to_draw_is_no_error():
    assert bars("t", [], [Series("", "accent", [])], [], "n").width == 920
    assert bars("t", ["a"], [Series("", "accent", [0])], ["0"], "n").width == 920


def test_every_colour_has_a_name_and_no_font_is_set():
    text = str(two_bars(inside="{}", mark=(5, "five")))
    assert not re.search(r"#[0-9a-f]{6}\b(?!\")", text)
    assert "var(--accent)" in text
    assert "font-family" not in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


@styled()
def drawn():
    figure = canvas(100)
    axes = figure.subplots()
    axes.plot([0.123456789], [1], "o", gid=hinted('"0.123456789" & <b>'))
    axes.set_title("0.123456789")
    return figure


def test_numbers_are_short_but_not_those_that_are_text():
    picture = svg(drawn(), 'a "title"')
    root = ElementTree.fromstring(str(picture))
    assert (root.get("viewBox"), root.get("aria-label")) == ("0 0 920 100", 'a "title"')
    assert [e.text for e in root.iter(f"{SVG}title")] == ['"0.123456789" & <b>']
    assert "0.123456789" in texts(picture)
    places = [e.get("x") for e in root.iter(f"{SVG}use")]
    assert places
    assert all(re.fullmatch(r"[\d.]+?(\.\d{1,2})?", place) for place in places)


def test_the_same_figure_gives_the_same_bytes():
    assert str(svg(drawn(), "t")) == str(svg(drawn(), "t"))
    assert png(drawn()) == png(drawn())
    assert png(drawn()).startswith(b"\x89PNG")


@styled()
def test_labels_do_not_cover_each_other():
    figure = canvas(300)
    axes = figure.subplots()
    axes.set(xlim=(0, 10), ylim=(0, 10))
    label(axes, [(1, 1, "first"), (1.01, 1.01, "second"), (5, 5, ""), (9.99, 5, "at the edge")])
    found = {text.get_text(): text for text in axes.texts}
    assert set(found) == {"first", "second", "at the edge"}
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(a.overlaps(b) for a in boxes for b in boxes if a is not b)
    assert found["at the edge"].get_horizontalalignment() == "right"
    many = [(5.0, 5.0, f"n{number}") for number in range(9)]
    axes = canvas(300).subplots()
    axes.set(xlim=(0, 10), ylim=(0, 10))
    label(axes, many)
    assert 0 < len(axes.texts) < 9


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "0.5"), (999, "999"), (2_000, "2 k"), (1.5e6, "1.5 M"), (3e9, "3 G")]
)
def test_short_numbers(value, text):
    assert short(value) == text
