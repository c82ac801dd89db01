"""Adder rows and comparators of the ECP5, instantiated from CCU2C and LUT4.

A CCU2C is two bits of carry, a LUT4 each: sum = Z ^ C, next C = Z ? C : G. Z is a table of four
inputs A, B, C, D; G is the same table with C = D = 0, a function of A and B. So the LUT of a bit
also computes the gates before the addition:

    product  a number plus a ternary product: A = the number's bit, B = x, C = nonzero, D = negative
    sum      two numbers, the second one gated: A, B = their bits, C = gate, D = 1; Z = A if D = 0
    compare  left < right: A, B = their bits, D = 1; Z = (they are equal), G = B

Synthesis puts just the sum into a chain and the gates before it into LUT4. Three numbers are two
chains, one LUT per bit less than full adders and a chain.

The carry of a cell comes from its neighbour alone and goes to its neighbour alone. Place and route
inserts a cell before a chain whose carry in is another signal, even a constant, and one after a
chain whose carry out is used elsewhere. So the chains of a module are cascaded into one of up to
``LONGEST`` bits: between two of them, a bit with Z = G = 0 outputs the carry of the first one as
its sum and starts the second one with 0. A later chain may depend on an earlier one, never the
reverse.

Source: Lattice FPGA-DS-02012, "PFU Blocks"; the table of G: CCU2C of Project Trellis and of Yosys,
techlibs/lattice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from amaranth import *

from tritforge.hw.matrix.bit_heap import saves
from tritforge.hw.targets.ecp5.luts import (
    MAX_GATE_BITS,
    MAX_GATE_CASCADED_COMPARE_BITS,
    MAX_GATE_COMPARE_BITS,
    chain_luts,
    chains,
)
from tritforge.hw.targets.operators import Column, Lane, Operators, Row, ternary_product
from tritforge.hw.targets.target import Modelled

__all__ = ["LONGEST", "Ecp5Cells"]

LONGEST = 32
"""Most bits of cascaded chains. No carry passes from one to the next, but static timing analysis
assumes one."""

_ONE = Const(1, 1)                                           # a free input of a cell; a 0 is a net

_ChainBit = tuple[int, Sequence[Value]]                      # INIT of the LUT, and A, B, C, D


class Ecp5Cells(Operators):
    """Add rows of CCU2C and LUT4 to the module ``m``; all are combinational.

    A chain of n bits whose carry out is used takes n + 2 LUTs (n + 1 where n is odd), else n,
    rounded up to whole CCU2C: :func:`tritforge.hw.targets.ecp5.luts.chain_luts`.
    """

    def __init__(self, m: Module, platform: object) -> None:
        self._m        = m
        self._modelled = isinstance(platform, Modelled)
        self._open: Value | None = None                      # carry of 0, the next chain's carry in
        self._length   = 0                                   # bits of the cascade up to there

    def products(self, name: str, lanes: Sequence[Lane]) -> Value:
        """Return the sum of the ternary products of two ``lanes``, (value, code) each.

        B + 1 bits, unsigned, for values of B bits. LUTs: B gates of one product and a chain of B
        bits that computes the other one.
        """
        (value, code), (other, other_code) = lanes
        if len(value) == 1:
            return super().products(name, lanes)
        first = ternary_product(value, code)
        return Cat(self._chain(name, [_chain_bit(_PRODUCT, first[bit], other[bit], *other_code)
                                      for bit in range(len(value))]))

    def add(self, name: str, terms: Sequence[Value], width: int, *, so_far: Value | None = None,
            clear: Value | None = None) -> Value:
        """Return the sum of ``terms`` and, unless ``clear`` is high, ``so_far``.

        The sum is modulo 2**``width``. LUTs: a chain for each number but the first; of at most
        ``MAX_GATE_BITS`` input bits gates, one for each bit.
        """
        first, *others = sorted(terms, key=len)
        for number, term in enumerate(others):
            first = self._sum(f"{name}_{number}", first, term, width)
        return first[:width] if so_far is None else self._sum(name, first, so_far, width, clear)

    def _sum(self, name: str, left: Value, right: Value, width: int,
             clear: Value | None = None) -> Value:
        """Sum modulo 2**``width`` of ``left`` and ``right``, which is 0 where ``clear`` is high."""
        if clear is None and len(left) + len(right) <= MAX_GATE_BITS:
            return super().add(name, [left, right], width)
        count   = min(width, max(len(left), len(right)))
        columns = []
        for bit in range(count):
            bits = [number[bit] for number in (left, right) if bit < len(number)]
            if clear is None or bit >= len(right):
                columns.append(_chain_bit(_SUM if len(bits) == 2 else _ALONE, *bits))
            elif bit < len(left):
                columns.append(_chain_bit(_GATED, left[bit], right[bit], clear))
            else:
                columns.append(_chain_bit(_GATED_ALONE, _ONE, right[bit], clear))
        return Cat(self._chain(name, columns, carry=width > count))

    def ternary_row(self, name: str, columns: Sequence[Column], *, top: bool) -> Row:
        """Add a ternary row of a bit heap (tritforge.hw.matrix.bit_heap).

        LUTs: a chain of the bits of each of its additions (tritforge.hw.targets.ecp5.luts.chains);
        a row of one column with up to three bits is gates, a LUT4 for the sum and one for the
        carry.
        """
        counts  = tuple(len(bits) for bits in columns)
        if len(counts) == 1 and counts[0] <= 3:
            return self._column_alone(name, columns[0], top)
        left    = [list(bits) for bits in columns]
        above   = []                                         # carries out of the chains
        for number, (first, taken, starts) in enumerate(chains(counts, top)):
            start = _signal(*left[first].pop()) if starts else None
            used  = [bits[:count] for bits, count in zip(left[first:], taken, strict=True)]
            made  = self._chain(f"{name}_{number}", [_column(bits) for bits in used],
                                carry=not top, start=start)
            if not top:
                above.append(made.pop())
            left[first:] = [
                [(total, False), *bits[count:]]
                for total, bits, count in zip(made, left[first:], taken, strict=True)]
        sums = [_signal(*bits[0]) if bits else Const(0, 1) for bits in left]
        if top:
            return sums, None, None
        if not saves(counts)[-1]:
            return sums, None, Cat(above).any()
        carry_save, carry = above
        return sums, carry_save, carry

    def _column_alone(self, name: str, bits: Column, top: bool) -> Row:
        """A row of up to three bits of one column, without a chain.

        Of three bits the carry is the carry-save bit.
        """
        signals, inverted = zip(*bits, strict=True)
        total = self._lut4(f"{name}_sum", _among(inverted, _odd), signals)
        if top:
            return [total], None, None
        carry = self._lut4(f"{name}_carry", _among(inverted, _most), signals)
        return ([total], carry, Const(0, 1)) if len(bits) == 3 else ([total], None, carry)

    def at_least(self, name: str, value: Value, bound: Value) -> Value:
        """Return whether ``value`` >= ``bound``, both unsigned.

        LUTs for B bits: a chain of B bits, up to ``MAX_GATE_BITS`` gates.
        """
        width = max(len(value), len(bound))
        if width <= MAX_GATE_BITS:
            return super().at_least(name, value, bound)
        value, bound = (Cat(number, Const(0, width - len(number))) for number in (value, bound))
        return self._reaches(name, list(zip(value, bound, strict=True)))

    def no_less(self, name: str, left: Value, right: Value, given: Value | None = None) -> Value:
        """Return whether ``left`` >= ``right`` and the bit ``given`` is high.

        Both numbers have one type of B bits. LUTs: a chain of B bits, one more with ``given``.
        Narrow comparators are gates: up to ``MAX_GATE_COMPARE_BITS`` with ``given``, else, because
        another comparator follows, up to ``MAX_GATE_CASCADED_COMPARE_BITS``.
        """
        pairs = list(zip(left, right, strict=True))
        if left.shape().signed:                              # a sign of 1 is the smaller one
            pairs[-1] = pairs[-1][::-1]
        if given is not None:
            pairs.append((given, _ONE))
        gates = MAX_GATE_CASCADED_COMPARE_BITS if given is None else MAX_GATE_COMPARE_BITS
        if len(left) > gates:
            return self._reaches(name, pairs)
        return super().no_less(name, left, right, given)

    def _reaches(self, name: str, pairs: Sequence[tuple[Value, Value]]) -> Value:
        """Whether the number of the first bits of ``pairs`` >= that of the second ones."""
        return ~self._chain(name, [_chain_bit(_LESS, *pair) for pair in pairs])[-1]

    def running_larger(self, name: str, so_far: Value, value: Value, first: Value) -> Value:
        """Return the larger one of ``so_far`` and ``value``, or ``value`` where ``first`` is high.

        Both numbers have one type of B bits. LUTs: a chain of B bits and B selectors, whose fourth
        input is ``first``; up to ``MAX_GATE_COMPARE_BITS`` gates.
        """
        if len(value) <= MAX_GATE_COMPARE_BITS:
            return super().running_larger(name, so_far, value, first)
        return Mux(self.no_less(name, so_far, value) & ~first, so_far, value)

    def _lut4(self, name: str, function: Callable[..., int], inputs: Sequence[Value]) -> Value:
        """The output ``function(inputs)`` of a LUT4."""
        z     = Signal(name=f"{name}_z")
        table = _table(lambda *bits: function(*bits[:len(inputs)]))
        pins  = [*inputs, *[_ONE] * (4 - len(inputs))]
        if self._modelled:
            self._m.d.comb += z.eq(Const(table, 16).bit_select(Cat(*pins), 1))
        else:
            self._m.submodules[f"{name}_lut"] = Instance(
                "LUT4", p_INIT=Const(table, 16), o_Z=z,
                **{f"i_{pin}": bit for pin, bit in zip("ABCD", pins, strict=True)})
        return z

    def _chain(self, name: str, columns: Sequence[_ChainBit], *, carry: bool = True,
               start: Value | None = None) -> list[Value]:
        """The sum bit of each of ``columns``, and the carry out after them where it is used.

        Parameters
        ----------
        carry : whether the carry out is used.
        start : carry in; None for 0.
        """
        spare  = chain_luts(len(columns), carry) - len(columns)
        halves = [*columns, *[_chain_bit(0)] * spare]
        if self._open is None or self._length + len(halves) > LONGEST or start is not None:
            self._open, self._length = Const(0, 1) if start is None else start, 0
        sums: list[Value] = [Signal(name=f"{name}_{at}_s") for at in range(len(halves))]
        for at in range(0, len(halves), 2):
            out = Signal(name=f"{name}_{at}_cout")
            if self._modelled:
                passed = self._open
                for total, (table, pins) in zip(sums[at:at + 2], halves[at:at + 2], strict=True):
                    z, g    = (Const(table & (1 << (1 << count)) - 1, 1 << count).bit_select(
                        Cat(*pins[:count]), 1) for count in (4, 2))
                    self._m.d.comb += total.eq(z ^ passed)
                    passed  = Mux(z, passed, g)
                self._m.d.comb += out.eq(passed)
            else:
                inputs = {f"i_{pin}{half}": bit for half in (0, 1)
                          for pin, bit in zip("ABCD", halves[at + half][1], strict=True)}
                self._m.submodules[f"{name}_{at}_ccu2c"] = Instance(
                    "CCU2C", p_INIT0=Const(halves[at][0], 16),
                    p_INIT1=Const(halves[at + 1][0], 16), p_INJECT1_0="NO", p_INJECT1_1="NO",
                    i_CIN=self._open, o_S0=sums[at], o_S1=sums[at + 1], o_COUT=out, **inputs)
            self._open = out
        self._length += len(halves)
        if not spare:                                        # what comes out is a carry, no 0
            self._open = None
        return sums[:len(columns) + carry]


def _chain_bit(table: int, *inputs: Value) -> _ChainBit:
    """A bit of a chain, a LUT of up to four ``inputs``, A first."""
    return table, [*inputs, *[_ONE] * (4 - len(inputs))]


def _column(bits: Column) -> _ChainBit:
    """A column of a chain with up to two ``bits``, (signal, inverted) each.

    The highest column may have four, because only their parity matters.
    """
    inverted = [flag for _, flag in bits]
    return _chain_bit(_inverted(_OF[len(bits)], inverted), *(signal for signal, _ in bits))


def _signal(signal: Value, inverted: bool) -> Value:
    return ~signal if inverted else signal


def _table(function: Callable[..., int]) -> int:
    """The 16 bits of INIT for a function of A, B, C, D."""
    return sum(int(function(*(index >> pin & 1 for pin in range(4)))) << index
               for index in range(16))


def _inverted(table: int, inverted: Sequence[bool]) -> int:
    """``table`` for inputs, A first, of which those flagged are ``inverted``."""
    mask = sum(flag << pin for pin, flag in enumerate(inverted))
    return sum((table >> (index ^ mask) & 1) << index for index in range(16))


def _odd(*bits: int) -> int:
    return sum(bits) & 1


def _most(*bits: int) -> bool:
    return sum(bits) >= 2


def _among(inverted: Sequence[bool], function: Callable[..., int]) -> Callable[..., int]:
    """``function`` of bits, of which those flagged are ``inverted``."""
    return lambda *bits: function(*(bit ^ flag for bit, flag in zip(bits, inverted, strict=True)))


_PRODUCT     = _table(lambda number, x, nonzero, negative: number ^ (nonzero & (x ^ negative)))
_SUM         = _table(lambda left, right, _, one: left ^ right & one)
_ALONE       = _table(lambda bit, _right, _, one: bit)
_GATED       = _table(lambda left, right, clear, one: left ^ (right & one & (1 - clear)))
_GATED_ALONE = _table(lambda _left, right, clear, one: right & one & (1 - clear))
_LESS        = _table(lambda left, right, _, one: 1 ^ left ^ right if one else right)
_OF          = (0, _ALONE, _SUM, _table(lambda a, b, c, _: a ^ b ^ c),
                _table(lambda *bits: sum(bits) & 1))
