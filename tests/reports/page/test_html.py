from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import pytest

from tritforge.reports.page.html import render
from tritforge.reports.render.sorting import SORT
from tritforge.reports.render.style import STYLE


class Checker(HTMLParser):
    """Collects anchors and tells whether every tag that opens closes in order."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.text = [], set(), set(), []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids.add(found.get("id"))
        self.links.add(found.get("href"))
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def check(page):
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    return checker


@pytest.mark.parametrize("which", ["data", "bare"])
def test_the_page_is_well_formed(which, request):
    checker = check(render(request.getfixturevalue(which)))
    anchors = {link[1:] for link in checker.links if link}
    assert anchors
    assert anchors <= checker.ids


def test_the_page_needs_nothing_from_elsewhere(data):
    page = render(data)
    assert set(re.findall(r"https?://[^\"' )]*", page)) == {"http://www.w3.org/2000/svg"}
    assert page.count("<script") == 1
    assert f"<script>{SORT}</script>" in page
    assert not re.search(r"\b(src|srcset)=|@import|url\(", page)


def test_the_page_is_the_same_from_run_to_run(data):
    assert render(data) == render(data)


def test_every_colour_is_defined_in_light_and_dark(data):
    used = set(re.findall(r"var\((--[\w-]+)\)", render(data)))
    light, dark = STYLE.split("@media (prefers-color-scheme:dark)")[:2]
    assert used
    for name in used:
        assert f"{name}:" in light
        assert f"{name}:" in dark.split("@media")[0]


def test_figures_reach_the_page(data):
    text = " ".join(check(render(data)).text)
    for figure in (
        "Every word equal",
        "97.78 %",
        "2,412,000",
        "2,304",
        "298,600",
        "Yosys 0.70",
        "make demo",
    ):
        assert figure in text


@pytest.mark.parametrize(("verdict", "differences"), [("equal", 0), ("different", 3)])
def test_the_verdict_is_seen(data, verdict, differences):
    bad = dataclasses.replace(data.comparisons[0], differences=differences)
    page = render(dataclasses.replace(data, comparisons=(bad,)))
    assert f'<div class="verdict {verdict}">' in page


def test_unknown_is_not_zero(bare):
    page = render(bare)
    assert '<div class="verdict unproven">' in page
    assert page.count("not measured") >= 6
    assert "0 differ" not in page


def test_what_comes_from_outside_is_escaped(data):
    page = render(
        dataclasses.replace(
            data,
            commands=("<script>x</script>",),
            versions={"<b>": "<script>y</script>"},
            training=dataclasses.replace(data.training, dataset="<script>z</script>"),
        )
    )
    assert page.count("<script") == 1
    check(page)


def test_what_sets_the_rate(data):
    assert "The slowest layer sets the rate." in render(data)
    manifest = dataclasses.replace(data.manifest, interval_cycles=3_829)
    text = render(dataclasses.replace(data, manifest=manifest))
    assert (
        "The slowest layer takes 2,304 cycles; waiting for each other, the layers take 3,829."
        in text
    )
