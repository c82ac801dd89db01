"""``report.html``: one file that holds everything, style and pictures included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tritforge.reports.page import curve, graph, plots, sections
from tritforge.reports.page.data import ReportData
from tritforge.reports.page.density import density_picture, density_table, papers_table
from tritforge.reports.page.limits import limit_table, roofline
from tritforge.reports.render.chart import svg
from tritforge.reports.render.palette import PALETTE
from tritforge.reports.render.svg import Svg
from tritforge.reports.render.tables import Table
from tritforge.reports.synth.utilisation import by_layer
from tritforge.templates import environment

__all__ = ["fragment", "page", "render"]

_MARKS = {"equal": "✓", "different": "✗", "unproven": "\N{EM DASH}"}


def render(data: ReportData) -> str:
    """Return the page for ``data``; it needs no other file and no network."""
    log = data.training.log if data.training is not None else ()
    limits = limit_table(data)
    return _render(
        "report",
        data=data,
        marks=_MARKS,
        verdict=sections.verdict(data),
        tiles=sections.tiles(data),
        diagram=graph.picture(data.network, data.manifest),
        accuracy=sections.accuracy_table(data),
        curve=svg(curve.draw(log), "Training curve") if log else None,
        weights=sections.weights_table(data),
        sparsity=plots.sparsity(data.network),
        density=density_table(data.network, data.manifest),
        density_picture=density_picture(data.network),
        papers=papers_table(),
        kernels=[plots.kernels(node) for node in data.network.matrix_nodes()],
        comparisons=sections.comparisons_table(data),
        words=sections.words_table(data) if data.comparisons else None,
        slowest=max(layer.interval_cycles or 0 for layer in data.manifest.layers),
        cycles=plots.cycles(data.manifest),
        limits=limits,
        roofline=roofline(limits),
        plan=sections.cycles_table(data),
        runs=sections.runs_table(data),
        luts=None
        if data.synthesis is None
        else plots.luts(by_layer(data.synthesis, data.layer_names)),
        resources=sections.resources_table(data),
        estimate=sections.estimate_table(data),
        versions=sections.versions_table(data),
    )


def page(title: str, parts: Iterable[tuple[Table, Svg | None]]) -> str:
    """Return a page of tables, each with its picture below."""
    return _render("tables", title=title, parts=list(parts))


def fragment(tables: Sequence[Table], pictures: Mapping[str, str]) -> str:
    """Return tables and pictures, by title their file, as a piece of a page."""
    return _render("compare", tables=tables, pictures=pictures)


def _render(name: str, **values: Any) -> str:
    template = environment("tritforge.reports.page").get_template(f"{name}.html.j2")
    return template.render(palette=PALETTE, **values)
