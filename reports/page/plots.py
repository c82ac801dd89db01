"""Charts of the report: sparsity, weights, initiation intervals, LUTs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tritforge.export.artifacts.manifest import Manifest
from tritforge.export.ir.nodes import MatrixNode, Network, Trits
from tritforge.reports.render.chart import Series, bars
from tritforge.reports.render.svg import WIDTH, Svg
from tritforge.reports.synth.resources import Resources

__all__ = ["cycles", "kernels", "luts", "sparsity"]


def sparsity(network: Network) -> Svg:
    """Draw the shares (%) of -1, 0 and +1 in each layer's planes, and in all layers together."""
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

    A convolution [O, I, kh, kw] is a grid of kernels, a column for each output channel and a row
    for each input channel; a dense layer [M, K] has a row for each output. What does not fit is
    left out, and the line says so.
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
    text += (
        f", a column for each input in stream order ({columns}{_of(columns, weights.shape[1])})."
    )
    return svg, text


def _of(shown: int, whole: int) -> str:
    return f" of {whole:,} shown" if shown < whole else ""


def _runs(mask: Any, x: int, y: int, width: int, height: int) -> str:
    """Return path data that fills the true cells of ``mask`` [rows, columns], in pixels."""
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
    """Draw the initiation interval of each layer, in cycles per frame."""
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
    """Draw the LUTs of each layer: as logic, and as memory and shift registers."""
    parts = by_layer.values()
    series = [
        Series("LUTs as logic", "accent", [part.lut + part.inv for part in parts]),
        Series("LUTs as memory and shift registers", "weak", [p.lutram + p.srl for p in parts]),
    ]
    ends = [f"{part.lut_total:,}" for part in parts]
    return bars("LUTs of each layer", list(by_layer), series, ends, "LUT")
