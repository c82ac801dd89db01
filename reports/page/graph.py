"""The block diagram of a network: boxes in stream order, or lines with the branches beside them."""

from __future__ import annotations

from tritforge.export.artifacts.manifest import Manifest
from tritforge.export.ir.nodes import INPUT, MatrixNode, Network, Node, TensorType
from tritforge.reports.render.svg import TIMES, WIDTH, Svg

__all__ = ["branches", "chain", "draw", "lines", "picture", "stages"]

_LINE, _GAP, _LEFT, _LANE = 30, 12, 60, 16
"""In pixels: height of a line, gap between lines, left edge of the boxes, pitch of the branches."""

_RIGHT = WIDTH - 264
"""Right edge of the boxes; the foldings are to the right of it."""


def stages(network: Network) -> list[tuple[Node, ...]]:
    """Split the nodes so that each stage but the first must start with a layer with weights."""
    result: list[list[Node]] = []
    for node in network.nodes:
        if isinstance(node, MatrixNode) or not result:
            result.append([])
        result[-1].append(node)
    return [tuple(stage) for stage in result]


def chain(network: Network, manifest: Manifest | None = None) -> Svg:
    """Draw boxes in stream order; with a manifest, with foldings and cycles per frame."""
    layers = {layer.name: layer for layer in manifest.layers} if manifest is not None else {}
    box_width, gap, pill, per_row, line = 176, 70, 54, 3, 18
    groups = stages(network)
    height = 44 + line * (max(map(len, groups)) + (2 if layers else 0))
    rows = -(-len(groups) // per_row)
    svg = Svg(WIDTH, rows * (height + 26) - 24, f"The layers of {network.name} in stream order")
    for index, group in enumerate(groups):
        row, column = divmod(index, per_row)
        x = pill + gap + column * (box_width + gap)
        y = 1 + row * (height + 26)
        middle = y + height / 2
        if index == 0:
            _pill(svg, 1, middle, pill, "input")
        _labelled_arrow(svg, x - gap + 6, x - 6, middle, network.types[group[0].input])
        svg.box(x, y, box_width, height)
        weighted = isinstance(group[0], MatrixNode)
        svg.rect(x, y, box_width, 4, "var(--accent)" if weighted else "var(--line)", radius=2)
        svg.text(x + 12, y + 27, group[0].name, bold=True, size=14)
        for number, node in enumerate(group):
            svg.text(x + 12, y + 47 + number * line, node.summary)
        layer = layers.get(group[0].name)
        if layer is not None:
            rate = (
                ""
                if layer.interval_cycles is None
                else f"{layer.interval_cycles:,} cycles per frame"
            )
            svg.text(x + 12, y + height - 30, layer.folding_text, fill="var(--muted)")
            svg.text(x + 12, y + height - 13, rate, fill="var(--muted)")
        if index == len(groups) - 1:
            end = x + box_width
            _labelled_arrow(svg, end + 6, end + gap - 6, middle, network.types[network.output])
            _pill(svg, end + gap, middle, pill, "output")
    return svg


def _pill(svg: Svg, x: float, middle: float, width: float, text: str) -> None:
    svg.rect(x, middle - 15, width, 30, "var(--code)", radius=15)
    svg.text(x + width / 2, middle + 4, text, anchor="middle")


def _labelled_arrow(svg: Svg, x0: float, x1: float, y: float, tensor: TensorType) -> None:
    """An arrow with the shape of what it carries above it and the type below."""
    svg.arrow(x0, x1, y)
    middle = (x0 + x1) / 2
    shape = (
        TIMES.join(
            str(extent) for extent in tensor.shape if tensor.shape[:2] != (1, 1) or extent > 1
        )
        or "1"
    )
    svg.text(middle, y - 7, shape, anchor="middle", fill="var(--muted)", size=11)
    svg.text(middle, y + 16, str(tensor.dtype), anchor="middle", fill="var(--muted)", size=11)


def lines(network: Network) -> list[tuple[Node, ...]]:
    """Split the nodes into lines: a node joins the line above if it alone reads that line."""
    result: list[list[Node]] = []
    readers = [name for node in network.nodes for name in node.inputs]
    for node in network.nodes:
        above = result[-1][-1].name if result else INPUT
        joined = isinstance(node, MatrixNode) or len(node.inputs) > 1 or not result
        if joined or node.input != above or readers.count(above) > 1:
            result.append([])
        result[-1].append(node)
    return [tuple(line) for line in result]


def branches(network: Network) -> list[tuple[int, int]]:
    """Edges (from line, to line) that skip a line; -1 is the input."""
    made = {INPUT: -1}
    edges: list[tuple[int, int]] = []
    for number, line in enumerate(lines(network)):
        edges += [
            (made[name], number)
            for node in line
            for name in node.inputs
            if made.get(name, number) not in (number - 1, number)
        ]
        made |= {node.name: number for node in line}
    return edges


def picture(network: Network, manifest: Manifest | None = None) -> Svg:
    """Return :func:`chain` of a network without branches, else :func:`draw`."""
    readers = [name for node in network.nodes for name in node.inputs]
    straight = len(set(readers)) == len(readers)
    return chain(network, manifest) if straight else draw(network, manifest)


def draw(network: Network, manifest: Manifest | None = None) -> Svg:
    """Draw the network from top to bottom; with a manifest, with foldings and cycles per frame."""
    layers = {layer.name: layer for layer in manifest.layers} if manifest is not None else {}
    rows = lines(network)
    names = [row[0].name for row in rows]
    indent = _LEFT + max(110, 24 + 7.4 * max(map(len, names)))  # a bold character: 7.4 pixels
    step = _LINE + _GAP
    svg = Svg(WIDTH, (len(rows) + 2) * step, f"The layers of {network.name} from top to bottom")

    def middle(number: int) -> float:
        return (number + 1) * step + _LINE / 2

    source = {
        name: number - 1 for number, name in enumerate([INPUT, *(row[-1].name for row in rows)])
    }
    for number, row in enumerate([None, *rows, None], start=-1):
        y = middle(number) - _LINE / 2
        if row is None:
            svg.text(_LEFT + 12, y + 20, "input" if number < 0 else "output", bold=True)
            tensor = network.types[INPUT if number < 0 else network.output]
            svg.text(indent, y + 20, str(tensor), fill="var(--muted)")
        else:
            svg.box(_LEFT, y, _RIGHT - _LEFT, _LINE)
            fill = "var(--accent)" if isinstance(row[0], MatrixNode) else "var(--line)"
            svg.rect(_LEFT, y, 4, _LINE, fill, radius=2)
            svg.text(_LEFT + 12, y + 20, row[0].name, bold=True)
            svg.text(indent, y + 20, ", ".join(node.summary for node in row), size=10.5)
            svg.text(
                _RIGHT - 10,
                y + 20,
                str(network.types[row[-1].name]),
                anchor="end",
                fill="var(--muted)",
            )
            layer = layers.get(row[0].name)
            if layer is not None:
                rate = "" if layer.interval_cycles is None else f"{layer.interval_cycles:,} cycles"
                told = ", ".join(part for part in (rate, layer.folding_text) if part)
                svg.text(_RIGHT + 10, y + 20, told, fill="var(--muted)", size=11)
        follows = number == len(rows) or any(
            source.get(name) == number - 1 for node in (row or ())[:1] for name in node.inputs
        )
        if number >= 0 and follows:
            _down(svg, _LEFT + 30, y - _GAP, y)
    for lane, (first, last) in _lanes(branches(network)):
        x = _LEFT - 10 - lane * _LANE
        # apart where one branch ends and another begins
        begin, end = middle(first) + 7, middle(last) - 7
        svg.path(f"M{_LEFT} {begin}H{x}V{end}H{_LEFT - 5}", stroke="var(--muted)")
        svg.path(f"M{_LEFT} {end}l-7 -4v8z", fill="var(--muted)")
    return svg


def _down(svg: Svg, x: float, y0: float, y1: float) -> None:
    svg.path(f"M{x} {y0}V{y1 - 5}", stroke="var(--muted)")
    svg.path(f"M{x} {y1}l-4 -7h8z", fill="var(--muted)")


def _lanes(edges: list[tuple[int, int]]) -> list[tuple[int, tuple[int, int]]]:
    """Give every edge the innermost lane that is free along it."""
    placed: list[tuple[int, tuple[int, int]]] = []
    for edge in sorted(edges, key=lambda edge: edge[1] - edge[0]):
        taken = {lane for lane, (first, last) in placed if first < edge[1] and edge[0] < last}
        placed.append((next(lane for lane in range(len(edges)) if lane not in taken), edge))
    return placed
