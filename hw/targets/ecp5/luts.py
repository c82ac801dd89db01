"""Numbers of LUT4 of arithmetic, as instantiated cells or as synthesis maps it."""

from collections.abc import Sequence
from functools import cache

from tritforge.hw.matrix.bit_heap import saves

__all__ = [
    "MAX_GATE_BITS",
    "MAX_GATE_CASCADED_COMPARE_BITS",
    "MAX_GATE_COMPARE_BITS",
    "chain_luts",
    "chains",
    "choice_luts",
    "product_luts",
    "row_luts",
    "sum_luts",
]

MAX_GATE_BITS = 4
"""Most input bits of a sum, or of a comparator with a threshold, that is gates: a LUT4 for each
bit."""

MAX_GATE_COMPARE_BITS = 3
"""Widest comparator of two numbers that is gates, if no other follows it in the same cycle."""

MAX_GATE_CASCADED_COMPARE_BITS = 2
"""The same of cascaded comparators. With 3 bits, gates take a sixth more LUTs than carry chains,
with 4 bits twice as many; measured with tritforge.hw.layers.sliding_pool."""


def chain_luts(columns: int, carry: bool = True) -> int:
    """LUTs of a chain of ``columns`` bits: whole CCU2C of two LUTs, one bit more for a carry out.

    ``carry`` : whether the carry out is used.
    """
    return columns + (1 if columns % 2 else 2 * carry)


def product_luts(bits: int) -> tuple[int, int]:
    """LUTs of the sum of two ternary products of ``bits`` >= 2 bits: (of gates, of chains)."""
    return bits, chain_luts(bits)


def sum_luts(bits: Sequence[int], width: int, so_far: int | None = None) -> tuple[int, int]:
    """LUTs of a sum modulo 2**``width``: (of gates, of chains).

    ``bits`` : numbers of bits of the operands. ``so_far`` : bits of one more, gated operand.
    """
    total, *others = sorted(bits)
    addends = [(number, False) for number in others] + ([] if so_far is None else [(so_far, True)])
    few = in_chains = 0
    for number, gated in addends:
        longer = max(total, number)
        if total + number <= MAX_GATE_BITS and not gated:
            total = min(width, longer + 1)
            few  += total
        else:
            in_chains += chain_luts(min(width, longer), width > longer)
            total      = min(width, longer + 1)
    return few, in_chains


def row_luts(counts: tuple[int, ...], top: bool) -> tuple[int, int]:
    """LUTs of a ternary row of a bit heap: (of gates, of chains); parameters as of :func:`chains`.
    """
    if len(counts) == 1 and counts[0] <= 3:
        return 2 - top, 0
    found  = chains(counts, top)
    joined = not top and len(found) > 1 and not saves(counts)[-1]
    return joined, sum(chain_luts(len(taken), not top) for _, taken, _ in found)


@cache
def chains(counts: tuple[int, ...], top: bool) -> tuple[tuple[int, tuple[int, ...], bool], ...]:
    """Split a ternary row of a bit heap into carry chains.

    Parameters
    ----------
    counts : number of bits of each column, the lowest first.
    top : whether the last column is the highest of the heap.

    Returns
    -------
    of each chain (first column, number of bits it adds in each column from there on, whether
    another bit of the first column is its carry in)
    """
    left, found = list(counts), []
    starts = left[0] == 4 and (len(left) > 1 or not top)
    left[0] -= starts
    while starts or max(left) > 1:
        first = 0 if starts else next(at for at, count in enumerate(left) if count > 1)
        taken = [min(count, 2) for count in left[first:]]
        if top:
            taken[-1] = min(left[-1], 4)
        left[first:] = [count - used + 1 for count, used in zip(left[first:], taken, strict=True)]
        found.append((first, tuple(taken), starts))
        starts = False
    return tuple(found)


_CHOICE_LUT4 = (0, 0, 1, 2, 3, 4, 4, 5.3, 6, 8, 8, 10, 10, 12, 12.2, 12.3, 15, 24, 24.3, 26)


def choice_luts(inputs: int) -> float:
    """LUT4, per bit, of a multiplexer of ``inputs`` inputs selected by a counter.

    Measured with words of 4 to 32 bits: about one for each input but the first. More than 16 inputs
    exceed three cascaded LUTs and take a third more.
    """
    return _CHOICE_LUT4[inputs] if inputs < len(_CHOICE_LUT4) else -(-4 * inputs // 3)
