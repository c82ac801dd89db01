"""Rows of cells against plain integers, over every input of small rows."""

import itertools

import pytest
from amaranth import *
from amaranth.hdl import Fragment
from amaranth.sim import Simulator

from hw.arithmetic import Generic, rows
from hw.rom import RomFiles
from hw.seven_series import Modelled, Primitives, SevenSeries
from tests.hw.pipeline import PLATFORMS


def evaluate(build, inputs, platform):
    """Value of ``build(rows)`` for every combination of values of the signals ``inputs``."""
    module, result = Module(), Signal(16)
    module.d.comb += result.eq(build(rows(module, platform)))
    values = []

    async def bench(ctx):
        for point in itertools.product(*(range(1 << len(signal)) for signal in inputs)):
            for signal, value in zip(inputs, point, strict=True):
                ctx.set(signal, value)
            values.append((*point, ctx.get(result)))

    simulator = Simulator(Fragment.get(module, platform))
    simulator.add_testbench(bench)
    simulator.run()
    return values


@pytest.mark.parametrize(
    ("platform", "kind"),
    [
        (None, Generic),
        (RomFiles(), Generic),
        (RomFiles(Primitives.GENERIC), Generic),
        (RomFiles(Primitives.XILINX7), SevenSeries),
        (Modelled(), SevenSeries),
    ],
)
def test_the_platform_chooses(platform, kind):
    assert type(rows(None, platform)) is kind


@PLATFORMS
def test_two_products(platform):
    x, y, x_code, y_code = Signal(2), Signal(2), Signal(2), Signal(2)
    found = evaluate(
        lambda row: row.products("row", [(x, x_code), (y, y_code)]), (x, y, x_code, y_code), platform
    )
    assert len(found) == 256

    def product(value, code):
        return (value ^ (3 if code & 2 else 0)) if code & 1 else 0

    for x_is, y_is, x_trit, y_trit, total in found:
        if 0b10 not in (x_trit, y_trit):  # no trit
            assert total == product(x_is, x_trit) + product(y_is, y_trit)


@PLATFORMS
@pytest.mark.parametrize(
    "widths", [(1, 1), (2, 3), (3, 2), (4, 4), (1, 1, 1), (3, 3, 3), (4, 3, 2), (2, 3, 4), (1, 4, 1)]
)
@pytest.mark.parametrize("width", [2, 4, 6])
def test_sums(widths, width, platform):
    terms = [Signal(bits, name=f"term_{number}") for number, bits in enumerate(widths)]
    for *values, total in evaluate(lambda row: row.add("row", terms, width), terms, platform):
        assert total == sum(values) % (1 << width)


@PLATFORMS
@pytest.mark.parametrize("widths", [(1,), (3,), (1, 1), (3, 2), (2, 3), (1, 4)])
@pytest.mark.parametrize("width", [2, 4])
def test_accumulation(widths, width, platform):
    terms = [Signal(bits, name=f"term_{number}") for number, bits in enumerate(widths)]
    so_far, clear = Signal(width), Signal()
    found = evaluate(
        lambda row: row.add("row", terms, width, so_far=so_far, clear=clear),
        (*terms, so_far, clear),
        platform,
    )
    for *values, before, cleared, total in found:
        assert total == (sum(values) + (0 if cleared else before)) % (1 << width)


def test_a_bit_costs_one_lut():
    """Two products of 8 bits: 8 LUT6_2 and 2 CARRY4; a sum of three of 9 bits: one LUT more than bits."""

    def cells(build):
        module = Module()
        build(SevenSeries(module, RomFiles(Primitives.XILINX7)))
        return [cell.type for cell, *_ in Fragment.get(module, None).subfragments]

    lane = (Signal(8), Signal(2))
    assert sorted(cells(lambda row: row.products("row", [lane, lane]))) == ["CARRY4"] * 2 + ["LUT6_2"] * 8
    nines = [Signal(9)] * 3
    assert sorted(cells(lambda row: row.add("row", nines, 11))) == ["CARRY4"] * 3 + ["LUT6_2"] * 10
    assert sorted(cells(lambda row: row.add("row", nines[:2], 10))) == ["CARRY4"] * 3 + ["LUT6_2"] * 9


@PLATFORMS
@pytest.mark.parametrize("widths", [(1, 1), (2, 2), (3, 4), (4, 3), (5, 5), (1, 3)])
def test_comparisons(widths, platform):
    value, bound = (Signal(bits, name=f"number_{number}") for number, bits in enumerate(widths))
    found = evaluate(lambda row: row.at_least("row", value, bound), (value, bound), platform)
    assert len(found) == 1 << sum(widths)
    for value_is, bound_is, above in found:
        assert above == (value_is >= bound_is)


def test_two_bits_of_a_comparison_cost_one_lut():
    module = Module()
    SevenSeries(module, RomFiles(Primitives.XILINX7)).at_least("row", Signal(16), Signal(16))
    cells = [cell.type for cell, *_ in Fragment.get(module, None).subfragments]
    assert sorted(cells) == ["CARRY4"] * 2 + ["LUT6_2"] * 8
