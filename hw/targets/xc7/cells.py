"""Cells of the Xilinx 7 series by name, and the rows of additions that synthesis does not find by itself.

A LUT6_2 is two functions of the same five inputs, a CARRY4 four bits of carry: sum = S ^ C, next C = S ? C : DI.
With them a bit of a row costs one LUT, and a comparison one LUT for two bits:

    pair     the sum of two ternary products; O5 = first product = DI, O6 = first ^ second = S
    ternary  the sum of three numbers, the last one gated; O5 = maj(a, b, c) = m, which enters the next bit's
             LUT and DI; O6 = a ^ b ^ c ^ m of the bit below = S
    atoms    pairs of columns of a heap: S of the lower one is the parity of its bits and DI one of them; what the
             others come to, halved, is 0, 1 or 2 in the upper one: S where it is 1, DI where it is 2
    compare  a >= b; O5 = (two bits of a > those of b) = DI, O6 = (they are equal) = S, and the carry comes out

In a slice O5 on the fabric and the sum both want the same output, so a ternary row is legal only where each sum
goes straight to its flip-flop: whoever uses it registers every row and reads it nowhere else. Atoms keep their O5
inside the carry chain and need no register. Source for both kinds of row on a heap: tritforge.hw.matrix.bit_heap.

UltraScale has the same LUT6_2 and wide multiplexers (UG574), and its CARRY8 is two CARRY4, which implementation joins.
Source: UG474, "7 Series FPGAs Configurable Logic Block", LUT and carry logic.
"""

from functools import cache

from amaranth import *

from tritforge.hw.targets.target import Modelled

__all__ = ["SevenSeries"]


class SevenSeries:
    """Adds rows made of LUT6_2 and CARRY4 to the module ``m``; combinational, the caller registers them (all but
    rows of atoms)."""

    def __init__(self, m, platform):
        self._m        = m
        self._modelled = isinstance(platform, Modelled)

    def products(self, name, lanes):
        """Sum of the ternary products of two ``lanes``, (value, code) each; one LUT6_2 a bit."""
        (value, code), (other, other_code) = lanes

        def first(x, nonzero, negative, *_):
            return nonzero & (x ^ negative)

        def both(x, nonzero, negative, y, y_negative):
            return first(x, nonzero, negative) ^ y ^ y_negative

        columns = [
            self._lut6_2(f"{name}_{bit}", both, first, [value[bit], code[0], code[1], other[bit], other_code[1]], other_code[0])
            for bit in range(len(value))]
        sums, carries = self._carry(name, [s for s, _ in columns], [di for _, di in columns])
        return Cat(*sums, carries[-1])

    def add(self, name, terms, width, *, so_far=None, clear=None):
        """Sum of up to two ``terms`` and ``so_far``, or of up to three terms, modulo 2**``width``.

        ``so_far`` counts as 0 where ``clear`` is high. One LUT6_2 a bit.
        """
        slots = [*terms, *[None] * (3 - len(terms))] if so_far is None else [*terms, *[None] * (2 - len(terms)), so_far]
        clear = Const(0, 1) if clear is None else clear
        select, data, carry_save = [], [], None
        for column in range(width):
            bits  = [slot[column] if slot is not None and column < len(slot) else None for slot in slots]
            count = sum(bit is not None for bit in bits)
            if count == 0 and carry_save is None:
                break                                        # what is left of the sum is the carry
            save = count == 3 or (count == 2 and carry_save is not None)
            a, b, c  = (Const(0, 1) if bit is None else bit for bit in bits)
            o6, o5 = self._lut6_2(
                f"{name}_{column}", _parity, _majority if save else _either, [a, b, c, clear, Const(0, 1) if carry_save is None else carry_save],
                Const(1, 1))
            select.append(o6)
            data.append(carry_save if carry_save is not None else o5 if count == 2 else Const(0, 1))
            carry_save = o5 if save else None
        sums, carries = self._carry(name, select, data)
        return Cat(*sums, carries[-1])[:width]

    def add_product(self, name, lane, width, *, so_far, clear):
        """Sum of the ternary product of a ``lane``, (value, code), and ``so_far``, modulo 2**``width``; one LUT6_2 a bit.

        ``so_far`` counts as 0 where ``clear`` is high.
        """
        value, code = lane
        zero    = Const(0, 1)
        columns = [
            self._lut6_2(f"{name}_{bit}", _product_sum, _gated, [value[bit] if bit < len(value) else zero,
                         code[0] if bit < len(value) else zero, code[1] if bit < len(value) else zero, so_far[bit], clear],
                         Const(1, 1))
            for bit in range(width)]
        sums, _ = self._carry(name, [s for s, _ in columns], [di for _, di in columns])
        return Cat(*sums)

    def ternary_lane(self, name, value, code, more):
        """Sum and carry of the bit ``more`` and, unless the weight ``code`` is 0, of 1 + weight * ``value``, both trit codes;
        one LUT6_2."""
        return self._lut6_2(name, _lane_sum, _lane_carry, [value[0], value[1], code[0], code[1], more], Const(1, 1))

    def ternary_row(self, name, columns, *, top):
        """A ternary row of a heap (tritforge.hw.matrix.bit_heap): (sum of each column, carry-save or None, carry or None).

        ``columns`` : (signal, inverted) of each bit of each column. ``top`` : there is nothing above the last one.
        """
        select, data, save = [], [], None
        for at, bits in enumerate(columns):
            last = top and at == len(columns) - 1
            if at == 0 and len(bits) == 4 and not last:
                save, bits = _plain(bits[3]), bits[:3]       # goes where the carry-save of a column below would
            below = [] if save is None else [(save, False)]
            saves = not last and len(bits) > 1 and len(bits) + len(below) > 2
            adds  = not last and not saves and len(bits) == 2
            o6, o5 = self._lut(f"{name}_{at}", bits + below, _odd, _most if saves else _first if adds else None,
                               low_takes=len(bits))
            select.append(o6)
            data.append(save if save is not None and not last else o5 if adds else Const(0, 1))
            save = o5 if saves else None
        sums, carries = self._carry(name, select, data)
        return sums, save, None if top else carries[-1]

    def atoms_row(self, name, columns, *, top):
        """A row of atoms (tritforge.hw.matrix.bit_heap): (sum of each column, None, carry or None); arguments as for a ternary row."""
        select, data = [], []
        for at in range(0, len(columns), 2):
            low, high = (*columns[at:at + 2], None)[:2]
            last   = top and at + 2 >= len(columns)
            direct = len(low) == 6 or high is None
            o6, o5 = self._lut(f"{name}_{at}", low, _odd, None if direct or not low else _last)
            select.append(o6)
            data.append(Const(0, 1) if not low or high is None else _plain(low[-1]) if direct else o5)
            if high is not None:
                rest = len(low[:-1])
                o6, o5 = self._lut(f"{name}_{at + 1}", low[:-1] + high, _half_odd(rest), None if last else _half_two(rest))
                select.append(o6)
                data.append(Const(0, 1) if last else o5)
        sums, carries = self._carry(name, select, data)
        return sums, None, None if top else carries[-1]

    def functions(self, name, inputs, high, low=None):
        """Signals high(inputs) and low(inputs) of one LUT; with one function, of up to six inputs, the second is none.

        ``inputs`` : signals of one bit; the functions take as many ints and give a bit.
        """
        return self._lut(name, [(bit, False) for bit in inputs], high, low)

    def _lut(self, name, bits, high, low=None, *, low_takes=None):
        """O6 = high(bits) and, with at most five of them, O5 = low(the first ``low_takes``); bits are (signal, inverted)."""
        if not bits:
            return Const(0, 1), Const(0, 1)
        inverted = tuple(inverted for _, inverted in bits)
        inputs   = [signal for signal, _ in bits]
        if low is None:
            table = _bit_table(high, inverted, 6, None)
        else:
            table  = _bit_table(high, inverted, 5, None) << 32 | _bit_table(low, inverted, 5, low_takes)
        inputs += [Const(0, 1)] * (5 - len(inputs))
        o6, o5 = Signal(name=f"{name}_o6"), Signal(name=f"{name}_o5")
        select = inputs[5] if len(inputs) == 6 else Const(1, 1)
        if self._modelled:
            self._m.d.comb += o6.eq(Const(table, 64).bit_select(Cat(*inputs[:5], select), 1))
            if low is not None:
                self._m.d.comb += o5.eq(Const(table & 0xffffffff, 32).bit_select(Cat(*inputs[:5]), 1))
        else:
            pins = {f"i_I{pin}": value for pin, value in enumerate(inputs[:5])}
            # O5 is connected even where nothing reads it: Verilator takes an open pin for a mistake
            self._m.submodules[f"{name}_lut"] = Instance(
                "LUT6_2", p_INIT=Const(table, 64), i_I5=select, o_O6=o6, o_O5=o5, **pins)
        return o6, o5

    def at_least(self, name, value, bound):
        """Whether ``value`` >= ``bound``, both unsigned; two bits a LUT6_2, the carry starts as 1 and comes out."""
        width = max(len(value), len(bound))
        value, bound = (Cat(number, Const(0, width + width % 2 - len(number))) for number in (value, bound))
        return self._compared(name, [((bit, False), (other, False)) for bit, other in zip(value, bound, strict=True)])

    def no_less(self, name, left, right, given=None):
        """Whether ``left`` >= ``right``, of one type, and ``given``, a bit: up to three bits with it one LUT, else as
        :meth:`at_least`."""
        sign  = len(left) - 1 if left.shape().signed else None                  # comes in inverted
        pairs = [((left[at], at == sign), (right[at], at == sign)) for at in range(len(left))]
        if given is not None:
            pairs.append(((given, False), (Const(1, 1), False)))
        if len(pairs) <= 3:
            return self._lut(name, [bit for pair in pairs for bit in pair], _no_less)[0]
        return self._compared(name, pairs)

    def _compared(self, name, pairs):
        """Whether the number of the first bits of ``pairs`` is not below that of the second, each (signal, inverted)."""
        columns = [
            self._lut(f"{name}_{low}", [bit for pair in pairs[low:low + 2] for bit in pair], _all_equal, _more)
            for low in range(0, len(pairs), 2)]
        _, carries = self._carry(name, [s for s, _ in columns], [di for _, di in columns], start=1)
        return carries[-1]

    def choose(self, name, which, left, right):
        """``left`` where ``which`` is high, else ``right``, numbers of one type; two bits a LUT6_2."""
        chosen = []
        for low in range(0, len(left), 2):
            inputs = [which, *(bit for pair in zip(left[low:low + 2], right[low:low + 2], strict=True) for bit in pair)]
            if len(inputs) == 5:
                chosen += reversed(self.functions(f"{name}_{low}", inputs, _second_chosen, _chosen))
            else:
                chosen.append(self.functions(f"{name}_{low}", inputs, _chosen)[0])
        return _typed(chosen, left)

    def larger(self, name, left, right):
        """The larger one of two numbers of one type; up to two bits one LUT."""
        if len(left) > 2:
            return self.choose(name, self.no_less(f"{name}_no_less", left, right), left, right)
        return self._larger(name, left, right, [])

    def running_larger(self, name, so_far, value, first):
        """The larger one of two numbers of one type, ``value`` where ``first`` is high; up to two bits one LUT."""
        if len(value) > 2:
            return self.choose(name, self.no_less(f"{name}_no_less", so_far, value, ~first), so_far, value)
        return self._larger(name, so_far, value, [first])

    def _larger(self, name, left, right, first):
        """The larger one of two numbers of up to two bits, or ``right`` where the only signal of ``first`` is high."""
        signed = left.shape().signed
        inputs = [*(bit for pair in zip(left, right, strict=True) for bit in pair), *first]
        bits   = [_larger_bit(at, len(left), signed) for at in reversed(range(len(left)))]
        found  = self.functions(name, inputs, *bits)[:len(bits)]
        return _typed(reversed(found), left)

    def _lut6_2(self, name, high, low, inputs, select):
        """O6 and O5 of a cell: O5 = low(inputs), O6 = high(inputs) where ``select`` (I5) is high, else O5."""
        high, low = _table(high), _table(low)
        o6, o5    = Signal(name=f"{name}_o6"), Signal(name=f"{name}_o5")
        if self._modelled:
            index = Cat(*inputs)
            self._m.d.comb += [
                o5.eq(Const(low, 32).bit_select(index, 1)),
                o6.eq(Mux(select, Const(high, 32).bit_select(index, 1), o5)),
            ]
        else:
            self._m.submodules[f"{name}_lut"] = Instance(
                "LUT6_2", p_INIT=Const(high << 32 | low, 64), i_I5=select, o_O6=o6, o_O5=o5,
                **{f"i_I{pin}": value for pin, value in enumerate(inputs)})
        return o6, o5

    def _carry(self, name, select, data, start=0):
        """The sum bits and the carries out of a chain that starts with carry ``start``."""
        sums, carries = [], []
        for at in range(0, len(select), 4):
            s, di = (Cat(*part[at:at + 4], Const(0, max(0, at + 4 - len(part))))[:4] for part in (select, data))
            o, co = Signal(4, name=f"{name}_{at}_o"), Signal(4, name=f"{name}_{at}_co")
            carry = carries[-1] if carries else Const(start, 1)
            if self._modelled:
                for bit in range(4):
                    self._m.d.comb += [o[bit].eq(s[bit] ^ carry), co[bit].eq(Mux(s[bit], carry, di[bit]))]
                    carry = co[bit]
            else:
                self._m.submodules[f"{name}_{at}_carry"] = Instance(
                    "CARRY4", i_CI=carry if carries else Const(0, 1), i_CYINIT=Const(0 if carries else start, 1),
                    i_S=s, i_DI=di, o_O=o, o_CO=co)
            used    = min(4, len(select) - at)
            sums   += [o[bit] for bit in range(used)]
            carries += [co[bit] for bit in range(used)]
        return sums, carries


def _typed(bits, like):
    """The number of these ``bits``, signed as ``like``."""
    number = Cat(*bits)
    return number.as_signed() if like.shape().signed else number


def _no_less(*bits):
    """Whether the number of the even ``bits`` is not below that of the odd ones; a sign comes inverted."""
    return bits[::2][::-1] >= bits[1::2][::-1]


def _more(*bits):
    return bits[::2][::-1] > bits[1::2][::-1]


def _all_equal(*bits):
    return bits[::2] == bits[1::2]


def _chosen(which, left, right, *_):
    return left if which else right


def _second_chosen(which, _left, _right, *second):
    return _chosen(which, *second)


def _larger_bit(at, width, signed):
    """Bit ``at`` of the larger one of two numbers of ``width`` bits, of the odd ones where a last one is high."""
    def bit(*bits):
        numbers = [bits[which:2 * width:2] for which in (0, 1)]
        if len(bits) > 2 * width and bits[-1]:
            return numbers[1][at]
        return max(numbers, key=lambda number: (number[-1] ^ signed, *number[-2::-1]))[at]
    return bit


def _plain(bit):
    """A bit that enters the carry chain as it is: an inverted one costs an inverter."""
    signal, inverted = bit
    return ~signal if inverted else signal


def _odd(*bits):
    return sum(bits) & 1


def _most(*bits):
    return sum(bits) >= 2


def _first(*bits):
    return bits[0]


def _last(*bits):
    return bits[-1]


@cache
def _half_odd(low):
    """Whether half of the first ``low`` bits, rounded down, and the others come to 1."""
    return lambda *bits: sum(bits[:low]) // 2 + sum(bits[low:]) == 1


@cache
def _half_two(low):
    return lambda *bits: sum(bits[:low]) // 2 + sum(bits[low:]) >= 2


@cache
def _bit_table(function, inverted, pins, takes):
    """The 2**``pins`` bits of INIT for a function of the first ``takes`` bits, some of them inverted on the way in."""
    used = len(inverted)

    def value(index):
        bits = [index >> pin & 1 ^ inverted[pin] for pin in range(used)]
        return int(function(*bits[:takes]))

    return sum(value(index) << index for index in range(1 << pins))


def _parity(a, b, c, clear, carry_save):
    return a ^ b ^ (c & ~clear) ^ carry_save


def _majority(a, b, c, clear, _carry_save):
    return a + b + (c & ~clear) >= 2


def _either(a, b, c, clear, _carry_save):
    """An addend of a column that has two: they are equal wherever the carry depends on it."""
    return a | b | (c & ~clear)


def _product_sum(x, nonzero, negative, so_far, clear):
    return (nonzero & (x ^ negative)) ^ (so_far & ~clear)


def _gated(_x, _nonzero, _negative, so_far, clear):
    """The addend that carries where both are equal."""
    return so_far & ~clear


def _lane(x, x_negative, nonzero, negative, more):
    """What a lane of ternary inputs comes to."""
    return more + (nonzero and 1 + (-1 if x_negative else x) * (1 - 2 * negative))


def _lane_sum(*bits):
    return _lane(*bits) & 1


def _lane_carry(*bits):
    return _lane(*bits) >> 1


def _table(function):
    """The 32 bits of INIT for a function of five inputs."""
    return sum((int(function(*(index >> pin & 1 for pin in range(5)))) & 1) << index for index in range(32))
