"""``report.html``: one file that holds everything, style and pictures included."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from tritforge.export.ir.nodes import MatrixNode
from tritforge.reports.page import graph, plots, sections
from tritforge.reports.page.data import ReportData
from tritforge.reports.page.density import density_picture, density_table, papers_table
from tritforge.reports.page.limits import limit_table, roofline
from tritforge.reports.render.sorting import SORT
from tritforge.reports.render.style import STYLE
from tritforge.reports.render.svg import TIMES, Svg
from tritforge.reports.render.tables import UNKNOWN, Table
from tritforge.reports.synth.utilisation import by_layer

__all__ = ["page", "render"]

_SECTIONS = (
    ("chain", "Chain"),
    ("accuracy", "Accuracy"),
    ("weights", "Weights"),
    ("proof", "Proof"),
    ("cycles", "Cycles"),
    ("resources", "Resources"),
    ("again", "Reproduce"),
)

_TICK = '<path d="M7 13.5l4 4 8-9" fill="none" stroke="currentColor" stroke-width="2.4"/>'
_CROSS = '<path d="M8.5 8.5l9 9m0-9l-9 9" fill="none" stroke="currentColor" stroke-width="2.4"/>'
_DASH = '<path d="M8 13h10" fill="none" stroke="currentColor" stroke-width="2.4"/>'
_MARKS = {"equal": _TICK, "different": _CROSS, "unproven": _DASH}


def render(data: ReportData) -> str:
    """Return the page for ``data``; it needs no other file and no network."""
    body = "\n".join(
        (
            _header(data),
            _section(
                "chain",
                "The chain",
                _CHAIN_TEXT,
                _picture(graph.picture(data.network, data.manifest)),
            ),
            _section(
                "accuracy",
                "Accuracy",
                _ACCURACY_TEXT,
                sections.accuracy_table(data).html(caption=False) + _curve(data),
            ),
            _section("weights", "Weights", _WEIGHTS_TEXT, _weights(data)),
            _section("proof", "What was proved", _PROOF_TEXT, _proof(data)),
            _section("cycles", "Cycles", _CYCLES_TEXT, _cycles(data)),
            _section("resources", "Resources", _resources_text(data), _resources(data)),
            _section("again", "Make it again", "", _again(data)),
        )
    )
    footer = (
        "Written by tritforge from the results of each step. "
        f"“{UNKNOWN}” means that the step was not run or does not give the figure."
    )
    return _document(f"{data.network.name} - tritforge report", body, footer)


def page(title: str, parts: Iterable[tuple[Table, Svg | None]]) -> str:
    """Return a page of tables, each with its picture below."""
    body = f"<header><h1>{escape(title)}</h1></header>\n" + "\n".join(
        f"<section>{table.html(caption=False)}{'' if svg is None else _picture(svg, svg.title)}</section>"
        for table, svg in parts
    )
    return _document(title, body, "Written by tritforge.")


def _document(title: str, body: str, footer: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body><main>\n{body}\n<footer>{footer}</footer>\n"
        f"</main><script>{SORT}</script></body></html>\n"
    )


_CHAIN_TEXT = (
    "Each box is a layer with weights and what follows it. "
    "Each arrow is a stream of integers with its shape and type."
)
_ACCURACY_TEXT = "Measured on images that took no part in training or in any choice."
_WEIGHTS_TEXT = "Every weight is -1, 0 or +1, the first and the last layer included: a product is x, -x or nothing."
_PROOF_TEXT = (
    "The trained torch model in float64, the integer reference and the Verilog must give the same integers "
    "for any input. Each pair below was compared word for word at the layer boundaries, without a tolerance."
)
_CYCLES_TEXT = (
    "The plan gives interval and latency before anything is built. "
    "A simulation without stalls must take exactly as many cycles."
)

_ROOF = (
    "A dot is a layer. Below the solid line nothing can be: so many lanes cannot execute the nonzero weights "
    "in fewer cycles. The dashed line is the limit of an engine that also spends its cycles on the zeros. "
    "Both scales are powers of ten."
)


def _header(data: ReportData) -> str:
    """Title, verdict and the figures worth a glance."""
    headline, detail = sections.verdict(data)
    links = "".join(f'<a href="#{anchor}">{title}</a>' for anchor, title in _SECTIONS)
    tiles = "".join(
        f'<div class="tile"><span class="name">{escape(tile.name)}</span><b>{_quiet(tile.figure)}</b>'
        f"<span>{escape(tile.detail)}</span></div>"
        for tile in sections.tiles(data)
    )
    source = data.network.input
    channels = f"{source.channels} channel{'s' if source.channels > 1 else ''}"
    shape = (
        f"{source.height}{TIMES}{source.width} inputs of {channels}, {source.dtype.bits} bits each"
    )
    target = escape(str(data.device or "any FPGA"))
    mark = f'<svg width="26" height="26" viewBox="0 0 26 26" aria-hidden="true">{_MARKS[data.verdict]}</svg>'
    return (
        f"<header><h1>{escape(data.network.name)}</h1>"
        f"<p>A network with ternary weights for {shape}, as Verilog for {target}.</p>"
        f"<nav>{links}</nav></header>\n"
        f'<div class="verdict {data.verdict}">{mark}'
        f"<div>{headline}<small>{escape(detail)}</small></div></div>\n"
        f'<div class="tiles">{tiles}</div>'
    )


def _quiet(figure: str) -> str:
    """An unknown figure must not shout."""
    return f'<span class="unknown">{figure}</span>' if figure == UNKNOWN else escape(figure)


def _section(anchor: str, title: str, text: str, content: str) -> str:
    intro = f"<p>{escape(text)}</p>" if text else ""
    return f'<section id="{anchor}"><h2>{title}</h2>{intro}\n{content}</section>'


def _picture(svg: object, caption: str = "", note: str = "") -> str:
    """A picture with a caption above and a note below."""
    above = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    below = f"<p>{escape(note)}</p>" if note else ""
    return f'<figure class="picture">{above}<div class="scroll">{svg}</div>{below}</figure>\n'


def _curve(data: ReportData) -> str:
    log = data.training.log if data.training is not None else ()
    return _picture(plots.training(log)) if log else ""


def _key(*entries: tuple[str, str]) -> str:
    """A legend: colour and meaning."""
    items = "".join(
        f'<span><i style="background:{fill}"></i>{escape(text)}</span>' for fill, text in entries
    )
    return f'<div class="key">{items}</div>'


def _weights(data: ReportData) -> str:
    key = _key(("var(--minus)", "-1"), ("var(--zero)", "0"), ("var(--plus)", "+1"))
    pictures = "".join(_kernels(node) for node in data.network.matrix_nodes())
    return (
        key
        + _picture(plots.sparsity(data.network))
        + sections.weights_table(data).html(caption=False)
        + density_table(data.network, data.manifest).html()
        + _picture(density_picture(data.network), "Density: what is not zero")
        + papers_table().html()
        + pictures
    )


def _kernels(node: MatrixNode) -> str:
    svg, note = plots.kernels(node)
    planes = "" if len(node.planes) == 1 else f", plane 1 of {len(node.planes)}"
    return _picture(svg, f"{node.name}: {plots.describe(node)}{planes}", note)


def _proof(data: ReportData) -> str:
    words = sections.words_table(data).html() if data.comparisons else ""
    return sections.comparisons_table(data).html() + words


def _cycles(data: ReportData) -> str:
    slowest = max(layer.interval_cycles or 0 for layer in data.manifest.layers)
    note = "The slowest layer sets the rate."
    if data.manifest.interval_cycles > slowest:
        note = (
            f"The slowest layer takes {slowest:,} cycles; waiting for each other, "
            f"the layers take {data.manifest.interval_cycles:,}."
        )
    picture = _picture(plots.cycles(data.manifest), "Cycles a frame, layer by layer", note)
    limits = limit_table(data)
    roof = _picture(
        roofline(limits), "Cycles a frame against the limit set by the nonzero weights", _ROOF
    )
    tables = sections.cycles_table(data).html() + limits.html() + sections.runs_table(data).html()
    return picture + roof + tables


def _resources_text(data: ReportData) -> str:
    return f"Counted in the netlist that Yosys makes of the Verilog, against {data.device or 'no device'}."


def _resources(data: ReportData) -> str:
    picture = ""
    if data.synthesis is not None:
        key = _key(
            ("var(--bar)", "LUTs as logic"), ("var(--bar3)", "LUTs as memory and shift registers")
        )
        picture = key + _picture(plots.luts(by_layer(data.synthesis, data.layer_names)))
    more = "".join(table.html() for table in (sections.estimate_table(data), *data.others))
    return picture + sections.resources_table(data).html(caption=False) + more


def _again(data: ReportData) -> str:
    commands = f"<pre>{escape(chr(10).join(data.commands))}</pre>" if data.commands else ""
    return commands + sections.versions_table(data).html()
