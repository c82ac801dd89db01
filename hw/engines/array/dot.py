"""A row of the array: ternary products, added in registered rows of three, and the row that accumulates them."""

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from amaranth import *
from amaranth.lib.wiring import In, Out

from tritforge.hw.stream.shared import SharedComponent
from tritforge.hw.targets.operators import ternary_product
from tritforge.hw.targets.rows import rows

__all__ = ["Dot", "DotComponent", "DotShape", "columns"]


@dataclass(frozen=True)
class DotShape:
    """The tree of additions of ``simd`` products of ``bits`` bits each, into an accumulator of ``width`` bits.

    A single product is made in the accumulator's row; of two, a bit would take eight inputs of its LUT.
    """

    simd:  int
    bits:  int
    width: int

    @property
    def largest_products(self):
        """Largest value of each term that the first stage makes: of two lanes, of one where a lane is left."""
        largest = (1 << self.bits) - 1
        return [2 * largest] * (self.simd // 2) + [largest] * (self.simd % 2)

    @property
    def levels(self):
        """How many neighbouring terms each row of each level adds (1 hands a term on), until two are left at most.

        >>> DotShape(32, 8, 24).levels
        [[3, 3, 3, 3, 3, 1], [3, 3]]
        """
        count, levels = len(self.largest_products), []
        while count > 2:
            threes = count // 3 if count > 6 else (count - 2) // 2
            twos   = 0 if count > 6 else count % 2             # an odd count: a row of two is a bit shorter than one of three
            levels.append([3] * threes + [2] * twos + [1] * (count - 3 * threes - 2 * twos))
            count  = len(levels[-1])
        return levels

    @property
    def stages(self):
        """Registers from the operands to the last terms, the accumulator not among them."""
        return 1 + len(self.levels) if self.simd > 1 else 0

    @property
    def registered_bits(self):
        """Flip-flops of each stage."""
        if self.simd == 1:
            return []
        terms  = self.largest_products
        stages = [terms]
        for groups in self.levels:
            ends  = list(accumulate(groups))
            terms = [sum(terms[end - count:end]) for end, count in zip(ends, groups, strict=True)]
            stages.append(terms)
        return [sum(min(self.width, largest.bit_length()) for largest in stage) for stage in stages]

    @cached_property
    def rows(self):
        """Bits of the operands of every row of additions but the products: (of each operand, of the sum)."""
        terms, rows = self.largest_products, []
        for groups in self.levels:
            ends  = list(accumulate(groups))
            parts = [terms[end - count:end] for end, count in zip(ends, groups, strict=True)]
            terms = [sum(part) for part in parts]
            rows += [([min(self.width, value.bit_length()) for value in part], min(self.width, sum(part).bit_length()))
                     for part in parts if len(part) > 1]
        return [*rows, ([*(min(self.width, value.bit_length()) for value in terms), self.width], self.width)]

    def component(self):
        return Dot(self)


def columns(operands, width):
    """Columns of a row of up to three operands modulo 2**width that take a LUT: to the top bit, and one above where two
    or three of ``operands`` bits meet, for what was saved."""
    top   = max(operands)
    saved = sum(bits >= top for bits in operands) == 3 or (len(operands) == 3 and sorted(operands)[1] >= top)
    return min(width, top + saved)


class DotComponent(SharedComponent):
    """total = so_far + sum over lanes of a term made of value and code; the stages of its additions are registered.

    Parameters
    ----------
    shape : what it is made of, with ``simd``, ``bits``, ``width`` and ``stages``.

    Members
    -------
    values     : ``simd`` unsigned values, lane 0 in the low bits.
    codes      : the trit code of each lane, 2 bits.
    steps      : bit k high: stage k takes what is before it, in this cycle; its sums are there from the next one on.
    so_far     : the accumulator, ``width`` bits.
    clear      : start from 0 instead.
    total      : next value of the accumulator; the caller registers it and reads it nowhere else.
    """

    def __init__(self, shape):
        self._shape = shape
        super().__init__({
            "values": In(shape.simd * shape.bits), "codes": In(2 * shape.simd), "steps": In(max(1, shape.stages)),
            "so_far": In(shape.width), "clear": In(1), "total": Out(shape.width),
        }, shape.simd, shape.bits, shape.width)

    @property
    def clocked(self):
        return self._shape.stages > 0

    def again(self):
        return type(self)(self._shape)


class Dot(DotComponent):
    """The term of a lane is ternary_product(value, code), and every row of additions is registered."""

    def circuit(self, platform):
        m     = Module()
        shape = self._shape
        row   = rows(m, platform)

        def registered(stage, name, largest, total):
            """``total`` in a register that ``stage`` fills, as wide as ``largest``."""
            register = Signal(min(shape.width, largest.bit_length()), name=name)
            with m.If(self.steps[stage]):
                m.d.sync += register.eq(total)
            return register

        if shape.simd == 1:
            m.d.comb += self.total.eq(row.add_product(
                "total_row", (self.values, self.codes), shape.width, so_far=self.so_far, clear=self.clear))
            return m

        lanes = [(self.values.word_select(lane, shape.bits), self.codes.word_select(lane, 2)) for lane in range(shape.simd)]
        terms = []
        for number, largest in enumerate(shape.largest_products):
            pair    = lanes[2 * number:2 * number + 2]
            name    = f"products_{number}"
            product = row.products(f"{name}_row", pair) if len(pair) == 2 else ternary_product(*pair[0])
            terms.append((largest, registered(0, name, largest, product)))
        for stage, groups in enumerate(shape.levels, start=1):
            summed = []
            for number, (end, count) in enumerate(zip(accumulate(groups), groups, strict=True)):
                group   = [term for _, term in terms[end - count:end]]
                largest = sum(largest for largest, _ in terms[end - count:end])
                name    = f"sum_{stage}_{number}"
                width   = min(shape.width, largest.bit_length())
                total   = row.add(f"{name}_row", group, width) if count > 1 else group[0]
                summed.append((largest, registered(stage, name, largest, total)))
            terms = summed
        m.d.comb += self.total.eq(
            row.add("total_row", [term for _, term in terms], shape.width, so_far=self.so_far, clear=self.clear))
        return m
