"""The training curve as a picture, to look at as soon as training ends."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tritforge.reports.page.data import Epoch

__all__ = ["draw", "read_log"]

LOSS, ACCURACY = "#c4620e", "#2f6fd0"
"""Colours of the two lines; they differ in lightness too."""


def read_log(path: Path) -> tuple[Epoch, ...]:
    """Return the epochs of the ``log.csv`` that training wrote."""
    with path.open(newline="") as file:
        return tuple(
            Epoch(
                epoch=int(row["epoch"]),
                loss=float(row["loss"]),
                accuracy=float(row["train_accuracy"]),
            )
            for row in csv.DictReader(file)
        )


def draw(log: tuple[Epoch, ...], title: str) -> bytes:
    """Return a PNG of loss (logarithmic, left) and training accuracy (right) over the epochs.

    Parameters
    ----------
    log: at least one epoch.
    title: above the picture.

    Raises
    ------
    ValueError: the log is empty.
    """
    if not log:
        raise ValueError("log must have at least one epoch")
    epochs = [entry.epoch for entry in log]
    with matplotlib.rc_context({"font.size": 11, "axes.spines.top": False}):
        figure = Figure(figsize=(8, 4.2), layout="constrained")
        left = figure.subplots()
        right = left.twinx()
        left.semilogy(epochs, [entry.loss for entry in log], color=LOSS)
        accuracies = [math.nan if e.accuracy is None else 100 * e.accuracy for e in log]
        right.plot(epochs, accuracies, color=ACCURACY)
        left.set_xlabel("epoch")
        left.set_ylabel("training loss", color=LOSS)
        right.set_ylabel("training accuracy, %", color=ACCURACY)
        left.xaxis.set_major_locator(MaxNLocator(integer=True))
        left.grid(axis="y", alpha=0.3)
        figure.suptitle(title)
        picture = io.BytesIO()
        # without the version of matplotlib in it, so that the same log gives the same bytes
        figure.savefig(picture, format="png", dpi=120, metadata={"Software": None})
    return picture.getvalue()
