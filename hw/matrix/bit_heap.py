"""The compressor tree of a bit heap: the rows of LUTs and carry chains that reduce it.

A bit heap holds bits by column; column c has weight 2**c. Two kinds of compressor row reduce it,
each by two bits per LUT:

    TERNARY  ternary adder on columns l..r, one LUT per column. Inputs: up to 3 bits a column, 4 in
             column l, 5 in the top column of a sum modulo 2**width, where only the parity counts.
             Outputs: 1 bit per column and, unless it ends at the top, 2 bits of weight 2**(r + 1),
             the carry-save bit of column r and the carry out. A 7-series slice can build it only if
             every sum bit goes straight to its flip-flop.
    ATOMS    generalised parallel counters on column pairs (c, c + 1), two LUTs each: ``low`` <= 6
             bits of column c and ``high`` of column c + 1 with low // 2 + high <= 2. Outputs: 1 bit
             per column and the carry out. Combinational.

A pipeline stage is a cascade of ATOMS rows followed by TERNARY rows, whose outputs are registered.
The number of ATOMS rows before a register cut decides how many bits the last row of the stage finds
in its columns: with two instead of three it removes half as many. The cuts are therefore part of
the search. A randomised greedy search over the column heights proposes many trees, and the cheapest
one wins. A cut costs a flip-flop for every bit of the heap at that place; ``registers`` flip-flops
count as one LUT, so that the search does not spend dozens of flip-flops to save a LUT.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

__all__ = ["HeapRow", "RowKind", "RowLuts", "compress", "estimate", "one_lut_per_column", "saves"]

_TRIES = 300
"""Most attempts for one heap."""

_WORK = 20_000
"""Bound on the bits of a heap times its attempts: in a large heap a single row matters less."""

_HIGH = 800
"""Bits of a heap above which the estimate evaluates a single plan."""

_MANY = 1 << 30

_PLANS = (_MANY, 0, 1, 2)
"""ATOMS rows per stage of the deterministic attempts."""

_HIGH_BITS = {6: 0, 5: 0, 4: 1, 3: 1, 2: 2, 1: 2, 0: 2}
"""Bits of column c + 1 that an atom takes, by its number of bits of column c."""


class RowKind(Enum):
    """Kind of a compressor row (see the module's docstring)."""

    TERNARY = "ternary"
    ATOMS = "atoms"


@dataclass(frozen=True)
class HeapRow:
    """One compressor row.

    Parameters
    ----------
    kind: TERNARY or ATOMS.
    stage: register cuts between the inputs of the heap and the row.
    column: lowest column.
    taken: input bits of column ``column + i``; of ATOMS, low and high columns alternate.
    top: whether the row ends at the top column of a sum modulo 2**width.
    """

    kind: RowKind
    stage: int
    column: int
    taken: tuple[int, ...]
    top: bool

    @property
    def luts(self) -> int:
        """LUTs: one per column."""
        return len(self.taken)

    @property
    def left(self) -> tuple[int, ...]:
        """Output bits per column, from ``column`` up."""
        return (1,) * len(self.taken) + ((self.carries,) if self.carries else ())

    @property
    def carries(self) -> int:
        """Output bits above the last column: 0 at the top, else 1, or 2 with a carry-save bit."""
        if self.top:
            return 0
        return 1 + int(self.kind is RowKind.TERNARY and self.saves[-1])

    @property
    def saves(self) -> tuple[bool, ...]:
        """Per column of a TERNARY row: whether it produces a carry-save bit."""
        return saves(self.taken)


def saves(taken: Sequence[int]) -> tuple[bool, ...]:
    """Return for each column of a TERNARY row of ``taken`` bits whether it has a carry-save bit."""
    saved = taken[0] > 3
    found = []
    for count in taken:
        saved = count >= 2 and count + int(saved) > 2
        found.append(saved)
    return tuple(found)


RowLuts = Callable[[HeapRow], float]


def one_lut_per_column(row: HeapRow) -> float:
    """Return the LUTs of a row made of LUT6_2 and CARRY4."""
    return row.luts


Heap = list[list[int]]  # per column the logic depth of each bit: ATOMS rows since the last register


@lru_cache(maxsize=1 << 16)
def compress(
    heights: tuple[int, ...],
    width: int | None,
    rows_per_stage: int | None = None,
    registers: int | None = None,
    numbers: int = 1,
    row_luts: RowLuts = one_lut_per_column,
) -> tuple[HeapRow, ...]:
    """Return the rows of a compressor tree, in order.

    Parameters
    ----------
    heights: bits of each column.
    width: the sum is reduced to one number modulo 2**width; None leaves it in redundant form, with
        as few bits as pay off when the sum is used more than once.
    rows_per_stage: most rows cascaded between registers; None for no limit.
    registers: flip-flops that cost as much as one LUT; None if flip-flops are free.
    row_luts: LUTs of a row in the device that the tree is built for.
    numbers: 2 leaves two numbers for a ternary adder that adds them to a third one; 1 leaves one.

    >>> compress((3, 3, 3), None)
    (HeapRow(kind=<RowKind.TERNARY: 'ternary'>, stage=0, column=0, taken=(3, 3, 3), top=False),)
    """
    tries = min(_TRIES, len(_PLANS) + _WORK // max(1, sum(heights)))

    def attempt(number: int) -> _Attempt:
        plan, chance = (
            (_PLANS[number], None) if number < len(_PLANS) else (None, random.Random(number))
        )
        return _Attempt(heights, width, rows_per_stage, plan, chance, numbers)

    attempts = (attempt(number) for number in range(1 if max(heights, default=0) < 4 else tries))
    _, rows = min(
        ((at.run(), at.cost(registers, row_luts))[::-1] for at in attempts),
        key=lambda found: found[0],
    )
    return rows


@lru_cache(maxsize=1 << 18)
def estimate(heights: tuple[int, ...], width: int) -> int:
    """Return the LUTs of the best deterministic attempt: a fast estimate of ``compress``.

    >>> estimate((3, 3, 3), 5), sum(row.luts for row in compress((3, 3, 3), 5))
    (5, 5)
    """
    plans = _PLANS[: 1 if max(heights, default=0) < 4 or sum(heights) > _HIGH else 3]
    return min(
        sum(row.luts for row in _Attempt(heights, width, None, plan, None).run()) for plan in plans
    )


class _Attempt:
    """One greedy compression with ``plan`` ATOMS rows per stage; None draws them at random."""

    def __init__(
        self,
        heights: Sequence[int],
        width: int | None,
        limit: int | None,
        plan: int | None,
        chance: random.Random | None,
        numbers: int = 1,
    ) -> None:
        self.numbers = numbers
        self.width = width
        self.limit = limit
        self.chance = chance
        self.plan = plan if chance is None else chance.choice((_MANY, 0, None, None))
        less, skip, go_on, stop = (chance.random() ** 2 for _ in range(4)) if chance else (0.0,) * 4
        self.less, self.skip, self.go_on, self.stop = less, skip, go_on, stop / 4
        self.stage = 0
        self.registered = 0  # bits of the heap at all cuts
        self.rows: list[HeapRow] = []
        size = width if width is not None else len(heights)
        self.heap: Heap = [[0] * count for count in [*heights, *[0] * size][:size]]
        self.later: Heap = []  # outputs of TERNARY rows, available in the next stage

    def run(self) -> tuple[HeapRow, ...]:
        """Compress the whole heap."""
        while not self._final():
            left = self._rows_of_atoms()
            while left and not self._final() and self._atoms():
                left -= 1
            if self._final():
                break
            self._ternaries()
        self._last()
        return tuple(self.rows)

    def cost(self, registers: int | None, row_luts: RowLuts) -> tuple[float, int]:
        """Cost to minimise: LUTs plus flip-flops (``registers`` of them per LUT), then stages."""
        luts = sum(row_luts(row) for row in self.rows)
        total = luts if registers is None else luts * registers + self.registered
        return total, self.rows[-1].stage if self.rows else 0

    def _final(self) -> bool:
        """Whether one TERNARY row, here or downstream of the heap, completes the sum."""
        depth = None if self.limit is None else self.limit - 1
        lowest = next((c for c, bits in enumerate(self.heap) if len(bits) > 1), len(self.heap))
        for column, bits in enumerate(self.heap):
            most = 5 if column + 1 == self.width else 4 if column == lowest else 3
            most = most if self.numbers == 1 else 2
            if len(bits) > most or (depth is not None and any(bit > depth for bit in bits)):
                return False
        return True

    def _rows_of_atoms(self) -> int:
        """ATOMS rows of this stage; a depth limit of 1 allows the TERNARY row alone."""
        plan = self.plan
        if plan is None:
            plan = self.chance.choice((0, 0, 1, 2, 3, _MANY)) if self.chance else _MANY
        return plan if self.limit != 1 else 0

    def _luck(self, probability: float) -> bool:
        return self.chance is not None and self.chance.random() < probability

    def _column(self, column: int) -> list[int]:
        """The bits of a column; extends the heap up to it."""
        while len(self.heap) <= column:
            self.heap.append([])
        return self.heap[column]

    def _within(self, column: int, most: int) -> int:
        """Bits of a column with a depth below ``most``."""
        bits = self._column(column)
        return len(bits) if self.limit is None else sum(depth < most for depth in bits)

    def _is_top(self, column: int) -> bool:
        return self.width is not None and column >= self.width

    def _atoms(self) -> bool:
        """Add one ATOMS row; False if none pays off within the depth of the stage."""
        most = _MANY if self.limit is None else self.limit - 1
        high = [c for c in range(len(self.heap)) if self._within(c, most) > 3]
        if not high:
            return False
        start = high[0] if not self._luck(self.skip) else high[min(len(high) - 1, 1)]
        column, taken = start, list[int]()
        while not self._is_top(column):
            if column + 1 == self.width:
                count = min(6, self._within(column, most))
                if count > 1:
                    taken.append(count)
                    column += 1
                break
            low = min(6, self._within(column, most))
            if low == 6 and self._luck(self.less):
                low = 5
            if low > 4 and len(self.heap[column]) - 2 < low and self._luck(self.less):
                # two bits and the sum bit remain: as many as the last row takes
                low = max(3, len(self.heap[column]) - 2)
            above = min(_HIGH_BITS[low], self._within(column + 1, most))
            if taken and self._luck(self.stop):
                break
            if taken and low + above < (4 if self._luck(self.go_on) else 5):
                break
            taken += [low, above]
            column += 2
        self._put(RowKind.ATOMS, start, taken, self._is_top(column))
        return True

    def _ternaries(self) -> None:
        """Add the TERNARY rows that end the stage, and start the next one."""
        most = _MANY if self.limit is None else self.limit
        self.later = []
        while True:
            start = next((c for c in range(len(self.heap)) if self._within(c, most) > 2), None)
            if start is None:
                break
            column, taken = start, list[int]()
            while not self._is_top(column):
                there = self._within(column, most)
                if there < (2 if self._luck(self.go_on) else 3):
                    break
                slots = 5 if column + 1 == self.width else 4 if not taken else 3
                taken.append(min(slots, there))
                column += 1
            self._put(RowKind.TERNARY, start, taken, self._is_top(column))
        self.heap = [
            [0] * (len(bits) + (len(self.later[c]) if c < len(self.later) else 0))
            for c, bits in enumerate([*self.heap, *[[]] * (len(self.later) - len(self.heap))])
        ]
        self.registered += sum(len(bits) for bits in self.heap)
        self.stage += 1

    def _last(self) -> None:
        """Add the last row of the heap."""
        if self.numbers > 1:
            return
        start = next((c for c, bits in enumerate(self.heap) if len(bits) > 1), None)
        if start is None:
            return
        column, taken, carry = start, list[int](), 0
        while not self._is_top(column):
            there = len(self._column(column))
            if self.width is None and there < 2 and not (there and carry == 2):
                if not any(len(bits) > 1 for bits in self.heap[column:]):
                    break
                if not there:
                    break
            taken.append(there)
            column += 1
            row = HeapRow(RowKind.TERNARY, self.stage, start, tuple(taken), False)
            carry = row.carries
        self._put(RowKind.TERNARY, start, taken, self._is_top(column))

    def _put(self, kind: RowKind, column: int, taken: Sequence[int], top: bool) -> None:
        """Add a row: consume the shallowest bits of its columns, produce its outputs."""
        row = HeapRow(kind, self.stage, column, tuple(taken), top)
        depth = 0
        for at, count in enumerate(taken, start=column):
            bits = self._column(at)
            if self.limit is not None:  # otherwise no depth matters
                bits.sort()
                depth = max([depth, *bits[:count]])
            del bits[:count]
        for at, count in enumerate(row.left, start=column):
            if self._is_top(at):
                break
            if kind is RowKind.ATOMS:
                self._column(at).extend([depth + 1] * count)
            else:
                while len(self.later) <= at:
                    self.later.append([])
                self.later[at].extend([0] * count)
        self.rows.append(row)
