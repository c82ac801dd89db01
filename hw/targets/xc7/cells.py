"""Adder rows and comparators of the Xilinx 7 series, instantiated from LUT6_2 and CARRY4.

Synthesis does not find these rows by itself. A LUT6_2 computes two functions, O5 and O6, of the
same five inputs. A CARRY4 is four bits of carry: O = S ^ C, next C = S ? C : DI. A row takes one
LUT6_2 for each bit, a comparator one for two bits:

    pair     sum of two ternary products: O5 = first product = DI, O6 = first ^ second = S
    ternary  sum of three numbers, the last one gated: O5 = maj(a, b, c) = m, an input of the next
             bit's LUT and its DI; O6 = a ^ b ^ c ^ (m of the bit below) = S
    atoms    two columns of a bit heap: in the lower one S is the parity of its bits and DI one of
             them; half the sum of the others is 0, 1 or 2 in the upper one: S where it is 1, DI
             where it is 2
    compare  a >= b: O5 = (two bits of a > those of b) = DI, O6 = (they are equal) = S; the result
             is the carry out

In a slice, O5 and the sum share an output multiplexer. So a ternary row is legal only where each
sum drives its flip-flop alone: the caller registers every row and reads nothing but the register.
Atoms use O5 inside the carry chain only and need no register. Source of both rows of a bit heap:
tritforge.hw.matrix.bit_heap.

UltraScale+ has the same LUT6_2 and wide multiplexers (UG574); its CARRY8 is two CARRY4, which
implementation joins. Source: UG474, "7 Series FPGAs Configurable Logic Block", LUT and carry logic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache

from amaranth import *

from tritforge.hw.targets.operators import Column, InvertibleBit, Lane, Operators, Row
from tritforge.hw.targets.target import Modelled

__all__ = ["SevenSeries"]


_BitFunction = Callable[..., int]                            # of ints, 0 or 1, to a bit


class SevenSeries(Operators):
    """Add rows of LUT6_2 and CARRY4 to the module ``m``.

    All rows are combinational. The caller registers them, except rows of atoms and comparators. A
    carry chain of n LUTs takes ceil(n/4) CARRY4.
    """

    def __init__(self, m: Module, platform: object) -> None:
        self._m        = m
        self._modelled = isinstance(platform, Modelled)

    def products(self, name: str, lanes: Sequence[Lane]) -> Value:
        """Return the sum of the ternary products of two ``lanes``, (value, code) each.

        B + 1 bits, unsigned, for values of B bits. LUT6_2: B.
        """
        (value, code), (other, other_code) = lanes

        def first(x: int, nonzero: int, negative: int, *_: int) -> int:
            return nonzero & (x ^ negative)

        def both(x: int, nonzero: int, negative: int, y: int, y_negative: int) -> int:
            return first(x, nonzero, negative) ^ y ^ y_negative

        columns = [
            self._lut6_2(f"{name}_{bit}", both, first,
                         [value[bit], code[0], code[1], other[bit], other_code[1]], other_code[0])
            for bit in range(len(value))]
        sums, carries = self._carry(name, [s for s, _ in columns], [di for _, di in columns])
        return Cat(*sums, carries[-1])

    def add(self, name: str, terms: Sequence[Value], width: int, *, so_far: Value | None = None,
            clear: Value | None = None) -> Value:
        """Return the sum of up to two ``terms`` and ``so_far``, or of up to three terms.

        The sum is modulo 2**``width``; ``so_far`` counts as 0 where ``clear`` is high. LUT6_2: one
        for each column, at most ``width``.
        """
        slots = ([*terms, *[None] * (3 - len(terms))] if so_far is None
                 else [*terms, *[None] * (2 - len(terms)), so_far])
        clear = Const(0, 1) if clear is None else clear
        select, data, carry_save = [], [], None
        for column in range(width):
            bits  = [slot[column] if slot is not None and column < len(slot) else None
                     for slot in slots]
            count = sum(bit is not None for bit in bits)
            if count == 0 and carry_save is None:
                break                                        # what is left of the sum is the carry
            save = count == 3 or (count == 2 and carry_save is not None)
            a, b, c  = (Const(0, 1) if bit is None else bit for bit in bits)
            o6, o5 = self._lut6_2(
                f"{name}_{column}", _parity, _majority if save else _either,
                [a, b, c, clear, Const(0, 1) if carry_save is None else carry_save], Const(1, 1))
            select.append(o6)
            data.append(carry_save if carry_save is not None else o5 if count == 2 else Const(0, 1))
            carry_save = o5 if save else None
        sums, carries = self._carry(name, select, data)
        return Cat(*sums, carries[-1])[:width]

    def add_product(self, name: str, lane: Lane, width: int, *, so_far: Value,
                    clear: Value) -> Value:
        """Return the sum of ``so_far`` and the ternary product of a ``lane``, (value, code).

        The sum is modulo 2**``width``; ``so_far`` counts as 0 where ``clear`` is high. LUT6_2:
        ``width``.
        """
        value, code = lane
        zero    = Const(0, 1)
        columns = [
            self._lut6_2(f"{name}_{bit}", _product_sum, _gated,
                         [value[bit] if bit < len(value) else zero,
                          code[0] if bit < len(value) else zero,
                          code[1] if bit < len(value) else zero, so_far[bit], clear],
                         Const(1, 1))
            for bit in range(width)]
        sums, _ = self._carry(name, [s for s, _ in columns], [di for _, di in columns])
        return Cat(*sums)

    def ternary_lane(self, name: str, value: Value, code: Value,
                     more: Value) -> tuple[Value, Value]:
        """Return sum and carry of ``more`` + (0 if weight = 0 else 1 + weight * input).

        ``value`` is the trit code of the input, ``code`` that of the weight, ``more`` a bit. One
        LUT6_2.
        """
        return self._lut6_2(name, _lane_sum, _lane_carry,
                            [value[0], value[1], code[0], code[1], more], Const(1, 1))

    def ternary_row(self, name: str, columns: Sequence[Column], *, top: bool) -> Row:
        """Add a ternary row of a bit heap (tritforge.hw.matrix.bit_heap). LUT6_2: one per column.
        """
        select, data, save = [], [], None
        for at, bits in enumerate(columns):
            last = top and at == len(columns) - 1
            if at == 0 and len(bits) == 4 and not last:
                save, bits = _plain(bits[3]), bits[:3]       # as a carry-save of a column below
            below = [] if save is None else [(save, False)]
            saves = not last and len(bits) > 1 and len(bits) + len(below) > 2
            adds  = not last and not saves and len(bits) == 2
            o6, o5 = self._lut(f"{name}_{at}", [*bits, *below], _odd,
                               _most if saves else _first if adds else None, low_takes=len(bits))
            select.append(o6)
            data.append(save if save is not None and not last else o5 if adds else Const(0, 1))
            save = o5 if saves else None
        sums, carries = self._carry(name, select, data)
        return sums, save, None if top else carries[-1]

    def atoms_row(self, name: str, columns: Sequence[Column], *, top: bool) -> Row:
        """Add a row of atoms (tritforge.hw.matrix.bit_heap). LUT6_2: one per column.

        There is no carry-save bit.
        """
        select, data = [], []
        for at in range(0, len(columns), 2):
            low    = columns[at]
            high   = columns[at + 1] if at + 1 < len(columns) else None
            last   = top and at + 2 >= len(columns)
            direct = len(low) == 6 or high is None
            o6, o5 = self._lut(f"{name}_{at}", low, _odd, None if direct or not low else _last)
            select.append(o6)
            data.append(Const(0, 1) if not low or high is None
                        else _plain(low[-1]) if direct else o5)
            if high is not None:
                rest = len(low[:-1])
                o6, o5 = self._lut(f"{name}_{at + 1}", [*low[:-1], *high], _half_odd(rest),
                                   None if last else _half_two(rest))
                select.append(o6)
                data.append(Const(0, 1) if last else o5)
        sums, carries = self._carry(name, select, data)
        return sums, None, None if top else carries[-1]

    def functions(self, name: str, inputs: Sequence[Value], high: _BitFunction,
                  low: _BitFunction | None = None) -> tuple[Value, Value]:
        """Return the signals high(inputs) and low(inputs) of one LUT6_2.

        Parameters
        ----------
        inputs : signals of one bit: up to five, or six without ``low``.
        high, low : Python functions of as many ints, 0 or 1, that return a bit.
        """
        return self._lut(name, [(bit, False) for bit in inputs], high, low)

    def _lut(self, name: str, bits: Column, high: _BitFunction, low: _BitFunction | None = None, *,
             low_takes: int | None = None) -> tuple[Value, Value]:
        """O6 = high(bits) and, of at most five bits, O5 = low(the first ``low_takes`` bits).

        ``bits`` : (signal, inverted) each.
        """
        if not bits:
            return Const(0, 1), Const(0, 1)
        inverted = tuple(inverted for _, inverted in bits)
        inputs   = [signal for signal, _ in bits]
        if low is None:
            table = _bit_table(high, inverted, 6, None)
        else:
            table  = (_bit_table(high, inverted, 5, None) << 32
                      | _bit_table(low, inverted, 5, low_takes))
        inputs += [Const(0, 1)] * (5 - len(inputs))
        o6, o5 = Signal(name=f"{name}_o6"), Signal(name=f"{name}_o5")
        select = inputs[5] if len(inputs) == 6 else Const(1, 1)
        if self._modelled:
            self._m.d.comb += o6.eq(Const(table, 64).bit_select(Cat(*inputs[:5], select), 1))
            if low is not None:
                self._m.d.comb += o5.eq(
                    Const(table & 0xffffffff, 32).bit_select(Cat(*inputs[:5]), 1))
        else:
            pins = {f"i_I{pin}": value for pin, value in enumerate(inputs[:5])}
            # O5 is connected even where nothing reads it: Verilator takes an open pin for a mistake
            self._m.submodules[f"{name}_lut"] = Instance(
                "LUT6_2", p_INIT=Const(table, 64), i_I5=select, o_O6=o6, o_O5=o5, **pins)
        return o6, o5

    def at_least(self, name: str, value: Value, bound: Value) -> Value:
        """Return whether ``value`` >= ``bound``, both unsigned. LUT6_2 for B bits: ceil(B/2)."""
        width = max(len(value), len(bound))
        value, bound = (Cat(number, Const(0, width + width % 2 - len(number)))
                        for number in (value, bound))
        return self._compared(name, [((bit, False), (other, False))
                                     for bit, other in zip(value, bound, strict=True)])

    def no_less(self, name: str, left: Value, right: Value, given: Value | None = None) -> Value:
        """Return whether ``left`` >= ``right`` and the bit ``given`` is high.

        Both numbers have one type of B bits; ``given`` counts as one bit more. LUTs: one LUT6 up to
        3 bits, else ceil(B/2) LUT6_2.
        """
        sign  = len(left) - 1 if left.shape().signed else None       # this bit is inverted
        pairs = [((left[at], at == sign), (right[at], at == sign)) for at in range(len(left))]
        if given is not None:
            pairs.append(((given, False), (Const(1, 1), False)))
        if len(pairs) <= 3:
            return self._lut(name, [bit for pair in pairs for bit in pair], _no_less)[0]
        return self._compared(name, pairs)

    def _compared(self, name: str, pairs: Sequence[tuple[InvertibleBit, InvertibleBit]]) -> Value:
        """Whether the number of the first bits of ``pairs`` >= that of the second ones.

        ``pairs`` : of bits, (signal, inverted) each. The carry into the chain is 1, that out of it
        the result.
        """
        columns = [
            self._lut(f"{name}_{low}", [bit for pair in pairs[low:low + 2] for bit in pair],
                      _all_equal, _more)
            for low in range(0, len(pairs), 2)]
        _, carries = self._carry(name, [s for s, _ in columns], [di for _, di in columns], start=1)
        return carries[-1]

    def choose(self, name: str, which: Value, left: Value, right: Value) -> Value:
        """Return ``left`` where ``which`` is high, else ``right``.

        Both numbers have one type of B bits. LUT6_2: ceil(B/2).
        """
        chosen = []
        for low in range(0, len(left), 2):
            inputs = [which, *(bit for pair in zip(left[low:low + 2], right[low:low + 2],
                                                   strict=True) for bit in pair)]
            if len(inputs) == 5:
                chosen += reversed(
                    self.functions(f"{name}_{low}", inputs, _second_chosen, _chosen))
            else:
                chosen.append(self.functions(f"{name}_{low}", inputs, _chosen)[0])
        return _typed(chosen, left)

    def larger(self, name: str, left: Value, right: Value) -> Value:
        """Return the larger one of two numbers of one type.

        One LUT up to 2 bits, else those of :meth:`no_less` and :meth:`choose`.
        """
        if len(left) > 2:
            return self.choose(name, self.no_less(f"{name}_no_less", left, right), left, right)
        return self._larger(name, left, right, [])

    def running_larger(self, name: str, so_far: Value, value: Value, first: Value) -> Value:
        """Return the larger one of ``so_far`` and ``value``, or ``value`` where ``first`` is high.

        Both numbers have one type. One LUT up to 2 bits, else those of :meth:`no_less` with
        ``given`` and of :meth:`choose`.
        """
        if len(value) > 2:
            return self.choose(name, self.no_less(f"{name}_no_less", so_far, value, ~first),
                               so_far, value)
        return self._larger(name, so_far, value, [first])

    def _larger(self, name: str, left: Value, right: Value, first: Sequence[Value]) -> Value:
        """The larger one of two numbers of up to two bits, or ``right`` where ``first`` is high.

        ``first`` : a list of one signal, or an empty one.
        """
        signed = left.shape().signed
        inputs = [*(bit for pair in zip(left, right, strict=True) for bit in pair), *first]
        bits   = [_larger_bit(at, len(left), signed) for at in reversed(range(len(left)))]
        found  = self.functions(name, inputs, *bits)[:len(bits)]
        return _typed(reversed(found), left)

    def _lut6_2(self, name: str, high: _BitFunction, low: _BitFunction, inputs: Sequence[Value],
                select: Value) -> tuple[Value, Value]:
        """O6 and O5 of a LUT6_2 with five ``inputs`` and ``select`` on I5.

        O5 = low(inputs); O6 = high(inputs) where ``select`` is high, else O5.
        """
        o6_table, o5_table = _table(high), _table(low)
        o6, o5    = Signal(name=f"{name}_o6"), Signal(name=f"{name}_o5")
        if self._modelled:
            index = Cat(*inputs)
            self._m.d.comb += [
                o5.eq(Const(o5_table, 32).bit_select(index, 1)),
                o6.eq(Mux(select, Const(o6_table, 32).bit_select(index, 1), o5)),
            ]
        else:
            self._m.submodules[f"{name}_lut"] = Instance(
                "LUT6_2", p_INIT=Const(o6_table << 32 | o5_table, 64), i_I5=select,
                o_O6=o6, o_O5=o5, **{f"i_I{pin}": value for pin, value in enumerate(inputs)})
        return o6, o5

    def _carry(self, name: str, select: Sequence[Value], data: Sequence[Value],
               start: int = 0) -> tuple[list[Value], list[Value]]:
        """The sum bits and the carries out of each bit of a chain whose carry in is ``start``."""
        sums, carries = [], []
        for at in range(0, len(select), 4):
            s, di = (Cat(*part[at:at + 4], Const(0, max(0, at + 4 - len(part))))[:4]
                     for part in (select, data))
            o, co = Signal(4, name=f"{name}_{at}_o"), Signal(4, name=f"{name}_{at}_co")
            carry = carries[-1] if carries else Const(start, 1)
            if self._modelled:
                for bit in range(4):
                    self._m.d.comb += [o[bit].eq(s[bit] ^ carry),
                                       co[bit].eq(Mux(s[bit], carry, di[bit]))]
                    carry = co[bit]
            else:
                self._m.submodules[f"{name}_{at}_carry"] = Instance(
                    "CARRY4", i_CI=carry if carries else Const(0, 1),
                    i_CYINIT=Const(0 if carries else start, 1), i_S=s, i_DI=di, o_O=o, o_CO=co)
            used    = min(4, len(select) - at)
            sums   += [o[bit] for bit in range(used)]
            carries += [co[bit] for bit in range(used)]
        return sums, carries


def _typed(bits: Iterable[Value], like: Value) -> Value:
    """The number of these ``bits``, signed as ``like``."""
    number = Cat(*bits)
    return number.as_signed() if like.shape().signed else number


def _no_less(*bits: int) -> bool:
    """Whether the number of the even ``bits`` >= that of the odd ones; signs are inverted."""
    return bits[::2][::-1] >= bits[1::2][::-1]


def _more(*bits: int) -> bool:
    return bits[::2][::-1] > bits[1::2][::-1]


def _all_equal(*bits: int) -> bool:
    return bits[::2] == bits[1::2]


def _chosen(which: int, left: int, right: int, *_: int) -> int:
    return left if which else right


def _second_chosen(which: int, _left: int, _right: int, *second: int) -> int:
    return _chosen(which, *second)


def _larger_bit(at: int, width: int, signed: bool) -> _BitFunction:
    """Bit ``at`` of the larger one of two numbers of ``width`` bits, which alternate.

    That of the number of the odd bits where an additional last bit is high.
    """
    def bit(*bits: int) -> int:
        numbers = [bits[which:2 * width:2] for which in (0, 1)]
        if len(bits) > 2 * width and bits[-1]:
            return numbers[1][at]
        return max(numbers, key=lambda number: (number[-1] ^ signed, *number[-2::-1]))[at]
    return bit


def _plain(bit: InvertibleBit) -> Value:
    """A bit that goes to the carry chain without a LUT: an inverted one costs an inverter."""
    signal, inverted = bit
    return ~signal if inverted else signal


def _odd(*bits: int) -> int:
    return sum(bits) & 1


def _most(*bits: int) -> bool:
    return sum(bits) >= 2


def _first(*bits: int) -> int:
    return bits[0]


def _last(*bits: int) -> int:
    return bits[-1]


@cache
def _half_odd(low: int) -> _BitFunction:
    """Whether half the sum of the first ``low`` bits, rounded down, plus the others is 1."""
    return lambda *bits: sum(bits[:low]) // 2 + sum(bits[low:]) == 1


@cache
def _half_two(low: int) -> _BitFunction:
    """The same, at least 2."""
    return lambda *bits: sum(bits[:low]) // 2 + sum(bits[low:]) >= 2


@cache
def _bit_table(function: _BitFunction, inverted: tuple[bool, ...], pins: int,
               takes: int | None) -> int:
    """The 2**``pins`` bits of INIT for a function of the first ``takes`` bits.

    ``inverted`` : of each input, whether the function takes its complement.
    """
    used = len(inverted)

    def value(index: int) -> int:
        bits = [index >> pin & 1 ^ inverted[pin] for pin in range(used)]
        return int(function(*bits[:takes]))

    return sum(value(index) << index for index in range(1 << pins))


def _parity(a: int, b: int, c: int, clear: int, carry_save: int) -> int:
    return a ^ b ^ (c & ~clear) ^ carry_save


def _majority(a: int, b: int, c: int, clear: int, _carry_save: int) -> bool:
    return a + b + (c & ~clear) >= 2


def _either(a: int, b: int, c: int, clear: int, _carry_save: int) -> int:
    """DI of a column with two addends: where the carry depends on it, they are equal."""
    return a | b | (c & ~clear)


def _product_sum(x: int, nonzero: int, negative: int, so_far: int, clear: int) -> int:
    return (nonzero & (x ^ negative)) ^ (so_far & ~clear)


def _gated(_x: int, _nonzero: int, _negative: int, so_far: int, clear: int) -> int:
    """DI of an accumulator with a product: where the carry depends on it, both are equal."""
    return so_far & ~clear


def _lane(x: int, x_negative: int, nonzero: int, negative: int, more: int) -> int:
    """The value, 0 to 3, of a lane of ternary inputs (:meth:`SevenSeries.ternary_lane`)."""
    return more + (nonzero and 1 + (-1 if x_negative else x) * (1 - 2 * negative))


def _lane_sum(*bits: int) -> int:
    return _lane(*bits) & 1


def _lane_carry(*bits: int) -> int:
    return _lane(*bits) >> 1


def _table(function: _BitFunction) -> int:
    """The 32 bits of INIT for a function of five inputs."""
    return sum((int(function(*(index >> pin & 1 for pin in range(5)))) & 1) << index
               for index in range(32))
