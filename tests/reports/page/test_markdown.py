from __future__ import annotations

import re

import pytest

from tritforge.reports.page.markdown import render


def test_sections_and_figures(data):
    page = render(data)
    assert page.startswith(
        "# digits\n\n**Every word equal.** 2,412,000 integers compared bit for bit, 0 differ."
    )
    assert re.findall(r"^## (.*)$", page, flags=re.MULTILINE) == [
        "Network",
        "Accuracy and training",
        "Weights",
        "Density and compression",
        "Compared bit for bit",
        "Words at each layer boundary",
        "Plan",
        "Initiation interval against its lower bound",
        "Simulated cycles against the plan",
        "Resources",
        "Estimate, synthesis and simulation",
        "Versions",
        "Reproduce",
    ]
    assert "- DSP blocks: **0** (of 1,920)\n" in page


@pytest.mark.parametrize("which", ["data", "bare"])
def test_every_row_has_the_cells_of_its_table(which, request):
    width = None
    for line in render(request.getfixturevalue(which)).splitlines():
        cells = line.count("|") if line.startswith("|") else None
        assert width is None or cells is None or cells == width
        width = cells


def test_the_chain_gives_each_tensors_type(data):
    assert "| conv2 | 3\N{MULTIPLICATION SIGN}3 convolution 16→24 | 4x4x24 s9 |" in render(data)


def test_unknown_is_said(bare):
    page = render(bare)
    assert page.startswith("# digits\n\n**Nothing was compared.**")
    assert "*not measured*" in page
    assert "Reproduce" not in page
