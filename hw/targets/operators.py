"""Arithmetic on ternary weights: a product is a gate, a dot product an adder tree.

With u the input as an unsigned number of B bits (offset binary if the input is signed) and the
weight code {negative, nonzero}, the product of a lane is

    product = nonzero ? (negative ? ~u : u) : 0        unsigned, B bits, no carry

It lacks a constant for each weight. Their sum per row is known at export, and
tritforge.hw.matrix.offset_binary folds it into thresholds or bias.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from amaranth import *

from tritforge.export.ir.datatype import DataType

__all__ = ["Column", "InvertibleBit", "Lane", "Operators", "Row", "add_all", "at_least",
           "lane_bits", "maximum", "offset_binary", "reached", "ternary_product"]


Lane          = tuple[Value, Value]                                # value and trit code
InvertibleBit = tuple[Value, bool]                                 # a bit, whether it is inverted
Column        = Sequence[InvertibleBit]                            # of a bit heap
Row           = tuple[list[Value], Value | None, Value | None]     # sums, carry-save bit, carry


class Operators:
    """Adder rows and comparators as operators of Amaranth, for any device.

    Synthesis chooses the cells, so LUTs are calibrated (tritforge.hw.targets.target.Target.logic).
    A family with cells by name overrides what its cells do better; all results are combinational.
    """

    def products(self, name: str, lanes: Sequence[Lane]) -> Value:
        """Return the sum of the ternary products of two ``lanes``, (value, code) each: B + 1 bits.
        """
        return add_all(ternary_product(value, code) for value, code in lanes)

    def add(self, name: str, terms: Sequence[Value], width: int, *, so_far: Value | None = None,
            clear: Value | None = None) -> Value:
        """Return sum(``terms``) + (0 if ``clear`` else ``so_far``), modulo 2**``width``."""
        return add_all(terms if so_far is None else [*terms, Mux(clear, 0, so_far)])[:width]

    def add_product(self, name: str, lane: Lane, width: int, *, so_far: Value,
                    clear: Value) -> Value:
        """Return product + (0 if ``clear`` else ``so_far``), modulo 2**``width``.

        product : the ternary product of the ``lane``, (value, code).
        """
        return self.add(name, [ternary_product(*lane)], width, so_far=so_far, clear=clear)

    def ternary_lane(self, name: str, value: Value, code: Value,
                     more: Value) -> tuple[Value, Value]:
        """Return sum and carry of ``more`` + (0 if weight = 0 else 1 + weight * input).

        ``value`` is the trit code of the input, ``code`` that of the weight, ``more`` a bit.
        """
        reached = Cat(~value[1], value[0] & ~value[1])       # value >= 0, value >= 1
        first, second = ternary_product(reached, code)
        return first ^ second ^ more, (first & second) | ((first | second) & more)

    def ternary_row(self, name: str, columns: Sequence[Column], *, top: bool) -> Row:
        """Add a row of a bit heap (tritforge.hw.matrix.bit_heap).

        Parameters
        ----------
        columns : (signal, inverted) of each bit of each column, the lowest column first.
        top : whether the last column is the highest of the heap; then nothing is carried out of it.

        Returns
        -------
        (sum bit of each column, carry-save bit or None, carry or None)
        """
        count  = len(columns)
        values = [[~signal if inverted else signal for signal, inverted in bits]
                  for bits in columns]
        slots  = max(len(bits) for bits in values)
        total  = add_all(Cat(bits[slot] if slot < len(bits) else Const(0, 1) for bits in values)
                         for slot in range(slots))
        total  = (total | Const(0, count + 2))[:count + 2]
        above  = total[count:]
        sums   = [total[at] for at in range(count)]
        return sums, None if top else above[1], None if top else above.any()

    atoms_row = ternary_row

    def at_least(self, name: str, value: Value, bound: Value) -> Value:
        """Return whether ``value`` >= ``bound``, both unsigned."""
        return _reaches(value, bound)

    def no_less(self, name: str, left: Value, right: Value, given: Value | None = None) -> Value:
        """Return whether ``left`` >= ``right``, of one type, and the bit ``given`` is high.

        ``given`` is compared as the most significant bit, so no gate follows the comparator.
        """
        left, right = offset_binary(left), offset_binary(right)
        return (_reaches(left, right) if given is None
                else _reaches(Cat(left, given), Cat(right, Const(1, 1))))

    def choose(self, name: str, which: Value, left: Value, right: Value) -> Value:
        """Return ``left`` where ``which`` is high, else ``right``; both have one type."""
        return Mux(which, left, right)

    def larger(self, name: str, left: Value, right: Value) -> Value:
        """Return the larger one of two numbers of one type."""
        return Mux(self.no_less(name, left, right), left, right)

    def running_larger(self, name: str, so_far: Value, value: Value, first: Value) -> Value:
        """Return the larger one of ``so_far`` and ``value``, or ``value`` where ``first`` is high.

        Both numbers have one type.
        """
        return Mux(self.no_less(name, so_far, value, ~first), so_far, value)


def _reaches(left: Value, right: Value) -> Value:
    """Whether ``left`` >= ``right``, both unsigned.

    Of an odd number of bits, more than 4, the lowest is compared twice, to make the number even.
    The carry of every second bit is an output of a CCU2C of the ECP5; any other carry takes a gate,
    which synthesis copies into each LUT that the result selects for. The maximum of five 7-bit
    numbers takes 98 LUT4 this way, 141 without. No family takes more LUTs for it. Up to 4 bits
    there is no carry chain.
    """
    width = max(len(left), len(right))
    if width <= 4 or width % 2 == 0:
        return left >= right
    return Cat(left[0], left) >= Cat(left[0], right)


def offset_binary(value: Value) -> Value:
    """Return ``value`` in offset binary: unsigned, with an inverted sign bit, which adds 2**(B-1).

    An unsigned number stays as it is.
    """
    bits = value.as_unsigned() if value.shape().signed else value
    return bits ^ (1 << (len(value) - 1)) if value.shape().signed else bits


def lane_bits(value: Value, dtype: DataType) -> Value:
    """Return an element of type ``dtype`` as a lane takes it: offset binary, or its trit code."""
    return value.as_unsigned() ^ ((1 << (dtype.bits - 1))
                                  if dtype.signed and not dtype.ternary else 0)


def ternary_product(value: Value, code: Value) -> Value:
    """Gate ``value``, unsigned, with a trit ``code``: 00 gives 0, 01 value, 11 its complement."""
    width = len(value)
    return (value ^ code[1].replicate(width)) & code[0].replicate(width)


def add_all(terms: Iterable[Value]) -> Value:
    """Return the sum of unsigned ``terms``, a balanced adder tree that never overflows."""
    terms = list(terms)
    while len(terms) > 1:
        pairs = [left + right for left, right in zip(terms[0::2], terms[1::2], strict=False)]
        terms = pairs + terms[len(pairs) * 2:]
    return terms[0]


def at_least(value: Value, bound: int) -> Value:
    """Return whether ``value``, unsigned, >= the constant int ``bound``.

    A chain of gates from the lowest 1 of the bound up; a LUT6 takes five bits of it.
    """
    if bound >= 1 << len(value):
        return Const(0, 1)
    result: Value = Const(1, 1)
    for position, bit in enumerate(value):
        if bound & (2 << position) - 1:                      # from the lowest 1 of the bound up
            result = bit & result if bound >> position & 1 else bit | result
    return result


def reached(levels: Iterable[Value]) -> Value:
    """Count the high ``levels``, a thermometer code: none is high above one that is low.

    Bit j of the count is the parity of every 2**j-th level: gates, no additions.
    """
    levels = list(levels)
    return Cat(Cat(levels[(1 << bit) - 1::1 << bit]).xor()
               for bit in range(len(levels).bit_length()))


def maximum(m: Module, row: Operators, values: Sequence[Value]) -> tuple[Value, Value]:
    """Return (maximum, index) of ``values``; among equal ones the first.

    Indices are constants, so selecting them takes gates of the comparators' results alone.

    Parameters
    ----------
    row : rows of the module ``m`` (:func:`tritforge.hw.targets.rows.rows`).
    """
    candidates: list[tuple[Value, Value]] = [
        (value, Const(place, (len(values) - 1).bit_length())) for place, value in enumerate(values)]
    while len(candidates) > 1:
        winners: list[tuple[Value, Value]] = []
        for number, ((value, place), (other, other_place)) in enumerate(
                zip(candidates[0::2], candidates[1::2], strict=False)):
            name   = f"{len(candidates)}_{number}"
            stays  = row.no_less(f"no_less_{name}", value, other)
            winner = Signal(value.shape(), name=f"winner_{name}")
            m.d.comb += winner.eq(row.choose(f"value_{name}", stays, value, other))
            winners.append((winner, Mux(stays, place, other_place)))
        candidates = winners + candidates[len(winners) * 2:]
    return candidates[0]
