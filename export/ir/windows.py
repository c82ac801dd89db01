"""Windows along one axis of an image: the extent of a kernel, and the number of positions."""

from __future__ import annotations

__all__ = ["extent", "positions", "shown"]


def extent(size: int, dilation: int) -> int:
    """Return the pixels that ``size`` taps span, each ``dilation`` pixels from the one before.

    >>> extent(3, 2)
    5
    """
    return dilation * (size - 1) + 1


def positions(length: int, window: int, stride: int, padding: int) -> int:
    """Return how many windows, ``stride`` apart, fit into ``length`` pixels and the padding.

    ``window`` is the extent of one, ``padding`` is on either side. Less than 1 where none fits.

    >>> positions(8, 3, 2, 1)
    4
    """
    return (length + 2 * padding - window) // stride + 1


def shown(size: tuple[int, int]) -> str:
    """Return height and width of a window as texts show them."""
    return "\N{MULTIPLICATION SIGN}".join(map(str, size))
