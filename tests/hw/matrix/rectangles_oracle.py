"""The loop of rectangles.cpp in Python: slow, the same result on every matrix."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt

from tritforge.hw.matrix.rectangles import EFFORT, UNIT, Entries, node_profile

ALPHA = 33
"""Cost of a bit that enters a heap: half a LUT, and a little for rows that are not full."""

EVEN = 16
"""Gain per bit of a row whose number of terms becomes odd, and loss if it becomes even.

A ternary adder reduces three terms to one, so an even number leaves a pair at the end.
"""

_SEEDS, _GROWN = 100_000, 20_000_000
"""Bounds of the first pairs per side (those with the most agreement) and of lines per step."""

_FRESH, _RENEWED = 48, 16_384
"""The same bounds for the pairs with a new line; at least a sixth of ``_FRESH`` pairs."""


@dataclass
class _Rectangle:
    """Members (line, sign) of one side, bit sets of the other side's lines by sign."""

    side: int
    members: list[tuple[int, int]]
    positive: int
    negative: int


def extract(
    rows: Entries, inputs: int, outputs: int, bits: int, depth: int, noise: int, power: int
) -> int:
    """Replace rectangles of ``rows`` by nodes until none has a gain; return the lines examined."""
    extraction = _Extraction(rows, inputs, outputs, bits, depth, noise, power)
    extraction.run()
    return extraction.work


def _ones(bits: int) -> Iterator[int]:
    """Yield the positions of the ones, lowest first."""
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


class _Extraction:
    """The matrix as bit sets: side 0 holds each column's rows, side 1 each row's columns."""

    def __init__(
        self,
        rows: Entries,
        inputs: int,
        outputs: int,
        bits: int,
        depth: int,
        noise: int,
        power: int,
    ) -> None:
        self.rows = rows
        self.inputs = inputs
        self.outputs = outputs
        self.bits = bits
        self.depth = depth
        self.noise = noise
        self.alpha = ALPHA + noise % 4 if noise else ALPHA
        self.even = EVEN // 2 * (noise // 4 % 4) if noise else EVEN
        self.work = 0
        self.odd = sum(1 << number for number, row in enumerate(rows) if len(row) % 2)
        self.power = power
        nodes = len(rows) - outputs
        self.positive = [[0] * (inputs + nodes), [0] * (outputs + nodes)]
        self.negative = [[0] * (inputs + nodes), [0] * (outputs + nodes)]
        for row, entries in enumerate(rows):
            for column, sign in entries.items():
                half = self.positive if sign > 0 else self.negative
                half[0][column] |= 1 << row
                half[1][row] |= 1 << column
        self.level = [[0] * (inputs + nodes), [0] * (outputs + nodes)]
        self.within = [[0] * depth for _ in range(2)]
        for side in range(2):
            for line in range(len(self.level[side])):
                self._enter(side, line, 0)
        self.profile: list[tuple[int, ...]] = [(1,) * bits] * inputs + [()] * nodes
        for node in range(nodes):
            self._raise(0, node, 1)
            self._raise(1, node, 1)
        for column in sorted(range(inputs, inputs + nodes), key=lambda c: self.level[0][c]):
            heights = self._heights(_ones(self._both(1, outputs + column - inputs)))
            self.profile[column] = node_profile(heights)[1]
        self.heap: list[tuple[int, int, int, int, int]] = []

    def run(self) -> None:
        """Take the best rectangle until none has a gain."""
        for side in range(2):
            for _, one, other, sign in self._pairs(side):
                self._offer(side, one, other, sign)
        while self.heap and self.work < EFFORT:
            old, side, one, other, sign = heapq.heappop(self.heap)
            seed = (side, one, other, sign)
            found = self._grow(*seed)
            if found is None:
                continue
            score, rectangle = found
            if score < -old:
                heapq.heappush(self.heap, (-score, *seed))
                continue
            self._take(rectangle)
            self._offer(*seed)
        self.rows[:] = [
            {c: 1 if self.positive[1][row] >> c & 1 else -1 for c in _ones(self._both(1, row))}
            for row in range(len(self.positive[1]))
        ]

    def _both(self, side: int, line: int) -> int:
        return self.positive[side][line] | self.negative[side][line]

    # levels: nodes upstream of a column, nodes downstream of a row

    def _enter(self, side: int, line: int, level: int) -> None:
        for at in range(self.depth):
            if at >= level:
                self.within[side][at] |= 1 << line
            else:
                self.within[side][at] &= ~(1 << line)
        self.level[side][line] = level

    def _raise(self, side: int, node: int, least: int) -> None:
        """Raise the level of a node to ``least`` or more; its successors follow, one more each."""
        stack = [(node, least)]
        while stack:
            node, least = stack.pop()
            line = node + (self.inputs, self.outputs)[side]
            if self.level[side][line] < least:
                self._enter(side, line, least)
            least = self.level[side][line]
            first = (self.outputs, self.inputs)[side]
            stack += [
                (other - first, least + 1)
                for other in _ones(self._both(side, line))
                if other >= first
                and self.level[side][other - first + (self.inputs, self.outputs)[side]] < least + 1
            ]

    # gain

    def _heights(self, columns: Iterator[int]) -> tuple[int, ...]:
        heights: list[int] = []
        for column in columns:
            profile = self.profile[column]
            heights += [0] * (len(profile) - len(heights))
            for at, count in enumerate(profile):
                heights[at] += count
        return tuple(heights)

    def _gain(self, rectangle: _Rectangle) -> tuple[int, int]:
        """(gain, area)."""
        others = rectangle.positive | rectangle.negative
        members = sum(1 << line for line, _ in rectangle.members)
        used, terms = (others, members) if rectangle.side == 0 else (members, others)
        heights = self._heights(_ones(terms))
        luts, left = node_profile(heights)
        uses = used.bit_count()
        gain = self.alpha * uses * (sum(heights) - sum(left)) - UNIT * luts
        if terms.bit_count() % 2 == 0:
            gain += self.even * self.bits * (uses - 2 * (used & self.odd).bit_count())
        return gain, uses * terms.bit_count()

    def _score(self, gain: int, area: int, side: int, one: int, other: int, sign: int) -> int:
        score = gain << 8
        if self.power == 1:
            score = (score << 4) // isqrt(isqrt(area << 16))
        elif self.power == 2:
            score = (score << 4) // isqrt(area << 8)
        if self.noise:
            mixed = (
                self.noise
                + side * 40503
                + one * 2654435761
                + other * 2246822519
                + sign * 3266489917
            ) & (2**32 - 1)
            mixed = ((mixed ^ mixed >> 15) * 2246822519) & (2**32 - 1)
            mixed = ((mixed ^ mixed >> 13) * 3266489917) & (2**32 - 1)
            score = score * (1024 - (mixed >> 16 & 255)) >> 10
        return score

    # growing

    def _pairs(self, side: int) -> list[tuple[int, int, int, int]]:
        """Pairs as (agreeing places, line, line, sign), about ``_SEEDS``, most agreement first."""
        lines = len(self.positive[side])
        self.work += lines * lines * 8
        counts: dict[int, int] = {}
        found = []
        for one in range(lines):
            for other in range(one + 1, lines):
                for sign in (1, -1):
                    count = self._agreeing(side, one, other, sign)
                    if count > 1:
                        found.append((count, one, other, sign))
                        counts[count] = counts.get(count, 0) + 1
        least, seen, most = 2, 0, min(_SEEDS, _GROWN // max(1, lines))
        for count in sorted(counts, reverse=True):
            seen += counts[count]
            if seen > most and count != max(counts):
                least = count + 1
                break
        return [pair for pair in found if pair[0] >= least]

    def _agreeing(self, side: int, one: int, other: int, sign: int) -> int:
        p, n = self.positive[side], self.negative[side]
        if sign < 0:
            return (p[one] & n[other] | n[one] & p[other]).bit_count()
        return (p[one] & p[other] | n[one] & n[other]).bit_count()

    def _offer(self, side: int, one: int, other: int, sign: int) -> None:
        found = self._grow(side, one, other, sign)
        if found is not None:
            heapq.heappush(self.heap, (-found[0], side, one, other, sign))

    def _grow(self, side: int, one: int, other: int, sign: int) -> tuple[int, _Rectangle] | None:
        """Grow a pair; return the score and rectangle of the largest gain, None without gain."""
        p, n, level = self.positive[side], self.negative[side], self.level[side]
        members = [(one, 1), (other, sign)]
        deepest = max(level[one], level[other])
        if self.depth - 1 - deepest < 0:
            return None
        mask = self.within[1 - side][self.depth - 1 - deepest]
        plus = p[one] & (p[other] if sign > 0 else n[other]) & mask
        minus = n[one] & (n[other] if sign > 0 else p[other]) & mask
        best: tuple[int, int, _Rectangle] | None = None
        taken = 1 << one | 1 << other
        while (plus | minus).bit_count() > 1:
            size = (plus | minus).bit_count()
            self.work += len(p)
            most, chosen = 1, (0, 0)
            full: list[tuple[int, int]] = []
            for line in _ones(self.within[side][self.depth - 1] & ~taken):
                mask = self.within[1 - side][self.depth - 1 - max(deepest, level[line])]
                same = (plus & p[line] | minus & n[line]) & mask
                turned = (plus & n[line] | minus & p[line]) & mask
                for count, relative in ((same.bit_count(), 1), (turned.bit_count(), -1)):
                    if count == size:
                        full.append((line, relative))
                    elif count > most:
                        most, chosen = count, (line, relative)
            for line, relative in full:
                members.append((line, relative))
                deepest = max(deepest, level[line])
                taken |= 1 << line
            rectangle = _Rectangle(side, members.copy(), plus, minus)
            gain, area = self._gain(rectangle)
            if gain > 0 and (best is None or gain > best[0]):
                best = (gain, area, rectangle)
            if full:
                continue
            if most < 2:
                break
            line, relative = chosen
            members.append(chosen)
            taken |= 1 << line
            deepest = max(deepest, level[line])
            mask = self.within[1 - side][self.depth - 1 - deepest]
            plus, minus = (
                plus & (p[line] if relative > 0 else n[line]) & mask,
                minus & (n[line] if relative > 0 else p[line]) & mask,
            )
        if best is None:
            return None
        return self._score(best[0], best[1], side, one, other, sign), best[2]

    # taking

    def _take(self, rectangle: _Rectangle) -> None:
        """Replace a rectangle by a node."""
        side = rectangle.side
        signs = [[0, 0], [0, 0]]  # of each side: positive lines, negative lines
        for line, sign in rectangle.members:
            signs[side][sign < 0] |= 1 << line
        signs[1 - side] = [rectangle.positive, rectangle.negative]
        node = len(self.rows) - self.outputs
        self.rows.append({})
        for at in range(2):
            line = node + (self.inputs, self.outputs)[at]  # the node as a column, then as a row
            every = signs[1 - at][0] | signs[1 - at][1]
            for which, half in enumerate((self.positive, self.negative)):
                for member in _ones(signs[at][0] | signs[at][1]):
                    half[at][member] &= ~every
                half[at].append(signs[1 - at][which])
            partner = node + (self.outputs, self.inputs)[at]
            for which, half in enumerate((self.positive, self.negative)):
                for member in _ones(signs[at][which]):
                    half[at][member] |= 1 << partner
            self.level[at].append(0)
            members = list(_ones(signs[at][0] | signs[at][1]))
            self._enter(at, line, 1 + max(self.level[at][member] for member in members))
        terms = self._both(1, node + self.outputs)
        self.odd ^= (
            1 << node + self.outputs if terms.bit_count() % 2 else self._both(0, node + self.inputs)
        )
        self.profile.append(node_profile(self._heights(_ones(terms)))[1])
        for at in range(2):
            self._raise(at, node, 1)
            self._fresh(at, node + (self.inputs, self.outputs)[at])

    def _fresh(self, side: int, line: int) -> None:
        """Offer the best pairs that contain a new line."""
        if self.level[side][line] >= self.depth:
            return
        found = []
        for other in range(len(self.positive[side])):
            if other != line:
                for sign in (1, -1):
                    count = self._agreeing(side, other, line, sign)
                    if count > 1:
                        found.append((-count, other, -sign))
        most = min(_FRESH, max(_FRESH // 6, _RENEWED // len(self.positive[side])))
        for _, other, turned in sorted(found)[:most]:
            self._offer(side, min(other, line), max(other, line), -turned)
