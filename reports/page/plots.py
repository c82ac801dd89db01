"""Charts of the report: sparsity, weights, initiation intervals, LUTs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tritforge.export.artifacts.manifest import Manifest
from tritforge.export.ir.nodes import MatrixNode, Network, Trits
from tritforge.reports.render.chart import Series, bars
from tritforge.reports.render.svg import WIDTH, Svg
from tritforge.reports.synth.resources import Resources
from tritforge.types import IntArray

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
    text = f"A column for each output channel ({outputs}{_of(outputs, weights.shape[0])})"
    if weights.shape[1] > 1:
        text += f", a row for each input channel ({inputs}{_of(inputs, weights.shape[1])})"
    return _blocks(title, shown.transpose(1, 2, 0, 3), pixel, pixel, gap), text + "."


def _dense_picture(title: str, weights: Trits) -> tuple[Svg, str]:
    shown = weights[:48, : WIDTH // 2]
    rows, columns = shown.shape
    width = max(2, min(15, WIDTH // columns))
    height = max(4, min(14, 300 // rows))
    text = f"A row for each output ({rows}{_of(rows, weights.shape[0])})"
    text += (
        f", a column for each input in stream order ({columns}{_of(columns, weights.shape[1])})."
    )
    return _blocks(title, shown[:, None, None, :], width, height, 2), text


def _of(shown: int, whole: int) -> str:
    return f" of {whole:,} shown" if shown < whole else ""


def _blocks(title: str, trits: Trits, width: int, height: int, gap: int) -> Svg:
    """Draw trits [R, y, C, x] as R x C blocks of y x x cells, each ``width`` x ``height`` pixels.

    A row of cells is a stroke as wide as the cells are high: that takes the fewest characters.
    """
    rows, lines, columns, cells = trits.shape
    step_x, step_y = cells * width + gap, lines * height + gap
    svg = Svg(columns * step_x - gap, rows * step_y - gap, title)
    middles = (f"M0 {row * step_y + lines * height / 2:g}" for row in range(rows))
    data = "".join(f"{start}h{svg.width:g}" for start in middles)
    svg.strokes(data, "var(--zero)", lines * height, dashes=(cells * width, gap))
    for trit, colour in ((-1, "var(--contrast)"), (1, "var(--accent)")):
        data = ""
        for row, line in np.ndindex(rows, lines):
            begins, ends = _runs(trits[row, line] == trit)
            starts = begins // cells * step_x + begins % cells * width
            lengths = (ends - begins) * width
            moves = np.diff(starts, prepend=0) - np.concatenate(([0], lengths[:-1]))
            y = row * step_y + (line + 0.5) * height
            data += f"M0 {y:g}" + "".join(
                f"m{m} 0h{n}" for m, n in zip(moves, lengths, strict=True)
            )
        svg.strokes(data, colour, height)
    return svg


def _runs(mask: npt.NDArray[np.bool_]) -> tuple[IntArray, IntArray]:
    """Return first and behind the last cell of each run in ``mask`` [C, x], counted across blocks.

    A run ends with its block.
    """
    edges = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))))  # [C, x + 1]
    first, last = (np.argwhere(edges == sign) for sign in (1, -1))
    cells = mask.shape[1]
    return first[:, 0] * cells + first[:, 1], last[:, 0] * cells + last[:, 1]


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
