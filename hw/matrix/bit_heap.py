"""Compression of a heap of bits: which rows of additions bring each column of it down, counted in LUTs.

A heap holds bits by column; column c weighs 2**c. Two kinds of rows take bits away, both two bits a LUT:

    TERNARY  columns l..r, one LUT each: up to three bits a column, four in the lowest, five in the top column
             of a sum modulo 2**width (only its parity counts there). Leaves a bit a column and, unless it
             ends at the top, two of weight 2**(r + 1): the carry-save of column r and the carry out. In a
             7-series slice it is legal only where each sum goes straight to its flip-flop.
    ATOMS    pairs of columns (c, c + 1), two LUTs each: ``low`` bits of column c and ``high`` of column c + 1
             with low // 2 + high at most 2 (`low` up to 6). Leaves a bit a column and the carry.
             Combinational.

A stage is some rows of atoms one behind the other and then ternary rows into the registers. How many rows
of atoms stand before a cut decides how many bits the last row finds in its columns: one that finds two
instead of three takes half as many away. So cuts belong to what is chosen. The rows come from a randomised
greedy choice on the heights of the columns; the cheapest of many tries is kept. A cut costs flip-flops for
all bits of the heap at that place: ``registers`` of them count as much as a LUT, for else a cut that saves a
LUT or two would pay dozens of flip-flops for it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

__all__ = ["HeapRow", "RowKind", "compress", "estimate", "saves"]

_TRIES = 300

_WORK = 20_000
"""Bits of a heap times its tries: high heaps, where a row is a small part, get fewer."""

_HIGH = 800
"""Bits of a heap from which on the estimate is of one plan only."""

_MANY = 1 << 30

_PLANS = (_MANY, 0, 1, 2)
"""Rows of atoms in each stage of the tries without chance."""

_HIGH_BITS = {6: 0, 5: 0, 4: 1, 3: 1, 2: 2, 1: 2, 0: 2}
"""Bits of column c + 1 that an atom can take beside this many of column c."""


class RowKind(Enum):
    """What a row is made of."""

    TERNARY = "ternary"
    ATOMS = "atoms"


@dataclass(frozen=True)
class HeapRow:
    """A row: ``taken[i]`` bits of column ``column + i``; for atoms the columns alternate low and high.

    ``stage``: registers before it, from the start of the heap. ``top``: the row ends at the top column.
    """

    kind: RowKind
    stage: int
    column: int
    taken: tuple[int, ...]
    top: bool

    @property
    def luts(self) -> int:
        """A LUT a column."""
        return len(self.taken)

    @property
    def left(self) -> tuple[int, ...]:
        """Bits that it leaves, from ``column`` up."""
        return (1,) * len(self.taken) + ((self.carries,) if self.carries else ())

    @property
    def carries(self) -> int:
        """Bits that it leaves above its last column."""
        if self.top:
            return 0
        return 1 + int(self.kind is RowKind.TERNARY and self.saves[-1])

    @property
    def saves(self) -> tuple[bool, ...]:
        """Of a ternary row: whether each column hands a carry-save bit to the next."""
        return saves(self.taken)


def saves(taken: Sequence[int]) -> tuple[bool, ...]:
    """Whether each column of a ternary row that takes so many bits hands a carry-save bit to the next."""
    saved = taken[0] > 3
    found = []
    for count in taken:
        saved = count >= 2 and count + int(saved) > 2
        found.append(saved)
    return tuple(found)


Heap = list[list[int]]  # of each column, the depth of each bit: rows before it in its stage


@lru_cache(maxsize=1 << 16)
def compress(
    heights: tuple[int, ...],
    width: int | None,
    rows_per_stage: int | None = None,
    registers: int | None = None,
    numbers: int = 1,
) -> tuple[HeapRow, ...]:
    """Return the rows, in order, that compress ``heights``.

    Parameters
    ----------
    heights: bits of each column.
    width: bits of the sum, which one number remains of, modulo 2**width; None to leave the sum redundant,
        as few
        bits as pay when it is used twice or more.
    rows_per_stage: rows one behind the other between registers; None for no limit.
    registers: flip-flops between stages that are worth a LUT; None where they cost nothing.
    numbers: 1, or 2 to leave two numbers of the sum, for a row behind the heap that adds them to a third.

    >>> compress((3, 3, 3), None)
    (HeapRow(kind=<RowKind.TERNARY: 'ternary'>, stage=0, column=0, taken=(3, 3, 3), top=False),)
    """
    tries = min(_TRIES, len(_PLANS) + _WORK // max(1, sum(heights)))

    def attempt(number: int) -> _Attempt:
        plan, chance = (_PLANS[number], None) if number < len(_PLANS) else (None, random.Random(number))
        return _Attempt(heights, width, rows_per_stage, plan, chance, numbers)

    attempts = (attempt(number) for number in range(1 if max(heights, default=0) < 4 else tries))
    _, rows = min(((at.run(), at.cost(registers))[::-1] for at in attempts), key=lambda found: found[0])
    return rows


@lru_cache(maxsize=1 << 18)
def estimate(heights: tuple[int, ...], width: int) -> int:
    """Return the LUTs of the greedy choices without chance: near those of ``compress``, and quick.

    >>> estimate((3, 3, 3), 5), sum(row.luts for row in compress((3, 3, 3), 5))
    (5, 5)
    """
    plans = _PLANS[: 1 if max(heights, default=0) < 4 or sum(heights) > _HIGH else 3]
    return min(sum(row.luts for row in _Attempt(heights, width, None, plan, None).run()) for plan in plans)


class _Attempt:
    """One greedy way through the heap, ``plan`` rows of atoms in a stage, None for as chance has it."""

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
        self.later: Heap = []  # made by ternary rows, there in the next stage

    def run(self) -> tuple[HeapRow, ...]:
        """Compress to the end."""
        while not self._final():
            left = self._rows_of_atoms()
            while left and not self._final() and self._atoms():
                left -= 1
            if self._final():
                break
            self._ternaries()
        self._last()
        return tuple(self.rows)

    def cost(self, registers: int | None) -> tuple[int, int]:
        """LUTs and, ``registers`` of them for one, flip-flops of the cuts, in parts; then stages."""
        luts = sum(row.luts for row in self.rows)
        total = luts if registers is None else luts * registers + self.registered
        return total, self.rows[-1].stage if self.rows else 0

    def _final(self) -> bool:
        """Whether a single ternary row is left to do, here or behind the heap."""
        depth = None if self.limit is None else self.limit - 1
        lowest = next((c for c, bits in enumerate(self.heap) if len(bits) > 1), len(self.heap))
        for column, bits in enumerate(self.heap):
            most = 5 if column + 1 == self.width else 4 if column == lowest else 3
            most = most if self.numbers == 1 else 2
            if len(bits) > most or (depth is not None and any(bit > depth for bit in bits)):
                return False
        return True

    def _rows_of_atoms(self) -> int:
        """How many to put in this stage; where its depth is limited, a ternary row still has to follow."""
        plan = self.plan
        if plan is None:
            plan = self.chance.choice((0, 0, 1, 2, 3, _MANY)) if self.chance else _MANY
        return plan if self.limit != 1 else 0

    def _luck(self, probability: float) -> bool:
        return self.chance is not None and self.chance.random() < probability

    def _column(self, column: int) -> list[int]:
        """The bits of a column, which is made if need be."""
        while len(self.heap) <= column:
            self.heap.append([])
        return self.heap[column]

    def _within(self, column: int, most: int) -> int:
        """Bits of a column that a row can take whose sums are ``most`` rows deep."""
        bits = self._column(column)
        return len(bits) if self.limit is None else sum(depth < most for depth in bits)

    def _is_top(self, column: int) -> bool:
        return self.width is not None and column >= self.width

    def _atoms(self) -> bool:
        """Put one row of atoms; False where none pays within the depth of the stage."""
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
                low = max(3, len(self.heap[column]) - 2)  # three bits are left: as many as the last row takes
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
        """Put ternary rows into the registers at the end of the stage, and start the next."""
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
        """The row that ends the heap."""
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
        """Take the shallowest bits of the columns and leave the row's."""
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
