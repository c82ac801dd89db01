"""Rows of operators and of cells against plain integers, over every input of small rows."""

import itertools

import pytest
from amaranth import *
from amaranth.hdl import Fragment
from amaranth.sim import Simulator

from tests.hw.unit_bench import PLATFORMS
from tests.targets import ECP5, GENERIC, XC7
from tritforge.hw.matrix.bit_heap import saves
from tritforge.hw.stream.rom import RomFiles
from tritforge.hw.targets.asic.family import Asic
from tritforge.hw.targets.ecp5.cells import Ecp5Cells
from tritforge.hw.targets.operators import Operators
from tritforge.hw.targets.rows import rows
from tritforge.hw.targets.target import Modelled
from tritforge.hw.targets.xc7.cells import SevenSeries


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
        (None, Operators),
        (RomFiles(GENERIC), Operators),
        (RomFiles(Asic()), Operators),
        (RomFiles(XC7), SevenSeries),
        (RomFiles(ECP5), Ecp5Cells),
        (Modelled(XC7), SevenSeries),
        (Modelled(ECP5), Ecp5Cells),
    ],
)
def test_the_platform_chooses(platform, kind):
    assert type(rows(None, platform)) is kind


@PLATFORMS
def test_two_products(platform):
    x, y, x_code, y_code = Signal(2), Signal(2), Signal(2), Signal(2)
    found = evaluate(
        lambda row: row.products("row", [(x, x_code), (y, y_code)]),
        (x, y, x_code, y_code),
        platform,
    )
    assert len(found) == 256

    def product(value, code):
        return (value ^ (3 if code & 2 else 0)) if code & 1 else 0

    for x_is, y_is, x_trit, y_trit, total in found:
        if 0b10 not in (x_trit, y_trit):  # no trit
            assert total == product(x_is, x_trit) + product(y_is, y_trit)


@PLATFORMS
@pytest.mark.parametrize(
    "widths",
    [(1, 1), (2, 3), (3, 2), (4, 4), (1, 1, 1), (3, 3, 3), (4, 3, 2), (2, 3, 4), (1, 4, 1)],
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


@PLATFORMS
@pytest.mark.parametrize("widths", [(1, 1), (2, 2), (3, 4), (4, 3), (5, 5), (1, 3)])
def test_comparisons(widths, platform):
    value, bound = (Signal(bits, name=f"number_{number}") for number, bits in enumerate(widths))
    found = evaluate(lambda row: row.at_least("row", value, bound), (value, bound), platform)
    assert len(found) == 1 << sum(widths)
    for value_is, bound_is, above in found:
        assert above == (value_is >= bound_is)


@PLATFORMS
@pytest.mark.parametrize("bits", [1, 2, 3, 5])
@pytest.mark.parametrize("signed", [False, True])
def test_the_larger_one(bits, signed, platform):
    if signed and bits == 1:
        return
    left, right = (Signal(Shape(bits, signed), name=name) for name in ("left", "right"))
    first = Signal()

    def number(value):
        return value - (value >> bits - 1 << bits) * signed

    def build(row):
        return Cat(
            row.no_less("no_less", left, right),
            row.no_less("given", left, right, first),
            row.larger("larger", left, right),
            row.running_larger("running", left, right, first),
        )

    for a, b, new, found in evaluate(build, (left, right, first), platform):
        larger = max(a, b, key=number)
        assert found & 3 == (number(a) >= number(b)) + 2 * (new and number(a) >= number(b))
        assert found >> 2 == larger + ((b if new else larger) << bits)


@PLATFORMS
@pytest.mark.parametrize("top", [False, True])
@pytest.mark.parametrize(
    "sizes", [(2,), (3,), (4,), (1, 2), (3, 1), (2, 3), (4, 2), (3, 3), (2, 1, 3), (4, 2, 2)]
)
def test_rows_of_a_heap(sizes, top, platform):
    """A row that ends at the top counts modulo, and what another leaves above weighs as much as it
    must."""
    columns = [[Signal(name=f"bit_{at}_{n}") for n in range(size)] for at, size in enumerate(sizes)]
    inverted = [[(at + n) % 3 == 1 for n in range(size)] for at, size in enumerate(sizes)]

    def build(row):
        taken = [list(zip(*column, strict=True)) for column in zip(columns, inverted, strict=True)]
        sums, save, carry = row.ternary_row("row", taken, top=top)
        assert len(sums) == len(sizes)
        assert (carry is None) == top
        kept = [] if carry is None else [carry]
        # a caller that plans no carry-save reads none
        return Cat(*sums, *kept, *([save] if save is not None and saves(sizes)[-1] else []))

    flat = [bit for column in columns for bit in column]
    flags = [flag for column in inverted for flag in column]
    weights = [1 << at for at, size in enumerate(sizes) for _ in range(size)]
    width = len(sizes)
    for *values, found in evaluate(build, flat, platform):
        total = sum(w * (v ^ flag) for w, v, flag in zip(weights, values, flags, strict=True))
        above = sum(found >> width + at & 1 for at in range(2))
        assert found % (1 << width) + (above << width) == (total % (1 << width) if top else total)


@PLATFORMS
def test_rows_one_behind_the_other(platform):
    """Sums, products and comparisons of one module, whose carry chains may be one: none disturbs
    another."""
    a, b, c = Signal(3), Signal(3), Signal(3)

    def build(row):
        total = row.add("sum", [a, b], 4)
        return Cat(
            total,
            row.at_least("reaches", Cat(a, b), Cat(b, c)),
            row.add("low", [a, c], 2),
            row.add("three", [a, b, c], 5),
            row.add("accumulated", [total], 4, so_far=Cat(c, 0), clear=a[0]),
        )

    for x, y, z, found in evaluate(build, (a, b, c), platform):
        parts = [(x + y, 4), (x + 8 * y >= y + 8 * z, 1), ((x + z) % 4, 2), (x + y + z, 5)]
        parts.append(((x + y + (0 if x & 1 else z)) % 16, 4))
        expected, at = 0, 0
        for value, width in parts:
            expected, at = expected | value << at, at + width
        assert found == expected
