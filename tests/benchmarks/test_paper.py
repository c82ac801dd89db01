"""The section with the papers' tables."""

from __future__ import annotations

from pathlib import Path

from benchmarks import paper
from tests.reports.conftest import make_manifest, make_network


def test_the_section_holds_the_papers_figures_and_ours(tmp_path: Path) -> None:
    network = make_network()
    page = tmp_path / "results.md"
    paper.publish("little", network, make_manifest(network), page)
    text = page.read_text()
    assert "| FP | 100 | 100 | 49,600 | 74,650 | 200 | 1,920 |" in text
    assert "| Tern. | 0 | 90 | 23,490 | 74,650 | 0 | 1,920 |" in text
    assert "25,050 / 261 = 95 ternary MACs fit there" in text
    assert "| ternary, 2-bit integers (ours) |" in text
    assert "| AlexNet, ICS | ICS, Table VII, after fine-tuning | 53.6 % | 67.5 % | 41.1 % |" in text
    assert "| conv2 | 1 | 3,456 |" in text
    for name in ("formats.svg", "density_little.svg"):
        assert f"]({name})" in text
        assert (tmp_path / name).read_text().startswith("<svg")
