"""The pictures of the report, as SVG: the chain, sparsity, kernels, training, cycles, LUTs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tritforge.export.artifacts.manifest import Manifest
from tritforge.export.ir.nodes import (
    ArgMax,
    Bias,
    Convolution,
    Dense,
    Flatten,
    MatrixNode,
    MaxPool,
    Network,
    Node,
    Pool,
    TensorType,
    Threshold,
    Trits,
)
from tritforge.export.ir.pools import TopK
from tritforge.export.ir.residual import Add, Shortcut
from tritforge.reports.page.data import Epoch
from tritforge.reports.render.svg import TIMES, WIDTH, Svg
from tritforge.reports.synth.resources import Resources

__all__ = [
    "chain",
    "cycles",
    "describe",
    "kernels",
    "luts",
    "sparsity",
    "stages",
    "training",
]

_LABEL = 150
"""Width of the column of names left of a bar chart."""


def describe(node: Node) -> str:
    """Say in a few words what ``node`` does."""
    if isinstance(node, Convolution):
        kernel, stride = node.kernel, node.stride
        steps = f", stride {stride[0]}" if stride != (1, 1) else ""
        return f"{kernel[0]}{TIMES}{kernel[1]} convolution {node.planes.shape[2]}→{node.planes.shape[1]}{steps}"
    if isinstance(node, Dense):
        return f"dense {node.planes.shape[2]}→{node.planes.shape[1]}"
    if isinstance(node, Threshold):
        return f"{node.thresholds.shape[1]} thresholds, {node.output.bits} bit"
    if isinstance(node, Pool):
        word = "max" if isinstance(node, MaxPool) else "sum"
        steps = f", stride {node.step[0]}" if node.step != node.size else ""
        return f"{word} pool {node.size[0]}{TIMES}{node.size[1]}{steps}"
    if isinstance(node, Shortcut):
        return _describe_shortcut(node)
    if isinstance(node, TopK):
        return f"best {node.k}"
    words: dict[type[Node], str] = {
        Add: "residual add",
        Bias: "integer bias",
        Flatten: "flatten",
        ArgMax: "arg max",
    }
    return words.get(type(node), node.kind)


def _describe_shortcut(node: Shortcut) -> str:
    steps = f", stride {node.stride[0]}" if node.stride != (1, 1) else ""
    zeros = node.before + node.after
    return f"shortcut{steps}" + (f", {zeros} channels of 0" if zeros else "")


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
            svg.text(x + 12, y + 47 + number * line, describe(node))
        layer = layers.get(group[0].name)
        if layer is not None:
            rate = (
                "" if layer.interval_cycles is None else f"{layer.interval_cycles:,} cycles a frame"
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
    nodes = list(network.matrix_nodes())
    bars = [(node.name, node.planes) for node in nodes]
    bars.append(("all layers", np.concatenate([node.planes.ravel() for node in nodes])))
    row, tail = 30, 150
    svg = Svg(WIDTH, row * len(bars) + 8, "Share of -1, 0 and +1 in each layer")
    scale = WIDTH - _LABEL - tail
    for index, (name, trits) in enumerate(bars):
        y = index * row + (8 if index == len(bars) - 1 else 0)
        svg.text(0, y + 19, name, bold=index == len(bars) - 1)
        x = float(_LABEL)
        for trit, fill in ((-1, "var(--minus)"), (0, "var(--zero)"), (1, "var(--plus)")):
            number = int((trits == trit).sum())
            width = scale * number / trits.size
            svg.rect(x, y + 4, width, 22, fill, hint=f"{name}: {number:,} weights are {trit:+d}")
            if width > 56:
                ink = "var(--ink)" if trit == 0 else "var(--on-colour)"
                svg.text(
                    x + width / 2,
                    y + 19,
                    f"{100 * number / trits.size:.1f} %",
                    anchor="middle",
                    fill=ink,
                )
            x += width
        svg.text(WIDTH, y + 19, f"{trits.size:,} weights", anchor="end", fill="var(--muted)")
    return svg


def kernels(node: MatrixNode, plane: int = 0) -> tuple[Svg, str]:
    """Draw the weights of one plane; return the picture and a line that says how to read it.

    A convolution is a grid of kernels, one column for each output channel and one row for each input
    channel; a dense layer one row for each output. What does not fit is left out, and the line says so.
    """
    weights = node.planes[plane]
    if weights.ndim == 2:
        return _dense_picture(node.name, weights)
    shown = weights[:64, :48]
    outputs, inputs, height, width = shown.shape
    gap = 4 if inputs > 1 else 8
    pixel = max(
        2, min(15, int((WIDTH / outputs - gap) / width), int((560 / inputs - gap) / height))
    )
    step_x, step_y = width * pixel + gap, height * pixel + gap
    svg = Svg(outputs * step_x - gap, inputs * step_y - gap, f"Kernels of {node.name}")
    for output in range(outputs):
        for channel in range(inputs):
            svg.rect(
                output * step_x, channel * step_y, width * pixel, height * pixel, "var(--zero)"
            )
    for trit, fill in ((-1, "var(--minus)"), (1, "var(--plus)")):
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


def _dense_picture(name: str, weights: Trits) -> tuple[Svg, str]:
    shown = weights[:48, : WIDTH // 2]
    rows, columns = shown.shape
    width = max(2, min(15, WIDTH // columns))
    height = max(4, min(14, 300 // rows))
    svg = Svg(columns * width, rows * (height + 2) - 2, f"Weights of {name}")
    for row in range(rows):
        svg.rect(0, row * (height + 2), columns * width, height, "var(--zero)")
    for trit, fill in ((-1, "var(--minus)"), (1, "var(--plus)")):
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


def training(log: Sequence[Epoch]) -> Svg:
    """Loss and, where it was logged, accuracy over the epochs of the training set."""
    losses = [(entry.epoch, entry.loss) for entry in log]
    accuracies = [
        (entry.epoch, 100 * entry.accuracy) for entry in log if entry.accuracy is not None
    ]
    panels = [("Training loss", losses, (0.0, max(loss for _, loss in losses)), 2)]
    if accuracies:
        lowest = min(accuracy for _, accuracy in accuracies)
        panels.append(("Training accuracy, %", accuracies, (10.0 * (lowest // 10), 100.0), 1))
    height, gap = 190, 48
    svg = Svg(WIDTH, height, "Training curve")
    width = (WIDTH - gap) / 2
    for index, (title, points, axis, digits) in enumerate(panels):
        _curve(svg, index * (width + gap), (width, height), title, points, axis, digits)
    return svg


def _curve(
    svg: Svg,
    x: float,
    size: tuple[float, float],
    title: str,
    points: Sequence[tuple[int, float]],
    axis: tuple[float, float],
    digits: int,
) -> None:
    """One panel: a line over epochs between the ends of ``axis``, with the last value named."""
    width, height = size
    left, top, bottom = x + 40, 34, height - 26
    epochs = [epoch for epoch, _ in points]
    low, span = axis[0], (axis[1] - axis[0]) or 1.0
    right = x + width - 46
    place = [
        (
            left + (right - left) * (epoch - epochs[0]) / max(1, epochs[-1] - epochs[0]),
            bottom - (bottom - top) * (value - low) / span,
        )
        for epoch, value in points
    ]
    svg.text(x, 14, title, bold=True)
    for share in (0.0, 0.5, 1.0):
        y = bottom - (bottom - top) * share
        svg.path(f"M{left:.1f} {y:.1f}H{right:.1f}", stroke="var(--line)", width=1)
        svg.text(
            left - 8,
            y + 4,
            f"{low + span * share:.{digits}f}",
            anchor="end",
            fill="var(--muted)",
            size=11,
        )
    svg.text(left, height - 8, f"epoch {epochs[0]}", fill="var(--muted)", size=11)
    svg.text(right, height - 8, str(epochs[-1]), anchor="end", fill="var(--muted)", size=11)
    svg.path(
        "M" + "L".join(f"{px:.1f} {py:.1f}" for px, py in place), stroke="var(--accent)", width=2
    )
    last_x, last_y = place[-1]
    svg.rect(last_x - 3, last_y - 3, 6, 6, "var(--accent)", radius=3)
    svg.text(last_x + 8, last_y + 4, f"{points[-1][1]:.{digits}f}", bold=True)


def cycles(manifest: Manifest) -> Svg:
    """Cycles that each layer needs for a frame; the slowest, in the strong colour, sets the rate."""
    known = [
        (layer.name, layer.interval_cycles)
        for layer in manifest.layers
        if layer.interval_cycles is not None
    ]
    slowest = max((interval for _, interval in known), default=0)
    rows = [
        (name, [(interval, "var(--bar)" if interval == slowest else "var(--bar3)", "cycles")])
        for name, interval in known
    ]
    return _bars("Cycles per frame of each layer", rows)


def luts(by_layer: Mapping[str, Resources]) -> Svg:
    """LUTs of each layer: logic in the strong colour, memory and shift registers in the weak one."""
    rows = [
        (
            name,
            [
                (part.lut + part.inv, "var(--bar)", "logic"),
                (part.lutram + part.srl, "var(--bar3)", "memory"),
            ],
        )
        for name, part in by_layer.items()
    ]
    return _bars("LUTs of each layer", rows)


def _bars(title: str, rows: Sequence[tuple[str, Sequence[tuple[int, str, str]]]]) -> Svg:
    """Horizontal bars: a name and stacked (value, colour, meaning) each, the sum at the end."""
    pitch, tail = 26, 80
    svg = Svg(WIDTH, pitch * len(rows), title)
    longest = max((sum(value for value, _, _ in parts) for _, parts in rows), default=0) or 1
    for index, (name, parts) in enumerate(rows):
        y = index * pitch
        svg.text(0, y + 17, name)
        x = float(_LABEL)
        for value, fill, meaning in parts:
            width = (WIDTH - _LABEL - tail) * value / longest
            if width:
                svg.rect(x, y + 4, width, 18, fill, hint=f"{name}: {value:,} {meaning}")
            x += width
        svg.text(x + 8, y + 17, f"{sum(value for value, _, _ in parts):,}")
    return svg
