from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser
from importlib import resources

import pytest

from tritforge.reports.page.html import fragment, page, render
from tritforge.reports.render.svg import Svg
from tritforge.reports.render.tables import Column, Table

TEMPLATES = resources.files("tritforge.reports.page").joinpath("templates")
STYLE = TEMPLATES.joinpath("report.css").read_text("utf-8")
SCRIPT = TEMPLATES.joinpath("report.js").read_text("utf-8")


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


@pytest.fixture(scope="module")
def report(data):
    """The page of a complete report."""
    return render(data)


@pytest.fixture(scope="module")
def bare_report(bare):
    return render(bare)


@pytest.mark.parametrize("which", ["report", "bare_report"])
def test_the_page_is_well_formed(which, request):
    checker = check(request.getfixturevalue(which))
    anchors = {link[1:] for link in checker.links if link}
    assert anchors
    assert anchors <= checker.ids


def test_the_page_needs_nothing_from_elsewhere(report):
    assert set(re.findall(r"https?://[^\"' )]*", report)) == {"http://www.w3.org/2000/svg"}
    assert report.count("<script") == 1
    assert SCRIPT in report
    assert not re.search(r"\b(src|srcset)=|@import|url\((?!#)", report)


def test_the_page_is_the_same_from_run_to_run(data, report):
    assert render(data) == report


def test_every_colour_is_defined(report):
    used = set(re.findall(r"var\(--([\w-]+)\)", report))
    assert used
    assert used <= set(re.findall(r"--([\w-]+): #\w{6};", report))


def test_style_and_script_are_whole_and_reach_for_nothing():
    for text in (STYLE, SCRIPT):
        assert text.count("{") == text.count("}") > 10
    words = ("</", "fetch", "import", "eval", "innerHTML", "http", "url(")
    assert not any(word in STYLE + SCRIPT for word in words)


def test_paper_has_no_dark_page_and_no_navigation():
    paper = STYLE.split("@media print")[1]
    assert "--page: #fff" in paper
    assert "nav { display: none }" in paper


def test_pictures_do_not_share_identifiers(report):
    found = re.findall(r'\bid="([^"]+)"', report)
    assert len(found) == len(set(found))


def test_figures_reach_the_page(report):
    text = " ".join(check(report).text)
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


def test_unknown_is_not_zero(bare_report):
    assert '<div class="verdict unproven">' in bare_report
    assert bare_report.count("not measured") >= 6
    assert "0 differ" not in bare_report


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


def test_what_sets_the_rate(data, report):
    assert "The slowest layer sets the rate." in report
    manifest = dataclasses.replace(data.manifest, interval_cycles=3_829)
    text = render(dataclasses.replace(data, manifest=manifest))
    assert (
        "The slowest layer takes 2,304 cycles per frame; with backpressure between the layers, "
        "the network takes 3,829."
    ) in text


def test_a_table_in_html():
    table = Table(
        "A & B",
        ("Name", Column("Share", suffix=" %")),
        (("<x>", 1.25), ("y", None), ("total", 2)),
        ("a < b",),
        summary_rows=1,
    )
    text = page("T", ((table, Svg(10, 10, "picture")), (table, None)))
    check(text)
    assert '<thead><tr><th>Name</th><th class="n">Share</th></tr></thead>' in text
    assert '<tr><td>&lt;x&gt;</td><td class="n">1.2 %</td></tr>' in text
    assert '<td class="n"><span class="unknown">not measured</span></td>' in text
    assert '<tr class="sum"><td>total</td><td class="n">2 %</td></tr>' in text
    assert "<p>a &lt; b</p>" in text
    assert text.count('<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"') == 1
    assert "<figcaption>A &amp; B</figcaption>" in fragment([table], {})


def test_a_table_without_rows_or_headings():
    empty = fragment([Table("t", ("a",), (), ("Run it.",))], {})
    assert '<p class="unknown">not measured</p>' in empty
    assert "<p>Run it.</p>" in empty
    assert "<thead>" not in fragment([Table("t", ("", ""), (("a", "b"),))], {})
