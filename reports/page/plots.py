"""The pictures of the report, as SVG: the chain, sparsity, kernels, cycles, LUTs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tritforge.export.artifacts.manifest import Manifest
from tritforge.export.ir.nodes import (
    MatrixNode,
    Network,
    Node,
    TensorType,
    Trits,
)
from tritforge.reports.render.chart import Series, bars
from tritforge.reports.render.svg import TIMES, WIDTH, Svg
from tritforge.reports.synth.resources import Resources

__all__ = [
    "chain",
    "cycles",
    "kernels",
    "luts",
    "sparsity",
    "stages",
]


def stages(network: Network) -> list[tuple[Node, ...]]:
    """Split the nodes so that each stage starts with a layer that has weights (the first may not)."""
    result: list[list[Node]] = []
    for node in network.nodes:
        if isinstance(node, MatrixNode) or not result:
            result.append([])
        result[-1].append(node)
    return [tuple(stage) for stage in result]


def chain(network: Network, manifest: Manifest | None = None) -> Svg:
    """The network as boxes in stream order; with a manifest, each box says how it is folded."""
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


def sparsity(network: Network) -> Svg:
    """The share of -1, 0 and +1 among the weights of each layer, and of all layers together."""
    layers = {node.name: node.planes for node in network.matrix_nodes()}
    layers["all layers"] = np.concatenate([planes.ravel() for planes in layers.values()])
    series = [
        Series(label, colour, [100 * float((t == trit).mean()) for t in layers.values()])
        for label, colour, trit in (("-1", "contrast", -1), ("0", "zero", 0), ("+1", "accent", 1))
    ]
    ends = [f"{trits.size:,} weights" for trits in layers.values()]
    title = "Share of -1, 0 and +1 in each layer"
    return bars(title, list(layers), series, ends, "share of the weights, %", inside="{:.1f} %")


def kernels(node: MatrixNode, plane: int = 0) -> tuple[Svg, str]:
    """Draw the weights of one plane; return the picture and a line that says how to read it.

    A convolution is a grid of kernels, one column for each output channel and one row for each input
    channel; a dense layer one row for each output. What does not fit is left out, and the line says so.
    """
    weights = node.planes[plane]
    more = "" if len(node.planes) == 1 else f", plane {plane + 1} of {len(node.planes)}"
    title = f"{node.name}: {node.summary}{more}"
    if weights.ndim == 2:
        return _dense_picture(title, weights)
    shown = weights[:64, :48]
    outputs, inputs, height, width = shown.shape
    gap = 4 if inputs > 1 else 8
    pixel = max(
        2, min(15, int((WIDTH / outputs - gap) / width), int((560 / inputs - gap) / height))
    )
    step_x, step_y = width * pixel + gap, height * pixel + gap
    svg = Svg(outputs * step_x - gap, inputs * step_y - gap, title)
    for output in range(outputs):
        for channel in range(inputs):
            svg.rect(
                output * step_x, channel * step_y, width * pixel, height * pixel, "var(--zero)"
            )
    for trit, fill in ((-1, "var(--contrast)"), (1, "var(--accent)")):
        data = "".join(
            _runs(shown[output, channel] == trit, output * step_x, channel * step_y, pixel, pixel)
            for output in range(outputs)
            for channel in range(inputs)
        )
        svg.path(data, fill=fill)
    text = f"A column for each output channel ({outputs}{_of(outputs, weights.shape[0])})"
    if weights.shape[1] > 1:
        text += f", a row for each input channel ({inputs}{_of(inputs, weights.shape[1])})"
    return svg, text + "."


def _dense_picture(title: str, weights: Trits) -> tuple[Svg, str]:
    shown = weights[:48, : WIDTH // 2]
    rows, columns = shown.shape
    width = max(2, min(15, WIDTH // columns))
    height = max(4, min(14, 300 // rows))
    svg = Svg(columns * width, rows * (height + 2) - 2, title)
    for row in range(rows):
        svg.rect(0, row * (height + 2), columns * width, height, "var(--zero)")
    for trit, fill in ((-1, "var(--contrast)"), (1, "var(--accent)")):
        svg.path(
            "".join(
                _runs(shown[row : row + 1] == trit, 0, row * (height + 2), width, height)
                for row in range(rows)
            ),
            fill=fill,
        )
    text = f"A row for each output ({rows}{_of(rows, weights.shape[0])})"
    return (
        svg,
        f"{text}, a column for each input in stream order ({columns}{_of(columns, weights.shape[1])}).",
    )


def _of(shown: int, whole: int) -> str:
    return f" of {whole:,} shown" if shown < whole else ""


def _runs(mask: Any, x: int, y: int, width: int, height: int) -> str:
    """Path data that fills the true cells of ``mask`` [rows, columns], neighbours in a row joined."""
    data = []
    for row, cells in enumerate(mask):
        edges = np.flatnonzero(np.diff(np.concatenate(([0], cells.astype(np.int8), [0]))))
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            length = int(stop - start) * width
            data.append(
                f"M{x + int(start) * width} {y + row * height}h{length}v{height}h-{length}z"
            )
    return "".join(data)


def cycles(manifest: Manifest) -> Svg:
    """Initiation interval of each layer, in cycles per frame; the slowest layer sets the rate."""
    known = {
        layer.name: layer.interval_cycles
        for layer in manifest.layers
        if layer.interval_cycles is not None
    }
    slowest = max(known.values(), default=0)
    series = [
        Series("slowest layer", "accent", [n if n == slowest else 0 for n in known.values()]),
        Series("other layers", "weak", [n if n < slowest else 0 for n in known.values()]),
    ]
    ends = [f"{interval:,}" for interval in known.values()]
    title = "Initiation interval of each layer"
    return bars(title, list(known), series, ends, "initiation interval, cycles per frame")


def luts(by_layer: Mapping[str, Resources]) -> Svg:
    """LUTs of each layer: those that are logic, and those that are memory and shift registers."""
    parts = by_layer.values()
    series = [
        Series("LUTs as logic", "accent", [part.lut + part.inv for part in parts]),
        Series("LUTs as memory and shift registers", "weak", [p.lutram + p.srl for p in parts]),
    ]
    ends = [f"{part.lut_total:,}" for part in parts]
    return bars("LUTs of each layer", list(by_layer), series, ends, "LUT")
