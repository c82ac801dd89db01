"""A scatter picture with a logarithmic axis of rates or prices: points, and a line through each series."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tritforge.reports.render.svg import FONT_PX, WIDTH, Svg

__all__ = ["COLOURS", "Point", "scatter"]

COLOURS = ("var(--accent)", "var(--minus)", "var(--good)", "var(--bad)", "var(--muted)")
"""Of the series, in order; more than these begin again."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 90, 30, 34, 58
_HEIGHT = 420
_NAME_GAP = 30


@dataclass(frozen=True)
class Point:
    """A dot at (x, y), both above 0: its series, a word beside it and a line under the pointer."""

    x: float
    y: float
    series: str = ""
    label: str = ""
    hint: str = ""
    marked: bool = False


def scatter(
    points: Sequence[Point],
    title: str,
    x_title: str,
    y_title: str,
    *,
    lines: bool = True,
    linear_y: bool = False,
) -> Svg:
    """Draw ``points``, x logarithmic, y logarithmic or linear; ``marked`` ones are larger and say their
    label.

    Raises
    ------
    ValueError: no points, or one that a logarithm does not take.
    """
    if not points:
        raise ValueError("points must not be empty")
    if any(point.x <= 0 or (point.y <= 0 and not linear_y) for point in points):
        raise ValueError("points must have coordinates above 0")
    svg = Svg(WIDTH, _HEIGHT, title)
    xs = _Axis([point.x for point in points], _LEFT, WIDTH - _RIGHT, linear=False)
    ys = _Axis([point.y for point in points], _HEIGHT - _BOTTOM, _TOP, linear=linear_y)
    for value in xs.ticks:
        svg.path(f"M{xs.at(value):.1f} {_TOP}V{_HEIGHT - _BOTTOM}", stroke="var(--line)")
        svg.text(
            xs.at(value),
            _HEIGHT - _BOTTOM + 18,
            _short(value),
            anchor="middle",
            fill="var(--muted)",
        )
    for value in ys.ticks:
        svg.path(f"M{_LEFT} {ys.at(value):.1f}H{WIDTH - _RIGHT}", stroke="var(--line)")
        svg.text(_LEFT - 8, ys.at(value) + 4, _short(value), anchor="end", fill="var(--muted)")
    svg.text((_LEFT + WIDTH - _RIGHT) / 2, _HEIGHT - 14, x_title, anchor="middle")
    svg.text(8, 18, y_title)
    names = list(dict.fromkeys(point.series for point in points))
    # a character is about six tenths of the text's height wide
    widths = [_NAME_GAP + 0.6 * FONT_PX * len(name) for name in names]
    for number, name in enumerate(names):
        colour = COLOURS[number % len(COLOURS)]
        series = sorted(
            (point for point in points if point.series == name), key=lambda point: point.x
        )
        if lines and len(series) > 1:
            steps = " ".join(f"{xs.at(point.x):.1f} {ys.at(point.y):.1f}" for point in series)
            svg.path(f"M{steps}", stroke=colour)
        for point in series:
            _dot(svg, xs.at(point.x), ys.at(point.y), colour, point)
        if name:
            x = WIDTH - _RIGHT - sum(widths[number:]) + _NAME_GAP / 2
            _dot(svg, x, 14, colour, Point(1, 1))
            svg.text(x + 10, 18, name)
    return svg


def _dot(svg: Svg, x: float, y: float, colour: str, point: Point) -> None:
    radius = 6.0 if point.marked else 3.5
    svg.rect(x - radius, y - radius, 2 * radius, 2 * radius, colour, radius=radius, hint=point.hint)
    if point.label:
        end = x > WIDTH * 0.8
        svg.text(
            x + (-9 if end else 9), y - 7, point.label, anchor="end" if end else "start", size=11
        )


class _Axis:
    """From values to pixels."""

    def __init__(self, values: Sequence[float], start: float, end: float, *, linear: bool) -> None:
        self._linear = linear
        low, high = min(values), max(values)
        if linear:
            margin = (high - low) * 0.08 or abs(high) * 0.01 or 1.0
            low, high = low - margin, high + margin
        else:
            low, high = low / 1.15, high * 1.15
        self._low, self._high = self._place(low), self._place(high)
        self._start, self._end = start, end
        self.ticks = _nice(low, high) if linear else _decades(low, high)

    def _place(self, value: float) -> float:
        return value if self._linear else math.log10(value)

    def at(self, value: float) -> float:
        """The pixel of ``value``."""
        share = (self._place(value) - self._low) / (self._high - self._low)
        return self._start + share * (self._end - self._start)


def _decades(low: float, high: float) -> list[float]:
    """Powers of ten, with their twofold and fivefold where there are few, between ``low`` and ``high``."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    powers = [10.0**exponent for exponent in exponents if low <= 10.0**exponent <= high]
    if len(powers) >= 3:
        return powers
    values = [factor * 10.0**exponent for exponent in exponents for factor in (1, 2, 5)]
    return [value for value in values if low <= value <= high]


def _nice(low: float, high: float) -> list[float]:
    """About five round values between ``low`` and ``high``."""
    raw = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(raw))
    step = min((1, 2, 5, 10), key=lambda factor: abs(factor * power - raw)) * power
    first = math.ceil(low / step)
    return [round(step * at, 10) for at in range(first, math.floor(high / step) + 1)]


def _short(value: float) -> str:
    """2,000 as 2 k."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"
