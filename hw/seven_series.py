"""Cells of the Xilinx 7 series by name, and the rows of additions that synthesis does not find by itself.

A LUT6_2 is two functions of the same five inputs, a CARRY4 four bits of carry: sum = S ^ C, next C = S ? C : DI.
With them a bit of a row costs one LUT, and a comparison one LUT for two bits:

    pair     the sum of two ternary products; O5 = first product = DI, O6 = first ^ second = S
    ternary  the sum of three numbers, the last one gated; O5 = maj(a, b, c) = m, which enters the next bit's
             LUT and DI; O6 = a ^ b ^ c ^ m of the bit below = S
    compare  a >= b; O5 = (two bits of a > those of b) = DI, O6 = (they are equal) = S, and the carry comes out

In a slice O5 on the fabric and the sum both want the same output, so a ternary row is legal only where each sum
goes straight to its flip-flop: whoever uses :class:`SevenSeries` registers every row and reads it nowhere else.
Source: UG474, "7 Series FPGAs Configurable Logic Block", LUT and carry logic.
"""

from enum import Enum

from amaranth import *

__all__ = ["Modelled", "Primitives", "SevenSeries"]


class Primitives(Enum):
    """What rows of additions are made of."""

    GENERIC = "generic"
    """Operators, for every device and for ASICs."""

    XILINX7 = "xilinx7"
    """Cells of the 7 series."""


class Modelled:
    """Elaboration platform for Amaranth's simulator: rows made of cells, and each cell of its behaviour."""

    primitives = Primitives.XILINX7


class SevenSeries:
    """Adds rows made of LUT6_2 and CARRY4 to the module ``m``; combinational, the caller registers them."""

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

    def at_least(self, name, value, bound):
        """Whether ``value`` >= ``bound``, both unsigned; two bits a LUT6_2, the carry starts as 1 and comes out."""
        width = max(len(value), len(bound))
        value, bound = (Cat(number, Const(0, width + 1 - len(number))) for number in (value, bound))
        columns = [
            self._lut6_2(f"{name}_{low}", _equal, _greater, [value[low], bound[low], value[low + 1], bound[low + 1], Const(0, 1)],
                         Const(1, 1))
            for low in range(0, width, 2)]
        _, carries = self._carry(name, [s for s, _ in columns], [di for _, di in columns], start=1)
        return carries[-1]

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


def _parity(a, b, c, clear, carry_save):
    return a ^ b ^ (c & ~clear) ^ carry_save


def _majority(a, b, c, clear, _carry_save):
    return a + b + (c & ~clear) >= 2


def _either(a, b, c, clear, _carry_save):
    """An addend of a column that has two: they are equal wherever the carry depends on it."""
    return a | b | (c & ~clear)


def _equal(a0, b0, a1, b1, _unused):
    return (a0, a1) == (b0, b1)


def _greater(a0, b0, a1, b1, _unused):
    return (a1, a0) > (b1, b0)


def _table(function):
    """The 32 bits of INIT for a function of five inputs."""
    return sum((int(function(*(index >> pin & 1 for pin in range(5)))) & 1) << index for index in range(32))
