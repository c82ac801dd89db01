"""Rows of operators and rows of cells: the same integers in the same cycles."""

import itertools
import random

import pytest
from amaranth.hdl import ClockDomain, Fragment, Module
from amaranth.sim import Simulator

from tests.hw.unit_bench import PLATFORMS
from tests.targets import XC7
from tritforge.hw.engines.array.dot import Dot, DotShape
from tritforge.hw.stream.rom import RomFiles

CODES = {0b00: lambda u, top: 0, 0b01: lambda u, top: u, 0b11: lambda u, top: top - u}


def totals(shape, platform, points):
    """``total`` for each of ``points``, (values, codes, so_far, clear): held while it travels to
    the end."""
    dot, results = shape.component(), []

    async def bench(ctx):
        ctx.set(dot.steps, -1)
        for number in range(len(points) + shape.stages):
            if number < len(points):
                values, codes, _, _ = points[number]
                ctx.set(
                    dot.values, sum(value << shape.bits * lane for lane, value in enumerate(values))
                )
                ctx.set(dot.codes, sum(code << 2 * lane for lane, code in enumerate(codes)))
            if number >= shape.stages:
                ctx.set(dot.so_far, points[number - shape.stages][2])
                ctx.set(dot.clear, points[number - shape.stages][3])
                results.append(ctx.get(dot.total))
            await ctx.tick()

    module = Module()
    module.domains.sync = ClockDomain()  # a dot without registers has none
    module.submodules.dot = dot
    simulator = Simulator(Fragment.get(module, platform))
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return results


def expected(shape, point):
    values, codes, so_far, clear = point
    products = [
        CODES[code](value, (1 << shape.bits) - 1) for value, code in zip(values, codes, strict=True)
    ]
    return (sum(products) + (0 if clear else so_far)) % (1 << shape.width)


@PLATFORMS
@pytest.mark.parametrize(("simd", "bits", "width"), [(1, 2, 3), (2, 1, 3), (2, 2, 3), (3, 1, 2)])
def test_every_input(simd, bits, width, platform):
    shape = DotShape(simd, bits, width)
    points = list(
        itertools.product(
            itertools.product(range(1 << bits), repeat=simd),
            itertools.product(CODES, repeat=simd),
            range(1 << width),
            (0, 1),
        )
    )
    assert totals(shape, platform, points) == [expected(shape, point) for point in points]


@PLATFORMS
@pytest.mark.parametrize("simd", [*range(1, 15), 17, 22, 32])
@pytest.mark.parametrize("bits", [1, 3, 8])
def test_every_tree(simd, bits, platform):
    chance = random.Random(simd)
    for width in (bits + 1, bits + 6, 16):
        shape, top = DotShape(simd, bits, width), (1 << bits) - 1
        points = [
            (
                [chance.choice((0, top, chance.randint(0, top))) for _ in range(simd)],
                [chance.choice(list(CODES)) for _ in range(simd)],
                chance.randrange(1 << width),
                chance.randrange(2),
            )
            for _ in range(20)
        ]
        points += [([top] * simd, [0b01] * simd, so_far, 0) for so_far in (0, (1 << width) - 1)]
        points += [([0] * simd, [0b11] * simd, (1 << width) - 1, clear) for clear in (0, 1)]
        assert totals(shape, platform, points) == [expected(shape, point) for point in points]


@pytest.mark.parametrize("simd", range(1, 200))
def test_the_tree_ends_with_two_terms_by_rows_of_three(simd):
    shape = DotShape(simd, 8, 24)
    count, rows = (simd + 1) // 2, 0
    for groups in shape.levels:
        assert sum(groups) == count
        assert set(groups) <= {1, 2, 3}
        count, rows = len(groups), rows + sum(group > 1 for group in groups)
    assert count <= 2
    assert rows == max(0, ((simd + 1) // 2 - 1) // 2)
    assert shape.stages == (0 if simd == 1 else 1 + len(shape.levels))


def cells(shape, target=XC7, kind="LUT6_2"):
    """Cells of a kind of a row."""
    fragment = Fragment.get(shape.component(), RomFiles(target))
    return sum(cell.type == kind for cell, *_ in fragment.subfragments)


def test_a_single_product_costs_nothing_but_its_accumulator():
    assert cells(DotShape(1, 8, 20)) == 20
    assert cells(DotShape(2, 8, 20)) == 8 + 20


@PLATFORMS
def test_a_stage_that_does_not_step_holds_its_terms(platform):
    shape = DotShape(16, 2, 8)
    dot = Dot(shape)

    async def bench(ctx):
        ctx.set(dot.values, -1)
        ctx.set(dot.codes, sum(0b01 << 2 * lane for lane in range(16)))
        for stage in range(shape.stages):
            ctx.set(dot.steps, 1 << stage)
            await ctx.tick()
            ctx.set(dot.values, 0)
        ctx.set(dot.steps, 0)
        for _ in range(3):
            await ctx.tick()
            assert ctx.get(dot.total) == 16 * 3

    module = Module()
    module.domains.sync = ClockDomain()  # a dot without registers has none
    module.submodules.dot = dot
    simulator = Simulator(Fragment.get(module, platform))
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
