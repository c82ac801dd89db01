"""Arithmetic on ternary weights: a product is a gate, a dot product a tree of unsigned additions.

The lane: with u the input as an unsigned number of B bits (offset binary when it is signed) and a weight code
{negative, nonzero},

    product = nonzero ? (negative ? ~u : u) : 0        unsigned, B bits, no carry

The missing constants are per row and known at export: tritforge.hw.matrix.offset_binary folds them into thresholds or bias.
"""

from amaranth import *

__all__ = ["Operators", "add_all", "at_least", "lane_bits", "maximum", "offset_binary", "reached", "ternary_product"]


class Operators:
    """Rows of additions as operators; the interface is that of :class:`tritforge.hw.targets.xc7.cells.SevenSeries`."""

    def products(self, name, lanes):
        """Sum of the ternary products of two ``lanes``, (value, code) each."""
        return add_all(ternary_product(value, code) for value, code in lanes)

    def add(self, name, terms, width, *, so_far=None, clear=None):
        """Sum of ``terms`` and, unless ``clear`` is high, ``so_far``; modulo 2**``width``."""
        return add_all(terms if so_far is None else [*terms, Mux(clear, 0, so_far)])[:width]

    def add_product(self, name, lane, width, *, so_far, clear):
        """Sum of the ternary product of a ``lane``, (value, code), and, unless ``clear`` is high, ``so_far``; modulo 2**``width``."""
        return self.add(name, [ternary_product(*lane)], width, so_far=so_far, clear=clear)

    def ternary_lane(self, name, value, code, more):
        """Sum and carry of the bit ``more`` and, unless the weight ``code`` is 0, of 1 + weight * ``value``, both trit codes."""
        reached = Cat(~value[1], value[0] & ~value[1])       # value >= 0, value >= 1
        first, second = ternary_product(reached, code)
        return first ^ second ^ more, (first & second) | ((first | second) & more)

    def ternary_row(self, name, columns, *, top):
        """A row of a heap: (sum of each column, carry-save, carry), the last two None where there is no such bit."""
        count  = len(columns)
        values = [[~signal if inverted else signal for signal, inverted in bits] for bits in columns]
        slots  = max(len(bits) for bits in values)
        total  = add_all(Cat(bits[slot] if slot < len(bits) else Const(0, 1) for bits in values) for slot in range(slots))
        total  = (total | Const(0, count + 2))[:count + 2]
        above  = total[count:]
        sums   = [total[at] for at in range(count)]
        return sums, None if top else above[1], None if top else above.any()

    atoms_row = ternary_row

    def at_least(self, name, value, bound):
        """Whether ``value`` >= ``bound``, both unsigned."""
        return _reaches(value, bound)

    def no_less(self, name, left, right, given=None):
        """Whether ``left`` >= ``right``, of one type, and ``given``, a bit: the comparison's highest, no gate behind it."""
        left, right = offset_binary(left), offset_binary(right)
        return _reaches(left, right) if given is None else _reaches(Cat(left, given), Cat(right, Const(1, 1)))

    def choose(self, name, which, left, right):
        """``left`` where ``which`` is high, else ``right``, numbers of one type."""
        return Mux(which, left, right)

    def larger(self, name, left, right):
        """The larger one of two numbers of one type."""
        return Mux(self.no_less(name, left, right), left, right)

    def running_larger(self, name, so_far, value, first):
        """The larger one of two numbers of one type, ``value`` where ``first`` is high."""
        return Mux(self.no_less(name, so_far, value, ~first), so_far, value)


def _reaches(left, right):
    """Whether ``left`` >= ``right``, both unsigned.

    An odd number of bits gets one more at the low end, the same for both. A cell of the ECP5 gives out the carry of every
    second bit; that of another is a gate, which synthesis copies into each LUT that the comparison decides (the largest of
    five numbers of 7 bits: 141 LUT4, so 98). Up to 4 bits there is no carry. No family takes more LUTs for it.
    """
    width = max(len(left), len(right))
    if width <= 4 or width % 2 == 0:
        return left >= right
    return Cat(left[0], left) >= Cat(left[0], right)


def offset_binary(value):
    """The bits of ``value`` as an unsigned number: the top bit of a signed one is inverted, which adds 2**(B-1)."""
    bits = value.as_unsigned() if value.shape().signed else value
    return bits ^ (1 << (len(value) - 1)) if value.shape().signed else bits


def lane_bits(value, dtype):
    """The bits of an element of type ``dtype`` as a lane takes them: offset binary, or a trit code as it is."""
    return value.as_unsigned() ^ ((1 << (dtype.bits - 1)) if dtype.signed and not dtype.ternary else 0)


def ternary_product(value, code):
    """Gate ``value`` (unsigned, B bits) with the trit ``code`` (2 bits): 00 gives 0, 01 value, 11 its complement."""
    width = len(value)
    return (value ^ code[1].replicate(width)) & code[0].replicate(width)


def add_all(terms):
    """Sum of a list of unsigned values as a balanced tree; wide enough for every value."""
    terms = list(terms)
    while len(terms) > 1:
        pairs = [left + right for left, right in zip(terms[0::2], terms[1::2], strict=False)]
        terms = pairs + terms[len(pairs) * 2:]
    return terms[0]


def at_least(value, bound):
    """Whether ``value`` (unsigned) >= ``bound``, an int known now: gates, of which a LUT6 takes five bits at a time."""
    if bound >= 1 << len(value):
        return Const(0, 1)
    result = Const(1, 1)
    for position, bit in enumerate(value):
        if bound & (2 << position) - 1:                      # below the lowest 1 of the bound no bit matters
            result = bit & result if bound >> position & 1 else bit | result
    return result


def reached(levels):
    """How many of ``levels`` are high, where none is high above one that is low.

    Bit j of the count is the parity of every 2**j-th level: gates, no additions.
    """
    levels = list(levels)
    return Cat(Cat(levels[(1 << bit) - 1::1 << bit]).xor() for bit in range(len(levels).bit_length()))


def maximum(m, row, values):
    """(largest, place) of a list of ``values``; among equals the one that comes first. ``row``: :func:`tritforge.hw.targets.rows.rows`.

    The places are constants, so their choice is gates on the results of the comparisons.
    """
    candidates = [(value, Const(place, (len(values) - 1).bit_length())) for place, value in enumerate(values)]
    while len(candidates) > 1:
        winners = []
        for number, ((value, place), (other, other_place)) in enumerate(zip(candidates[0::2], candidates[1::2], strict=False)):
            name   = f"{len(candidates)}_{number}"
            stays  = row.no_less(f"no_less_{name}", value, other)
            winner = Signal(value.shape(), name=f"winner_{name}")
            m.d.comb += winner.eq(row.choose(f"value_{name}", stays, value, other))
            winners.append((winner, Mux(stays, place, other_place)))
        candidates = winners + candidates[len(winners) * 2:]
    return candidates[0]
