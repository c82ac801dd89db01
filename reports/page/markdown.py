"""``report.md``: the report's figures as Markdown, for a terminal, a pull request or a diff."""

from __future__ import annotations

from tritforge.reports.page import sections
from tritforge.reports.page.data import ReportData
from tritforge.reports.page.density import density_table
from tritforge.reports.page.limits import limit_table
from tritforge.reports.render.tables import Table

__all__ = ["render", "tables"]


def render(data: ReportData) -> str:
    """Return the report as GitHub-flavoured Markdown, without the pictures."""
    headline, detail = sections.verdict(data)
    parts = [f"# {data.network.name}\n", f"**{headline}.** {detail}\n"]
    parts.append(
        "\n".join(
            f"- {tile.name}: **{tile.figure}** ({tile.detail})" for tile in sections.tiles(data)
        )
        + "\n"
    )
    parts += [_chain(data).markdown(2)]
    parts += [table.markdown(2) for table in tables(data)]
    if data.commands:
        parts.append("## Reproduce\n\n```\n" + "\n".join(data.commands) + "\n```\n")
    return "\n".join(parts)


def tables(data: ReportData) -> tuple[Table, ...]:
    """Every table of the report, in its order, the chain apart."""
    return (
        sections.accuracy_table(data),
        sections.weights_table(data),
        density_table(data.network, data.manifest),
        sections.comparisons_table(data),
        *((sections.words_table(data),) if data.comparisons else ()),
        sections.cycles_table(data),
        limit_table(data),
        sections.runs_table(data),
        sections.resources_table(data),
        sections.estimate_table(data),
        *data.others,
        sections.versions_table(data),
    )


def _chain(data: ReportData) -> Table:
    """The chain as a table, for want of a picture."""
    types = data.network.types
    rows = [("input", "", str(data.network.input))]
    rows += [(node.name, node.summary, str(types[node.name])) for node in data.network.nodes]
    return Table("Network", ("Tensor", "Made by", "Shape and type"), tuple(rows))
