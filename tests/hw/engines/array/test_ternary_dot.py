"""Lanes of ternary inputs: cells and operators give the sums, in fewer LUTs than lanes of two
bits."""

import itertools
import random

import pytest

from tests.hw.engines.array.test_dot import PLATFORMS, cells, totals
from tritforge.export.ir.datatype import TERNARY, DataType
from tritforge.hw.engines.array.dot import DotShape
from tritforge.hw.engines.array.ternary_dot import TernaryShape, dot_shape

TRITS = {0b00: 0, 0b01: 1, 0b11: -1}


def expected(shape, point):
    values, codes, so_far, clear = point
    terms = [
        1 + TRITS[value] * TRITS[code] if code else 0
        for value, code in zip(values, codes, strict=True)
    ]
    return (sum(terms) + (0 if clear else so_far)) % (1 << shape.width)


@PLATFORMS
@pytest.mark.parametrize(("simd", "width"), [(1, 2), (2, 3)])
def test_every_input(simd, width, platform):
    shape = TernaryShape(simd, width)
    points = list(
        itertools.product(
            itertools.product(TRITS, repeat=simd),
            itertools.product(TRITS, repeat=simd),
            range(1 << width),
            (0, 1),
        )
    )
    assert totals(shape, platform, points) == [expected(shape, point) for point in points]


@PLATFORMS
@pytest.mark.parametrize("simd", [*range(3, 14), 18, 32])
def test_every_heap(simd, platform):
    chance = random.Random(simd)
    for width in (1, 4, 11):
        shape = TernaryShape(simd, width)
        points = [
            (
                chance.choices(list(TRITS), k=simd),
                chance.choices(list(TRITS), k=simd),
                chance.randrange(1 << width),
                chance.randrange(2),
            )
            for _ in range(20)
        ]
        points += [([code] * simd, [code] * simd, (1 << width) - 1, 0) for code in TRITS]
        assert totals(shape, platform, points) == [expected(shape, point) for point in points]


def test_it_is_cheaper_than_two_bits():
    """32 lanes of 1,152 columns: the sum of a ternary row needs one bit less, too."""
    assert cells(TernaryShape(32, 11)) <= 63 < 72 <= cells(DotShape(32, 2, 12))


def test_the_type_decides():
    assert dot_shape(8, TERNARY, 6) == TernaryShape(8, 6)
    assert dot_shape(8, DataType.parse("s2"), 6) == DotShape(8, 2, 6)
