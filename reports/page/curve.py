"""The training curve: drawn as soon as training ends, and in the report."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tritforge.reports.page.data import Epoch
from tritforge.reports.render.chart import canvas, log_axis, styled
from tritforge.reports.render.palette import LIGHT

__all__ = ["draw", "read_log"]


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


@styled()
def draw(log: Sequence[Epoch], title: str = "") -> Figure:
    """Draw training loss and, where it was logged, training accuracy over the epochs.

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
    panels = [("training loss", "contrast", [(entry.epoch, entry.loss) for entry in log])]
    known = [(entry.epoch, 100 * entry.accuracy) for entry in log if entry.accuracy is not None]
    if known:
        panels.append(("training accuracy, %", "accent", known))
    figure = canvas(260)
    for axes, (name, colour, points) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
    ):
        axes.plot(*zip(*points, strict=True), color=LIGHT[colour])
        epoch, last = points[-1]
        axes.plot(epoch, last, "o", color=LIGHT[colour])
        text = f"{last:.3g}" if name == "training loss" else f"{last:.1f}"
        axes.annotate(text, (epoch, last), (8, 0), textcoords="offset points", va="center")
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(axis="y")
    losses = [entry.loss for entry in log]
    if min(losses) > 0:
        figure.axes[0].set_yscale("log")
        log_axis(figure.axes[0].yaxis)
    figure.suptitle(title)
    return figure
