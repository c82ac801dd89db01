"""Rows of a heap: they take no more bits than there are, keep the sum, and end with one number."""

import random

import pytest

from tritforge.hw.matrix.bit_heap import RowKind, compress, estimate

_HIGH = {6: 0, 5: 0, 4: 1, 3: 1, 2: 2, 1: 2, 0: 2}


def replay(heights, width, limit):
    """Heights after the rows, each row checked against what its cells can do."""
    heap, later, stage, _depths = [*heights, *[0] * 40], [0] * 80, 0, 0
    for row in compress(tuple(heights), width, limit):
        if row.stage > stage:
            assert row.stage == stage + 1
            heap = [a + b for a, b in zip(heap, later, strict=False)]
            later, stage = [0] * 80, row.stage
        if row.kind is RowKind.ATOMS:
            for low, high in zip(row.taken[0::2], (*row.taken[1::2], 0), strict=False):
                assert high <= _HIGH[low]
            assert len(row.taken) % 2 == 0 or row.top
        else:
            tops = len(row.taken) - 1 if row.top else None
            for at, count in enumerate(row.taken):
                assert count <= (5 if at == tops else 4 if at == 0 else 3)
        assert row.top == (row.column + len(row.taken) == width)
        for at, count in enumerate(row.taken, start=row.column):
            heap[at] -= count
            assert heap[at] >= 0
        target = later if row.kind is RowKind.TERNARY else heap
        for at, count in enumerate(row.left, start=row.column):
            target[at] += count
    heap = [a + b for a, b in zip(heap, later, strict=False)]
    return heap if width is None else heap[:width]


@pytest.mark.parametrize("limit", [None, 1, 2, 3])
@pytest.mark.parametrize("seed", range(12))
def test_every_heap_becomes_one_number(seed, limit):
    chance = random.Random(seed)
    heights = [chance.randint(0, chance.choice((3, 9, 30))) for _ in range(chance.randint(1, 9))]
    width = max(1, sum(count << at for at, count in enumerate(heights)).bit_length() - seed % 2)
    heights = (heights + [0] * width)[:width]
    assert max(replay(heights, width, limit)) <= 1


@pytest.mark.parametrize("limit", [None, 1, 2])
@pytest.mark.parametrize("height", range(1, 12))
def test_a_node_is_left_redundant_but_low(height, limit):
    left = replay((height,) * 8, None, limit)
    assert sum(left) <= sum((height,) * 8)
    assert max(left) <= 3


def test_two_bits_a_lut():
    for terms in (12, 26, 60):
        width = (terms * 255).bit_length()
        heights = (terms,) * 8 + (0,) * (width - 8)
        luts = sum(row.luts for row in compress(heights, width, None))
        assert (8 * terms - width) / 2 <= luts <= 0.62 * 8 * terms
        assert estimate(heights, width) >= luts


def test_cuts_are_chosen_for_few_luts():
    """Five bits a column: a ternary row before the last one leaves three bits for it, and no atoms
    do."""
    five = (5,) * 8 + (0,) * 3
    rows = compress(five, 11)
    assert [(row.kind, row.stage) for row in rows] == [(RowKind.TERNARY, 0), (RowKind.TERNARY, 1)]
    assert sum(row.luts for row in rows) == 19 == estimate(five, 11)


def test_a_limit_costs_luts():
    def luts(limit):
        heaps = ((height,) * 8 + (0,) * 5 for height in (5, 6, 9, 12, 14, 26))
        return sum(row.luts for heap in heaps for row in compress(heap, 13, limit))

    assert luts(None) < min(luts(2), luts(1))


def test_every_limit_is_kept():
    for limit in (1, 2, 3):
        rows = compress((26,) * 8 + (0,) * 5, 13, limit)
        for stage in range(rows[-1].stage + 1):
            atoms = sum(row.kind is RowKind.ATOMS for row in rows if row.stage == stage)
            assert limit > 1 or not atoms


def test_cuts_that_cost_flip_flops_are_left_out():
    """Two of them save four LUTs of 58 here, for more than a hundred bits in registers."""
    twelve = (12,) * 8 + (0,) * 4
    free, priced = compress(twelve, 12), compress(twelve, 12, None, 8)
    assert [rows[-1].stage for rows in (free, priced)] == [2, 0]
    assert [sum(row.luts for row in rows) for rows in (free, priced)] == [54, 58]
