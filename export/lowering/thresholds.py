"""Integer thresholds of a function that is only known by evaluating it.

Between a layer's integers and the next activation code stand a scale, a bias, a batch norm, an
activation step and several roundings. None of that is rewritten as a formula here: the function
itself is asked, at integers, until the smallest one that reaches each code is known. Ties and
roundings then agree because they are the same.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tritforge.types import IntArray

__all__ = ["CodeFunction", "ThresholdError", "find", "is_decreasing"]

CodeFunction = Callable[[npt.NDArray[np.float64]], IntArray]
"""Integers [n, C] as float64, to codes [n, C]; column c depends on column c alone."""


class ThresholdError(ValueError):
    """A function that cannot be written as thresholds; the message names the channel."""


def find(
    function: CodeFunction, minimum: npt.ArrayLike, maximum: npt.ArrayLike, levels: int
) -> IntArray:
    """Return the smallest integer at which each channel reaches each code.

    Parameters
    ----------
    function: monotone, non-decreasing in each channel; codes 0..levels.
    minimum, maximum: integers [C], the range that can occur in each channel; below 2**53 in
        magnitude.
    levels: number of thresholds L.

    Returns
    -------
    int64 [C, L]. Column k holds the smallest integer whose code is at least k + 1: ``minimum``
    where every integer reaches it, ``maximum + 1`` where none does.

    Raises
    ------
    ThresholdError: at the integers that were tried the function decreases, or leaves 0..levels.

    >>> find(lambda y: (y >= 3).astype(np.int64) + (y >= 5.5), minimum=[-9], maximum=[9], levels=2)
    array([[3, 6]])
    """
    lowest, highest = _range(minimum, maximum)
    wanted = np.arange(1, levels + 1)[:, None]  # [L, 1]
    low = np.repeat(lowest[None], levels, axis=0)  # [L, C]
    high = np.repeat(highest[None] + 1, levels, axis=0)
    # Invariant: every integer below low misses its level; high reaches it or is maximum + 1.
    while (low < high).any():
        middle = (low + high) // 2
        # A finished column may stand at maximum + 1, outside the range: its answer is not used.
        reached = function(np.minimum(middle, highest).astype(np.float64)) >= wanted
        searching = low < high
        high = np.where(searching & reached, middle, high)
        low = np.where(searching & ~reached, middle + 1, low)
    _verify(function, low, lowest, highest, levels)
    return np.ascontiguousarray(low.T)


def is_decreasing(
    function: CodeFunction, minimum: npt.ArrayLike, maximum: npt.ArrayLike
) -> npt.NDArray[np.bool_]:
    """Return for each channel [C] whether a monotone function decreases over its range.

    It is evaluated at ``minimum`` and at ``maximum``, int64 [C] each.

    Raises
    ------
    ValueError: the limits differ in length, or a minimum exceeds its maximum.
    """
    ends = function(np.stack(_range(minimum, maximum)).astype(np.float64))
    decreasing: npt.NDArray[np.bool_] = ends[1] < ends[0]
    return decreasing


def _range(minimum: npt.ArrayLike, maximum: npt.ArrayLike) -> tuple[IntArray, IntArray]:
    """The limits as int64 [C], checked."""
    lowest = np.atleast_1d(np.asarray(minimum, dtype=np.int64))
    highest = np.atleast_1d(np.asarray(maximum, dtype=np.int64))
    if lowest.ndim != 1 or lowest.shape != highest.shape:
        raise ValueError(
            f"minimum and maximum must be vectors of one length, not {lowest.shape} and "
            f"{highest.shape}"
        )
    if (lowest > highest).any():
        channel = int(np.argmax(lowest > highest))
        raise ValueError(
            f"channel {channel}: minimum must not exceed maximum, not {lowest[channel]} > "
            f"{highest[channel]}"
        )
    return lowest, highest


def _verify(
    function: CodeFunction, found: IntArray, lowest: IntArray, highest: IntArray, levels: int
) -> None:
    """Check that codes ascend and agree with ``found``, at the ends and around each threshold.

    ``found`` is [L, C]. A function that decreases leads the search astray, and that shows here.
    """
    points = np.concatenate([lowest[None], found - 1, found, highest[None]])  # [2L + 2, C]
    points = np.sort(np.clip(points, lowest, highest), axis=0)
    codes = function(points.astype(np.float64))
    for row, channel in np.argwhere((codes < 0) | (codes > levels)):
        raise ThresholdError(
            f"channel {channel}: codes must be in 0..{levels}, "
            f"not {codes[row, channel]} at {points[row, channel]}"
        )
    for row, channel in np.argwhere(np.diff(codes, axis=0) < 0):
        raise ThresholdError(
            f"channel {channel}: the function must not decrease, but it is {codes[row, channel]} "
            f"at {points[row, channel]} and {codes[row + 1, channel]} at {points[row + 1, channel]}"
        )
    counted = (points[:, None] >= found[None]).sum(axis=1)  # [2L + 2, C]: what the thresholds say
    for row, channel in np.argwhere(counted != codes):
        raise ThresholdError(
            f"channel {channel}: the code must depend on the channel's own integer alone, but at "
            f"{points[row, channel]} it is {codes[row, channel]} here and was "
            f"{counted[row, channel]} before"
        )
