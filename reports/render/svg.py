"""A small writer of SVG for diagrams of a network and its weights.

Colours are custom properties (``var(--accent)``) that ``palette.css`` sets for light and dark, so a
picture follows the page around it. ``standalone`` adds them for a picture in its own file.
"""

from __future__ import annotations

from html import escape

from tritforge.reports.render.palette import PALETTE

__all__ = ["TIMES", "WIDTH", "Svg"]

WIDTH = 920
"""Width of every picture, in pixels; narrower pages scale it down."""

TIMES = "\N{MULTIPLICATION SIGN}"
"""Between the extents of a shape."""


class Svg:
    """A picture of ``width`` x ``height`` pixels, filled by calls; ``str()`` gives the element."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height, self.title = width, height, title
        self._parts: list[str] = []

    def rect(
        self, x: float, y: float, width: float, height: float, fill: str, *, radius: float = 0
    ) -> None:
        """A filled rectangle."""
        place = f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'
        rounded = f' rx="{_n(radius)}"' if radius else ""
        self._parts.append(f'<rect {place} fill="{fill}"{rounded}/>')

    def box(self, x: float, y: float, width: float, height: float, *, radius: float = 6) -> None:
        """An outlined box on the page's surface."""
        place = f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"'
        self._parts.append(
            f'<rect {place} rx="{_n(radius)}" fill="var(--surface)" stroke="var(--line)"/>'
        )

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        anchor: str = "start",
        fill: str = "var(--ink)",
        size: float = 12,
        bold: bool = False,
    ) -> None:
        """Text with its baseline at ``y``."""
        weight = ' font-weight="600"' if bold else ""
        place = f'x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}"'
        self._parts.append(
            f'<text {place} fill="{fill}" font-size="{_n(size)}"{weight}>{escape(text)}</text>'
        )

    def path(self, data: str, *, fill: str = "none", stroke: str = "none") -> None:
        """A path in SVG's own notation."""
        pen = "" if stroke == "none" else f' stroke="{stroke}" stroke-width="1.5"'
        self._parts.append(f'<path d="{data}" fill="{fill}"{pen}/>')

    def strokes(
        self, data: str, colour: str, width: float, dashes: tuple[float, float] | None = None
    ) -> None:
        """Lines ``width`` pixels wide, of (dash, gap) pixels where given."""
        dashed = "" if dashes is None else f' stroke-dasharray="{_n(dashes[0])} {_n(dashes[1])}"'
        self._parts.append(
            f'<path d="{data}" fill="none" stroke="{colour}" stroke-width="{_n(width)}"{dashed}/>'
        )

    def arrow(self, x0: float, x1: float, y: float) -> None:
        """A horizontal arrow from ``x0`` to ``x1``."""
        self.path(f"M{_n(x0)} {_n(y)}H{_n(x1 - 5)}", stroke="var(--muted)")
        self.path(f"M{_n(x1)} {_n(y)}l-7 -4v8z", fill="var(--muted)")

    def group(self, elements: str) -> None:
        """Elements that are SVG already."""
        self._parts.append(elements)

    def __str__(self) -> str:
        return self._element("")

    def __html__(self) -> str:
        """Return the element as HTML for jinja2, which does not escape it."""
        return str(self)

    def standalone(self) -> str:
        """The picture as a file of its own, with light and dark colours."""
        rule = "svg{background:var(--page);font-family:system-ui,sans-serif}"
        return self._element(f"<style>{PALETTE}{rule}</style>") + "\n"

    def _element(self, style: str) -> str:
        width, height = _n(self.width), _n(self.height)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" stroke-linejoin="round" role="img" '
            f'aria-label="{escape(self.title)}">{style}' + "".join(self._parts) + "</svg>"
        )


def _n(value: float) -> str:
    """A coordinate to a hundredth, without trailing zeros."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
