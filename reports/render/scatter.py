"""A scatter chart over a logarithmic axis: dots, and a line through each series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.ticker import FuncFormatter

from tritforge.reports.render.chart import canvas, hinted, label, log_axis, short, styled, svg
from tritforge.reports.render.palette import LIGHT
from tritforge.reports.render.svg import Svg

__all__ = ["Dot", "scatter"]

_COLOURS = ("accent", "contrast", "good", "bad", "muted")
"""Of the series, in order; more than these begin again."""


@dataclass(frozen=True)
class Dot:
    """A dot at (x, y): its series, a word beside it and a line under the pointer."""

    x: float
    y: float
    series: str = ""
    label: str = ""
    hint: str = ""
    marked: bool = False


@styled()
def scatter(
    dots: Sequence[Dot],
    title: str,
    x_title: str,
    y_title: str,
    *,
    lines: bool = True,
    linear_y: bool = False,
) -> Svg:
    """Draw ``dots``, x logarithmic, y logarithmic or linear; ``marked`` ones are larger.

    Parameters
    ----------
    x_title, y_title: quantity and unit.
    lines: join the dots of a series, by ascending x.

    Raises
    ------
    ValueError: no dots, or one that a logarithm does not take.
    """
    if not dots:
        raise ValueError("dots must not be empty")
    if any(dot.x <= 0 or (dot.y <= 0 and not linear_y) for dot in dots):
        raise ValueError("dots must have coordinates above 0")
    figure = canvas(420)
    axes = figure.subplots()
    names = list(dict.fromkeys(dot.series for dot in dots))
    for number, name in enumerate(names):
        colour = LIGHT[_COLOURS[number % len(_COLOURS)]]
        series = sorted((dot for dot in dots if dot.series == name), key=lambda dot: dot.x)
        if lines:
            axes.plot([dot.x for dot in series], [dot.y for dot in series], color=colour)
        for dot in series:
            size = 12 if dot.marked else 7
            gid = hinted(dot.hint) if dot.hint else None
            axes.plot(dot.x, dot.y, "o", color=colour, markersize=size, label=name, gid=gid)
    xs, ys = [dot.x for dot in dots], [dot.y for dot in dots]
    axes.set_xscale("log")
    axes.set_xlim(min(xs) / 1.15, max(xs) * 1.15)
    log_axis(axes.xaxis)
    if linear_y:
        margin = 0.08 * (max(ys) - min(ys)) or 0.01 * abs(max(ys)) or 1.0
        axes.set_ylim(min(ys) - margin, max(ys) + margin)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    else:
        axes.set_yscale("log")
        axes.set_ylim(min(ys) / 1.15, max(ys) * 1.15)
        log_axis(axes.yaxis)
    axes.grid()
    axes.set_xlabel(x_title)
    axes.set_ylabel(y_title)
    label(axes, [(dot.x, dot.y, dot.label) for dot in dots])
    if any(names):
        handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        figure.legend(handles.values(), handles, loc="outside upper right", ncols=len(handles))
    return svg(figure, title)
