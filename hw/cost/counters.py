"""Counters as features of a cost: their flip-flops, and what their logic depends on."""

from tritforge.hw.targets.limits import MAX_GATE_COUNT

__all__ = ["counter_bits", "going_around"]


def counter_bits(*counts):
    """Flip-flops of counters that take as many values each; one with a single value has none."""
    return sum((count - 1).bit_length() for count in counts)


SMALL = 4
"""Bits up to which counters are counted by their width."""


def going_around(*counts):
    """Features of counters that take as many values each (tritforge.hw.stream.counter).

    Up to two bits are gates, each a LUT; of three and four bits each counter has a number of LUTs for itself, in the ECP5 gates
    too. Beyond, adding one takes a LUT or two however long the counter is, in the ECP5 the cells of a chain. One that goes back before its bits are full compares its end and resets its registers; the 1s at the low
    end of the last value are one input of the comparison, which the chain of carries has already.
    """
    longer = [count for count in counts if count > MAX_GATE_COUNT]
    early  = [count for count in longer if count & (count - 1)]
    zeros  = [(count & -count).bit_length() - 1 for count in early]
    widths = [(count - 1).bit_length() for count in longer]
    return {"short": counter_bits(*counts) - counter_bits(*longer), "of_3": widths.count(3), "of_4": widths.count(4),
            "long": sum(width > SMALL for width in widths), "counter": sum(width for width in widths if width > SMALL),
            "reset": len(early), "compared": counter_bits(*early) - sum(max(0, zero - 1) for zero in zeros)}
