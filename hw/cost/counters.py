"""Counters in cost formulae: their flip-flops, and the features that their logic depends on."""

from tritforge.hw.targets.limits import MAX_GATE_COUNT

__all__ = ["counter_bits", "counter_features"]

SMALL_COUNTER_BITS = 4
"""Widest counter whose LUTs are calibrated for its width alone."""


def counter_bits(*moduli: int) -> int:
    """Flip-flops of counters modulo each of ``moduli``; a modulus of 1 has none.

    >>> counter_bits(1, 2, 5)
    4
    """
    return sum((modulus - 1).bit_length() for modulus in moduli)


def counter_features(*moduli: int) -> dict[str, int]:
    """Features of the logic of counters (tritforge.hw.stream.counter) modulo each of ``moduli``.

    Returns
    -------
    dict of :
        short : bits of counters up to ``MAX_GATE_COUNT``: next-state logic, a LUT for each.
        of_3, of_4 : number of counters of 3 and 4 bits; each width has a number of LUTs of its own.
        long, counter : number and bits of longer ones: an incrementer, that is a carry chain, and a
            LUT or two that do not depend on the width.
        reset : number of counters that wrap by comparison and synchronous reset, since the modulus
            is no power of two.
        compared : inputs of these comparisons. The trailing ones of the last value are one input,
            because the carry chain computes their AND anyway.

    >>> counter_features(448)["compared"]
    4
    """
    chained = [modulus for modulus in moduli if modulus > MAX_GATE_COUNT]
    compared = [modulus for modulus in chained if modulus & (modulus - 1)]
    trailing = [(modulus & -modulus).bit_length() - 1 for modulus in compared]   # ones of the end
    widths   = [(modulus - 1).bit_length() for modulus in chained]
    long     = [width for width in widths if width > SMALL_COUNTER_BITS]
    return {"short": counter_bits(*moduli) - sum(widths), "of_3": widths.count(3),
            "of_4": widths.count(4), "long": len(long), "counter": sum(long),
            "reset": len(compared),
            "compared": counter_bits(*compared) - sum(max(0, ones - 1) for ones in trailing)}
