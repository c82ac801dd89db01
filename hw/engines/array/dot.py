"""A row of the array: the pipelined adder tree of its ternary products, and the accumulator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from amaranth import *
from amaranth.lib.wiring import In, Out

from tritforge.hw.stream.shared import SharedComponent
from tritforge.hw.targets.operators import ternary_product
from tritforge.hw.targets.rows import rows

if TYPE_CHECKING:
    from tritforge.hw.engines.array.ternary_dot import TernaryShape

__all__ = ["Dot", "DotComponent", "DotShape", "columns"]


@dataclass(frozen=True)
class DotShape:
    """The adder tree of ``simd`` products of ``bits`` bits, into an accumulator of ``width`` bits.

    Latency ``stages`` + 1. Cost: a LUT per bit for each pair of products, then ternary adders. A
    single product is computed in the accumulator's row; two would take eight inputs per LUT.
    """

    simd:  int
    bits:  int
    width: int

    @property
    def largest_products(self) -> list[int]:
        """Largest value of each term of the first stage: of two lanes, or of a left-over one."""
        largest = (1 << self.bits) - 1
        return [2 * largest] * (self.simd // 2) + [largest] * (self.simd % 2)

    @property
    def levels(self) -> list[list[int]]:
        """Return how many adjacent terms each row of each level adds, until at most two remain.

        1 passes a term on to the next level.

        >>> DotShape(32, 8, 24).levels
        [[3, 3, 3, 3, 3, 1], [3, 3]]
        """
        count, levels = len(self.largest_products), []
        while count > 2:
            threes = count // 3 if count > 6 else (count - 2) // 2
            # an odd count: a row of two is a bit shorter than one of three
            twos   = 0 if count > 6 else count % 2
            levels.append([3] * threes + [2] * twos + [1] * (count - 3 * threes - 2 * twos))
            count  = len(levels[-1])
        return levels

    @property
    def stages(self) -> int:
        """Registers from the operands to the last terms, without the accumulator."""
        return 1 + len(self.levels) if self.simd > 1 else 0

    @property
    def registered_bits(self) -> list[int]:
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
    def rows(self) -> list[tuple[list[int], int]]:
        """Rows of additions after the products, as (bits of each operand, bits of the sum)."""
        terms, rows = self.largest_products, []
        for groups in self.levels:
            ends  = list(accumulate(groups))
            parts = [terms[end - count:end] for end, count in zip(ends, groups, strict=True)]
            terms = [sum(part) for part in parts]
            rows += [
                (
                    [min(self.width, value.bit_length()) for value in part],
                    min(self.width, sum(part).bit_length()),
                )
                for part in parts
                if len(part) > 1
            ]
        return [
            *rows,
            ([*(min(self.width, value.bit_length()) for value in terms), self.width], self.width),
        ]

    def component(self) -> Dot:
        """Return the :class:`Dot`."""
        return Dot(self)


def columns(operands: Sequence[int], width: int) -> int:
    """Return the LUTs of a row of up to three operands modulo 2**width.

    That is one per bit up to the most significant one, and one more if two or three of ``operands``
    bits meet there and leave a carry-save bit.
    """
    top   = max(operands)
    saved = sum(bits >= top for bits in operands) == 3 or (
        len(operands) == 3 and sorted(operands)[1] >= top
    )
    return min(width, top + saved)


class DotComponent(SharedComponent):
    """total = so_far + sum over lanes of term(value, code); the adder tree is pipelined.

    Latency ``stages`` from the operands to ``total``, interval 1 cycle.

    Parameters
    ----------
    shape : DotShape or TernaryShape; readable as the attribute ``shape``.

    Members
    -------
    values : simd * bits bits, unsigned, lane 0 in the low bits.
    codes : 2 * simd bits, the trit code of each lane.
    steps : max(1, stages) bits; bit k lets stage k load in this cycle.
    so_far : width bits, the accumulator.
    clear : start from 0 instead of ``so_far``.
    total : width bits, next value of the accumulator, combinational from the last stage; the caller
        registers it and reads it nowhere else.
    """

    values: Signal
    codes: Signal
    steps: Signal
    so_far: Signal
    clear: Signal
    total: Signal

    def __init__(self, shape: DotShape | TernaryShape) -> None:
        self.shape = shape
        super().__init__(
            {
                "values": In(shape.simd * shape.bits),
                "codes": In(2 * shape.simd),
                "steps": In(max(1, shape.stages)),
                "so_far": In(shape.width),
                "clear": In(1),
                "total": Out(shape.width),
            },
            shape.simd,
            shape.bits,
            shape.width,
        )

    @property
    def clocked(self) -> bool:
        """Whether the circuit has registers."""
        return self.shape.stages > 0

    def again(self) -> SharedComponent:
        """Return another component of the same shape."""
        return type(self)(self.shape)


class Dot(DotComponent):
    """Dot product with term = ternary_product(value, code); the adder tree is pipelined."""

    shape: DotShape

    def circuit(self, platform: object) -> Module:
        """Products of lane pairs, registered rows of additions, and the accumulator's row."""
        m     = Module()
        shape = self.shape
        row   = rows(m, platform)

        def registered(stage: int, name: str, largest: int, total: Value) -> Signal:
            """``total`` in a register that ``stage`` fills, as wide as ``largest``."""
            register = Signal(min(shape.width, largest.bit_length()), name=name)
            with m.If(self.steps[stage]):
                m.d.sync += register.eq(total)
            return register

        if shape.simd == 1:
            m.d.comb += self.total.eq(
                row.add_product(
                    "total_row",
                    (self.values, self.codes),
                    shape.width,
                    so_far=self.so_far,
                    clear=self.clear,
                )
            )
            return m

        lanes = [
            (self.values.word_select(lane, shape.bits), self.codes.word_select(lane, 2))
            for lane in range(shape.simd)
        ]
        terms = []
        for number, largest in enumerate(shape.largest_products):
            pair    = lanes[2 * number:2 * number + 2]
            name    = f"products_{number}"
            product = (
                row.products(f"{name}_row", pair) if len(pair) == 2 else ternary_product(*pair[0])
            )
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
            row.add(
                "total_row",
                [term for _, term in terms],
                shape.width,
                so_far=self.so_far,
                clear=self.clear,
            )
        )
        return m
