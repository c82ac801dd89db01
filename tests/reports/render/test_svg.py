from __future__ import annotations

from xml.etree import ElementTree

from tritforge.reports.render.svg import Svg


def drawn():
    svg = Svg(100, 40.5, 'a "title" & more')
    svg.rect(1, 2.5, 3.123456, 4, "var(--accent)")
    svg.box(0, 0, 10, 10)
    svg.text(5, 6, "a < b & c", anchor="middle", bold=True)
    svg.arrow(0, 20, 10)
    svg.group("<g/>")
    return svg


def test_it_is_well_formed_and_says_its_size():
    root = ElementTree.fromstring(str(drawn()))
    assert root.get("viewBox") == "0 0 100 40.5"
    assert root.get("aria-label") == 'a "title" & more'
    texts = [element.text for element in root.iter() if element.text]
    assert texts == ["a < b & c"]


def test_coordinates_are_short():
    assert 'x="1" y="2.5" width="3.12" height="4"' in str(drawn())


def test_standalone_brings_its_colours():
    page, alone = str(drawn()), drawn().standalone()
    assert "<style>" not in page
    assert "prefers-color-scheme: dark" in alone
    ElementTree.fromstring(alone)
