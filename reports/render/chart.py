"""Charts by matplotlib in the page's style: as SVG whose colours follow light and dark, or as PNG.

A chart is drawn with the light colours of ``palette.css``; the SVG then refers to each by its name
(``var(--accent)``), so the style around it chooses. Text stays text, in the font of the page. The
same figure always gives the same bytes.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from matplotlib.transforms import Bbox

from tritforge.reports.render.palette import LIGHT
from tritforge.reports.render.svg import WIDTH, Svg

__all__ = [
    "Series",
    "bars",
    "canvas",
    "hinted",
    "label",
    "log_axis",
    "png",
    "short",
    "styled",
    "svg",
]

_POINTS = 72
"""Units of matplotlib's SVG in an inch, which are this package's pixels."""

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": 12,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 12,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "legend.fontsize": 11,
    "legend.frameon": False,
    "text.color": LIGHT["ink"],
    "axes.labelcolor": LIGHT["ink"],
    "axes.edgecolor": LIGHT["line"],
    "xtick.color": LIGHT["line"],
    "ytick.color": LIGHT["line"],
    "xtick.labelcolor": LIGHT["muted"],
    "ytick.labelcolor": LIGHT["muted"],
    "grid.color": LIGHT["line"],
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "figure.constrained_layout.use": True,
}

_HINT = "hint:"
"""What the group identifiers begin with that become hints."""


@contextmanager
def styled() -> Iterator[None]:
    """Apply the style, to a block or as a decorator to a function."""
    with rc_context(_STYLE):
        yield


def canvas(height: float) -> Figure:
    """Return an empty figure of ``WIDTH`` x ``height`` pixels."""
    return Figure(figsize=(WIDTH / _POINTS, height / _POINTS))


def hinted(text: str) -> str:
    """Return the ``gid`` of an artist that shows ``text`` under the pointer."""
    return f"{_HINT}{text}"


def svg(figure: Figure, title: str) -> Svg:
    """Return ``figure`` as a picture; ``title`` is what a screen reader says."""
    text = io.StringIO()
    without = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with rc_context({**_STYLE, "svg.hashsalt": title}):
        figure.savefig(text, format="svg", metadata=without)
    page = text.getvalue()
    body = page[page.index('<g id="figure_1">') : page.rindex("</svg>")]
    body = re.sub(rf"""<g id=(["']){_HINT}(.*?)\1>""", r"<g><title>\2</title>", body)
    body = re.sub(r' id="[\w.]+_\d+"', "", body)
    body = re.sub(r" font-family: [^;\"]*;", "", body)
    body = re.sub(r' transform="rotate\(-0 [^"]*"', "", body)
    body = re.sub(r"\s*\n\s*", "", body).replace("xlink:href", "href")
    # to a hundredth of a pixel, but not the numbers that are text
    body = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\.\d\d)\d+", r"\1", tag[0]), body)
    for name, colour in LIGHT.items():
        body = body.replace(colour, f"var(--{name})")
    width, height = figure.get_size_inches() * _POINTS
    picture = Svg(width, height, title)
    picture.group(body)
    return picture


def png(figure: Figure) -> bytes:
    """Return ``figure`` as a PNG with light colours."""
    picture = io.BytesIO()
    # without the version of matplotlib in it, so that the same figure gives the same bytes
    with styled():
        figure.savefig(
            picture, format="png", dpi=110, facecolor=LIGHT["surface"], metadata={"Software": None}
        )
    return picture.getvalue()


def short(value: float) -> str:
    """Return a number in few characters: 2 k for 2,000."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def log_axis(axis: Axis) -> None:
    """Put ticks on a logarithmic axis whose limits are set: decades, also 2 and 5 where few."""
    low, high = axis.get_view_interval()
    steps = (1.0,) if high / low > 1e3 else (1.0, 2.0, 5.0)
    axis.set_major_locator(LogLocator(subs=steps, numticks=20))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))


def label(axes: Axes, places: Sequence[tuple[float, float, str]]) -> None:
    """Write texts beside their places (x, y), leaving out those that overlap.

    Set the limits of the axes before.
    """
    frame = axes.get_window_extent()
    dots = [tuple(axes.transData.transform((x, y))) for x, y, _ in places]
    taken = [Bbox.from_bounds(x - 6, y - 6, 12, 12) for x, y in dots]
    for (x, y, text), (left, bottom) in zip(places, dots, strict=True):
        width = 7.0 * len(text)
        for across, up in ((9, 3), (-9, 3), (9, -12), (-9, -12)) if text else ():
            start = left + across - (width if across < 0 else 0)
            box = Bbox.from_bounds(start, bottom + up, width, 11)
            inside = frame.x0 < box.x0 and box.x1 < frame.x1
            if inside and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                axes.annotate(text, (x, y), (across, up), textcoords="offset points",
                              ha="left" if across > 0 else "right", fontsize=11)  # fmt: skip
                break


@dataclass(frozen=True)
class Series:
    """One value for each bar: what its colour means, and the name of the colour."""

    label: str
    colour: str
    values: Sequence[float]


@styled()
def bars(
    title: str,
    names: Sequence[str],
    series: Sequence[Series],
    ends: Sequence[str],
    axis_title: str,
    *,
    log: bool = False,
    inside: str = "",
    mark: tuple[float, str] | None = None,
) -> Svg:
    """Draw horizontal bars, one for each of ``names``, from stacked ``series``.

    Parameters
    ----------
    ends: text at the end of each bar.
    axis_title: quantity and unit of the values.
    log: a logarithmic axis from 1 on.
    inside: format of the value within a bar that is wide enough; none by default.
    mark: a value and its name, as a dashed line across all bars.
    """
    pitch, rest = 26, 84
    figure = canvas(pitch * len(names) + rest)
    axes = figure.subplots()
    start = 1.0 if log else 0.0
    totals = [start] * len(names)
    longest = max(
        [start, *(sum(values) for values in zip(*(s.values for s in series), strict=True))]
    )
    for part in series:
        for row, (name, value) in enumerate(zip(names, part.values, strict=True)):
            if value <= 0:
                continue
            width = value - start if log else value
            hint = hinted(f"{name}: {value:,.6g} {part.label}")
            axes.barh(row, width, 0.7, totals[row], color=LIGHT[part.colour], gid=hint)
            if inside and value > 0.06 * longest:
                ink = "ink" if part.colour == "zero" else "on-accent"
                axes.text(totals[row] + width / 2, row, inside.format(value), color=LIGHT[ink],
                          ha="center", va="center_baseline", fontsize=11)  # fmt: skip
            totals[row] += width
    for row, (total, end) in enumerate(zip(totals, ends, strict=True)):
        axes.annotate(end, (total, row), (6, 0), textcoords="offset points", va="center_baseline")
    if mark is not None:
        axes.axvline(mark[0], color=LIGHT["contrast"], linestyle="--", label=mark[1])
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(max(len(names), 1) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0, labelcolor=LIGHT["ink"], labelsize=12)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.set_xlabel(axis_title)
    if log:
        axes.set_xscale("log")
    axes.set_xlim(start, longest * 1.02 or 1.0)
    if log:
        log_axis(axes.xaxis)
    else:
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))
    handles: list[Artist] = [Patch(color=LIGHT[s.colour], label=s.label) for s in series if s.label]
    handles += axes.get_lines()
    if handles:
        figure.legend(handles=handles, loc="outside upper left", ncols=len(handles))
    return svg(figure, title)
