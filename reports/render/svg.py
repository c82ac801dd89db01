"""A small writer of SVG: shapes with classes, colours from the page's style, no library behind it.

Colours are custom properties (``var(--plus)``) that the style of ``tritforge.reports.render.style`` sets for light and dark,
so a picture follows the page. ``standalone`` adds the style for a picture that is a file of its own.
"""

from __future__ import annotations

from html import escape

from tritforge.reports.render.style import PALETTE

__all__ = ["TIMES", "WIDTH", "Svg"]

WIDTH = 920
"""Width of every picture, in pixels; narrower pages scale it down."""

TIMES = "\N{MULTIPLICATION SIGN}"
"""Between the extents of a shape."""

FONT_PX = 12
"""Height of text; widths of text are estimated from it where a shape has to fit around it."""


class Svg:
    """A picture of ``width`` x ``height`` pixels, filled by calls; ``str()`` gives the element."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height, self.title = width, height, title
        self._parts: list[str] = []

    def rect(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        fill: str,
        *,
        radius: float = 0,
        hint: str = "",
    ) -> None:
        """A filled rectangle; ``hint`` is shown under the pointer."""
        attributes = (
            f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" fill="{fill}"'
        )
        if radius:
            attributes += f' rx="{_n(radius)}"'
        self._parts.append(
            f"<rect {attributes}>{_hint(hint)}</rect>" if hint else f"<rect {attributes}/>"
        )

    def box(self, x: float, y: float, width: float, height: float, *, radius: float = 6) -> None:
        """An outlined box on the page's surface."""
        self._parts.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" rx="{_n(radius)}" '
            'fill="var(--surface)" stroke="var(--line)"/>'
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        anchor: str = "start",
        fill: str = "var(--ink)",
        size: float = FONT_PX,
        bold: bool = False,
    ) -> None:
        """Text with its baseline at ``y``."""
        weight = ' font-weight="600"' if bold else ""
        place = f'x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}"'
        self._parts.append(
            f'<text {place} fill="{fill}" font-size="{_n(size)}"{weight}>{escape(text)}</text>'
        )

    def path(
        self,
        data: str,
        *,
        fill: str = "none",
        stroke: str = "none",
        width: float = 1.5,
        hint: str = "",
        dash: str = "",
    ) -> None:
        """A path in SVG's own notation."""
        pen = (
            ""
            if stroke == "none"
            else f' stroke="{stroke}" stroke-width="{_n(width)}" stroke-linejoin="round"'
        )
        pen += f' stroke-dasharray="{dash}"' if dash else ""
        inner = f">{_hint(hint)}</path>" if hint else "/>"
        self._parts.append(f'<path d="{data}" fill="{fill}"{pen}{inner}')

    def arrow(self, x0: float, x1: float, y: float) -> None:
        """A horizontal arrow from ``x0`` to ``x1``."""
        self.path(f"M{_n(x0)} {_n(y)}H{_n(x1 - 5)}", stroke="var(--muted)")
        self.path(f"M{_n(x1)} {_n(y)}l-7 -4v8z", fill="var(--muted)")

    def __str__(self) -> str:
        return self._element("")

    def standalone(self) -> str:
        """The picture as a file of its own, with light and dark colours."""
        style = f"<style>{PALETTE}svg{{background:var(--page);font-family:system-ui,sans-serif}}</style>"
        return self._element(style) + "\n"

    def _element(self, style: str) -> str:
        width, height = _n(self.width), _n(self.height)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" role="img" '
            f'aria-label="{escape(self.title)}">{style}' + "".join(self._parts) + "</svg>"
        )


def _n(value: float) -> str:
    """A coordinate to a hundredth, without trailing zeros."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _hint(text: str) -> str:
    return f"<title>{escape(text)}</title>"
