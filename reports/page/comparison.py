"""Ternarization methods compared: a table, and pictures of accuracy, density and weights."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from tritforge.reports.page.html import fragment
from tritforge.reports.render.chart import png, styled
from tritforge.reports.render.palette import LIGHT
from tritforge.reports.render.tables import Column, Table

__all__ = [
    "Run",
    "TrainedLayer",
    "accuracy_picture",
    "as_csv",
    "as_html",
    "density_table",
    "table",
    "weights_picture",
]


_MARKERS = "osv^D"


@dataclass(frozen=True, kw_only=True)
class TrainedLayer:
    """One layer of a trained network.

    Parameters
    ----------
    path: of the module.
    weights: how many there are.
    nonzero: how many of them are not 0.
    started: how many of them were not 0 when the ternary training began; None of float weights.
    values: a sample of the latent weights, for the histogram; of float weights, of them.
    edges: latent weights at which the trit changes, ascending; empty without thresholds.
    kernels: of the first channels, float64 [n, kh, kw], sums of planes; None of a dense layer.
    before: the same kernels when the ternary training began; None where a weight has several
        latent weights.
    """

    path: str
    weights: int
    nonzero: int
    started: int | None
    values: npt.NDArray[np.float64]
    edges: tuple[float, ...]
    kernels: npt.NDArray[np.float64] | None
    before: npt.NDArray[np.float64] | None


@dataclass(frozen=True, kw_only=True)
class Run:
    """One trained network.

    Parameters
    ----------
    name: of its configuration.
    method, options: the ternarization method and its options, for people.
    activation: kind and bits of its activations.
    correct, images: of the held-out images.
    validation_percent: accuracy on the images held apart to choose by; None without any.
    float_correct: the same count of the float network it started from; None without one.
    epochs, seed: of the training; ``dataset`` is its description.
    device: that trained it.
    layers: those with weights.
    rom_bits: of the exported weight images; None where no engine builds the network.
    """

    name: str
    method: str
    options: str
    activation: str
    correct: int
    images: int
    validation_percent: float | None
    float_correct: int | None
    epochs: int
    seed: int
    dataset: str
    device: str
    layers: tuple[TrainedLayer, ...]
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
            run.validation_percent,
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
        Column("Validation", **percent),  # type: ignore[arg-type]
        Column("Float start", **percent),  # type: ignore[arg-type]
        Column("Zeros", suffix=" %"),
        "ROM bits",
        Column("Compression", suffix="x"),
        "Epochs",
        "Seed",
    )
    sets = sorted(
        {f"{run.dataset}: {run.images:,} held-out images, read once; {run.device}" for run in runs}
    )
    options = tuple(f"{run.name}: {run.options}" for run in runs if run.options)
    return Table("Methods", columns, rows, (*sets, *options))


def density_table(runs: Sequence[Run]) -> Table:
    """Return the share of weights that are not 0 in each layer and in all, a column for each run.

    Of ternary weights also the share when the ternary training began, before fine-tuning.
    """
    paths = list(dict.fromkeys(layer.path for run in runs for layer in run.layers))
    shown = [{layer.path: _density(layer) for layer in run.layers} for run in runs]
    rows = [(path, *(found.get(path) for found in shown)) for path in paths]
    every = ("all", *(f"{100 - run.zeros:.1f} %" for run in runs))
    notes = ("Weights that are not 0; in brackets when the ternary training began.",)
    return Table(
        "Density of each layer",
        ("Layer", *(run.name for run in runs)),
        (*rows, every),
        notes,
        summary_rows=1,
    )


def _density(layer: TrainedLayer) -> str:
    now = f"{100 * layer.nonzero / layer.weights:.1f} %"
    return now if layer.started is None else f"{now} ({100 * layer.started / layer.weights:.1f} %)"


def as_csv(runs: Sequence[Run]) -> str:
    """Return the figures of each run as a line; an unknown is an empty field."""
    text = io.StringIO()
    rows = [{k: v for k, v in run.figures().items() if k != "density"} for run in runs]
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_html(runs: Sequence[Run], pictures: Mapping[str, str]) -> str:
    """Return both tables and the pictures, by title their file, as a piece of a page."""
    return fragment((table(runs), density_table(runs)), pictures)


@styled()
def accuracy_picture(runs: Sequence[Run]) -> bytes:
    """Return a PNG: accuracy over zeros and over ROM bits per weight, and each layer's density."""
    figure = Figure(figsize=(12, 4.2))
    left, middle, right = figure.subplots(1, 3)
    middle.sharey(left)
    paths = list(dict.fromkeys(layer.path for run in runs for layer in run.layers))
    for index, run in enumerate(runs):
        style: dict[str, Any] = {
            "color": f"C{index % 10}",
            "marker": _MARKERS[index // 10 % len(_MARKERS)],
        }
        left.plot(run.zeros, run.accuracy, linestyle="none", label=run.name, **style)
        if run.rom_bits is not None:
            middle.plot(run.rom_bits / run.weights, run.accuracy, linestyle="none", **style)
        places = [paths.index(layer.path) for layer in run.layers]
        right.plot(places, [100 * layer.nonzero / layer.weights for layer in run.layers], **style)
    left.set_xlabel("weights that are 0, %")
    left.set_ylabel("accuracy on held-out images, %")
    middle.set_xlabel("bits of ROM for a weight")
    right.set_ylabel("weights that are not 0, %")
    right.set_xticks(range(len(paths)), paths, rotation=30 if len(paths) < 8 else 90, fontsize=7)
    right.set_ylim(bottom=0)
    figure.legend(loc="outside right upper", fontsize=7)
    return png(figure)


@styled()
def weights_picture(run: Run) -> bytes:
    """Return a PNG: each layer's latent weights with thresholds, kernels before and after."""
    figure = Figure(figsize=(2.6 * len(run.layers), 6))
    grid = figure.subplots(3, len(run.layers), squeeze=False, height_ratios=(1.2, 1, 1))
    for (histogram, before, after), layer in zip(grid.T, run.layers, strict=True):
        histogram.hist(layer.values, bins=80, color=LIGHT["accent"])
        for edge in layer.edges:
            histogram.axvline(edge, color=LIGHT["contrast"], linewidth=1)
        histogram.set_title(
            f"{layer.path}\n{100 * layer.nonzero / layer.weights:.1f} % not 0", fontsize=8
        )
        histogram.set_yticks([])
        for axes, kernels, title in (
            (before, layer.before, "kernels at the start"),
            (after, layer.kernels, "kernels after training"),
        ):
            axes.axis("off")
            if kernels is not None:
                largest = max(np.abs(kernels).max(), 1e-12)  # 0 is the grey in the middle
                colours = matplotlib.colormaps["gray"].with_extremes(bad="#8fb3e8")
                axes.imshow(_tiles(kernels), cmap=colours, vmin=-largest, vmax=largest)
                axes.set_title(title, fontsize=7)
    figure.suptitle(
        f"{run.name}: latent weights and thresholds;\n"
        "kernels of input channel 0: black -, grey 0, white +",
        fontsize=10,
    )
    return png(figure)


def _tiles(kernels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Lay kernels [n, kh, kw] out in rows of eight, a line apart and around."""
    count, height, width = kernels.shape
    rows, columns = -(-count // 8), min(8, count)
    canvas = np.full((rows * (height + 1) + 1, columns * (width + 1) + 1), np.nan)
    for index, kernel in enumerate(kernels):
        top, left = 1 + index // 8 * (height + 1), 1 + index % 8 * (width + 1)
        canvas[top : top + height, left : left + width] = kernel
    return canvas
