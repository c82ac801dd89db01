"""Ternarization methods side by side: one table, and pictures of accuracy, density, weights and kernels."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from reports.tables import Column, Table

__all__ = [
    "Layer",
    "Run",
    "accuracy_picture",
    "as_csv",
    "as_html",
    "density_table",
    "table",
    "weights_picture",
]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer of a trained network.

    Parameters
    ----------
    path: of the module.
    weights: how many there are.
    nonzero: how many of them are not 0.
    values: a sample of the latent weights, for the histogram; of float weights, of them.
    edges: where the latent weight changes from one trit to another, ascending; empty where no threshold is.
    kernels: the first ones as trits (or float numbers), [n, kh, kw]; None of a dense layer.
    """

    path: str
    weights: int
    nonzero: int
    values: npt.NDArray[np.float64]
    edges: tuple[float, ...]
    kernels: npt.NDArray[np.float64] | None


@dataclass(frozen=True, kw_only=True)
class Run:
    """One trained network.

    Parameters
    ----------
    name: of its configuration.
    method, options: the ternarization method and its options, for people.
    activation: kind and bits of its activations.
    correct, images: of the held-out images.
    float_correct: how many of them the float network it started from classified rightly; None without one.
    epochs, seed: of the training; ``dataset`` is its description.
    device: that trained it.
    layers: those with weights.
    rom_bits: bits of the ROM images that hold the weights, as exported; None where no engine builds them.
    """

    name: str
    method: str
    options: str
    activation: str
    correct: int
    images: int
    float_correct: int | None
    epochs: int
    seed: int
    dataset: str
    device: str
    layers: tuple[Layer, ...]
    rom_bits: int | None

    @property
    def accuracy(self) -> float:
        """In percent."""
        return 100 * self.correct / self.images

    @property
    def weights(self) -> int:
        """All of them."""
        return sum(layer.weights for layer in self.layers)

    @property
    def zeros(self) -> float:
        """Share of weights that are 0, in percent."""
        return 100 * (1 - sum(layer.nonzero for layer in self.layers) / self.weights)

    @property
    def compression(self) -> float | None:
        """Bits of the weights as float32 over those of the ROM images."""
        return None if self.rom_bits is None else 32 * self.weights / self.rom_bits

    def figures(self) -> dict[str, Any]:
        """What the table shows, for JSON and CSV."""
        found = {name: value for name, value in asdict(self).items() if name != "layers"}
        return {
            **found,
            "weights": self.weights,
            "zeros_percent": self.zeros,
            "accuracy_percent": self.accuracy,
            "compression": self.compression,
            "density": {layer.path: layer.nonzero / layer.weights for layer in self.layers},
        }


def table(runs: Sequence[Run]) -> Table:
    """Return a row for each run: accuracy, that of its float start, zeros, bits and compression."""
    rows = tuple(
        (
            run.name,
            run.method,
            run.activation,
            run.accuracy,
            None if run.float_correct is None else 100 * run.float_correct / run.images,
            run.zeros,
            run.rom_bits,
            run.compression,
            run.epochs,
            run.seed,
        )
        for run in runs
    )
    percent = {"digits": 2, "suffix": " %"}
    columns = (
        "Network",
        "Method",
        "Activations",
        Column("Accuracy", **percent),  # type: ignore[arg-type]
        Column("Float start", **percent),  # type: ignore[arg-type]
        Column("Zeros", suffix=" %"),
        "ROM bits",
        Column("Compression", suffix="x"),
        "Epochs",
        "Seed",
    )
    sets = sorted({f"{run.dataset}: {run.images:,} held-out images, read once; {run.device}" for run in runs})
    options = tuple(f"{run.name}: {run.options}" for run in runs if run.options)
    return Table("Methods", columns, rows, (*sets, *options))


def density_table(runs: Sequence[Run]) -> Table:
    """Return the share of weights that are not 0 in each layer, a column for each run."""
    paths = list(dict.fromkeys(layer.path for run in runs for layer in run.layers))
    density = [{layer.path: 100 * layer.nonzero / layer.weights for layer in run.layers} for run in runs]
    rows = tuple((path, *(found.get(path) for found in density)) for path in paths)
    return Table("Density of each layer", ("Layer", *(Column(run.name, suffix=" %") for run in runs)), rows)


def as_csv(runs: Sequence[Run]) -> str:
    """Return the figures of each run as a line; an unknown is an empty field."""
    text = io.StringIO()
    rows = [{k: v for k, v in run.figures().items() if k != "density"} for run in runs]
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_html(runs: Sequence[Run], pictures: dict[str, str]) -> str:
    """Return both tables and the pictures, by title their file, as a piece of a page."""
    shown = [
        f'<figure><img src="{escape(file)}" alt="{escape(name)}"></figure>' for name, file in pictures.items()
    ]
    return "\n".join([table(runs).html(), density_table(runs).html(), *shown]) + "\n"


def accuracy_picture(runs: Sequence[Run]) -> bytes:
    """Return a PNG: accuracy over the share of zeros, and over the bits of the ROM where they are known."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for run in runs:
        for axes, place in ((left, run.zeros), (right, run.rom_bits)):
            if place is not None:
                axes.plot(place, run.accuracy, "o")
                axes.annotate(run.name, (place, run.accuracy), (4, 4), textcoords="offset points", fontsize=7)
    left.set_xlabel("weights that are 0, %")
    left.set_ylabel("accuracy on held-out images, %")
    right.set_xlabel("bits of the weights in ROM")
    return _png(figure)


def weights_picture(run: Run) -> bytes:
    """Return a PNG: for each layer the histogram of latent weights with its thresholds, and kernels below."""
    figure = Figure(figsize=(2.6 * len(run.layers), 5), layout="constrained")
    grid = figure.subplots(2, len(run.layers), squeeze=False)
    for (upper, lower), layer in zip(grid.T, run.layers, strict=True):
        upper.hist(layer.values, bins=80, color="#2f6fd0")
        for edge in layer.edges:
            upper.axvline(edge, color="#c4620e", linewidth=1)
        upper.set_title(f"{layer.path}\n{100 * layer.nonzero / layer.weights:.1f} % not 0", fontsize=8)
        upper.set_yticks([])
        lower.axis("off")
        if layer.kernels is not None:
            lower.imshow(_tiles(layer.kernels), cmap="gray", interpolation="nearest")
    figure.suptitle(f"{run.name}: latent weights, thresholds, kernels")
    return _png(figure)


def _tiles(kernels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Lay kernels [n, kh, kw] out in rows of eight, a line apart."""
    count, height, width = kernels.shape
    rows, columns = -(-count // 8), min(8, count)
    canvas = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for index, kernel in enumerate(kernels):
        top, left = index // 8 * (height + 1), index % 8 * (width + 1)
        canvas[top : top + height, left : left + width] = kernel
    return canvas


def _png(figure: Figure) -> bytes:
    picture = io.BytesIO()
    with matplotlib.rc_context({"axes.spines.top": False, "axes.spines.right": False}):
        figure.savefig(picture, format="png", dpi=110, metadata={"Software": None})
    return picture.getvalue()
