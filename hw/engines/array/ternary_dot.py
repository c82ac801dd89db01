"""A row of the array for ternary inputs: product and addition in one LUT per lane."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from amaranth import *

from tritforge.export.ir.datatype import DataType
from tritforge.hw.engines.array.dot import DotComponent, DotShape
from tritforge.hw.engines.unrolled.engine import instantiate
from tritforge.hw.matrix.compressor import Bit, Wiring, wire_heap
from tritforge.hw.targets.rows import rows

__all__ = ["TernaryDot", "TernaryShape", "dot_shape"]

_CHAIN = 5
"""Lanes, and so cascaded LUTs, before a register: fewer would leave more bits to add."""


@dataclass(frozen=True)
class TernaryShape:
    """The compressor tree of ``simd`` products of ternary weights and inputs, into ``width`` bits.

    Latency ``stages`` + 1. Cost: one LUT6_2 per lane, and the compressor tree of the chains'
    outputs.

    The term of a lane is 0 for a weight 0, else 1 + weight * input, which is 0, 1 or 2: two bits. A
    lane adds them to one more bit and outputs a sum and a carry, five inputs of a LUT6_2; the sum
    feeds the next lane of its chain. The outputs of the chains form a bit heap
    (tritforge.hw.matrix.bit_heap), which is compressed to two numbers for the accumulator's row.
    """

    simd:  int
    width: int

    @property
    def bits(self) -> int:
        """Width of an input in bits."""
        return 2

    @property
    def chains(self) -> list[int]:
        """Lanes of each chain."""
        return [min(_CHAIN, self.simd - first) for first in range(0, self.simd, _CHAIN)]

    @cached_property
    def heap(self) -> Wiring:
        """The compressor tree after the chains (tritforge.hw.matrix.compressor)."""
        return wire_heap((len(self.chains), self.simd), self.width)

    @property
    def numbers(self) -> list[tuple[Bit | None, ...]]:
        """Bits (Bit or None) of the two numbers that the heap leaves, without leading zeros."""
        used = [max((column + 1 for column, bit in enumerate(output) if bit is not None), default=0)
                for output in self.heap.outputs]
        return [output[:width] for output, width in zip(self.heap.outputs, used, strict=True)]

    @property
    def stages(self) -> int:
        """Registers from the operands to the last terms, without the accumulator."""
        return 1 + self.heap.stages

    def component(self) -> TernaryDot:
        """Return the :class:`TernaryDot`."""
        return TernaryDot(self)


class TernaryDot(DotComponent):
    """total = so_far + sum over lanes of (nonzero ? 1 + weight * value : 0).

    Every stage is registered. Members are those of
    :class:`tritforge.hw.engines.array.dot.DotComponent`; ``values`` are trit codes.
    """

    shape: TernaryShape

    def circuit(self, platform: object) -> Module:
        """The chains of lanes, the registered compressor tree, and the accumulator's row."""
        m     = Module()
        shape = self.shape
        row   = rows(m, platform)

        ones, twos, lane = [], [], 0
        for count in shape.chains:
            so_far: Value = Const(0, 1)
            for _ in range(count):
                so_far, carry = row.ternary_lane(
                    f"lane_{lane}",
                    self.values.word_select(lane, 2),
                    self.codes.word_select(lane, 2),
                    so_far,
                )
                twos.append(carry)
                lane += 1
            ones.append(so_far)
        made = dict(enumerate([*ones, *twos]))

        heap = shape.heap
        for stage, wires in enumerate([tuple(made), *heap.registers]):
            register = Signal(len(wires), name=f"stage_{stage}", reset_less=True)
            with m.If(self.steps[stage]):
                m.d.sync += register.eq(Cat(made[wire] for wire in wires))
            bits = dict(zip(wires, register, strict=True))
            made = bits | instantiate(
                m, platform, heap, heap.blocks[stage][0] if stage < len(heap.blocks) else (), bits
            )

        numbers = [
            Cat(Const(0, 1) if bit is None else made[bit.wire] for bit in number)
            for number in shape.numbers
        ]
        m.d.comb += self.total.eq(
            row.add("total_row", numbers, shape.width, so_far=self.so_far, clear=self.clear)
        )
        return m


def dot_shape(simd: int, dtype: DataType, width: int) -> DotShape | TernaryShape:
    """Return the shape of a row of ``simd`` inputs of type ``dtype``."""
    return TernaryShape(simd, width) if dtype.ternary else DotShape(simd, dtype.bits, width)
