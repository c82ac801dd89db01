"""What the engine `unrolled` costs."""

from types import SimpleNamespace

import numpy as np
from amaranth.hdl import Fragment

from tests.hw.engines.unrolled.test_engine import unit_of
from tests.targets import ECP5, XC7
from tritforge.hw.cost.registry import cost
from tritforge.hw.engines.unrolled.cost import _operators
from tritforge.hw.matrix.compressor import Bit
from tritforge.hw.stream.rom import RomFiles
from tritforge.hw.targets.cost import Cost
from tritforge.hw.targets.ecp5.family import Ecp5
from tritforge.hw.targets.ecp5.luts import row_luts


class Counted(Ecp5):
    """Without what is calibrated."""

    def logic(self, component, **features):
        return Cost()


def test_rows_of_the_ecp5_are_the_cells_that_are_placed():
    """Ternary rows alone; a carry that is 0 has no flip-flop, but in the 7 series behind a
    CARRY4."""
    weights = np.random.default_rng(0).integers(-1, 2, size=(1, 12, 16))
    unit = unit_of(weights, "u4", 1, rows_per_stage=1)
    fragment = Fragment.get(unit.component(), RomFiles(ECP5))
    cells = [cell.type for cell, *_ in fragment.subfragments]
    found = cost(unit, Counted())
    assert found.carry == cells.count("CCU2C") > 0
    rows = [row.shape for row in unit.wiring.rows if len(row.shape.taken) > 1]
    joined = sum(row_luts(shape.taken, shape.top)[0] for shape in rows)  # carries, by gates
    assert found.lut == 2 * cells.count("CCU2C") + cells.count("LUT4") + joined
    assert unit.wiring.idle_flip_flops > 0
    assert found.ff == cost(unit, XC7).ff - unit.wiring.idle_flip_flops


def test_operators_are_counted_by_the_bits_of_each_column():
    """Rows of three numbers in four columns and in two, of two numbers in five and in three."""
    shapes = [(4, 3, 2, 1), (3, 3), (2, 2, 2, 1, 1), (1, 2, 2)]
    rows = [
        SimpleNamespace(operands=[[Bit(0, inverted=True)] * size for size in sizes])
        for sizes in shapes
    ]
    assert _operators(rows) == {
        "full": 2 + 2, "half": 1, "four": 1, "inverted": 10 + 6 + 8 + 5,
        "chain": 4, "narrow": 2, "long": 6, "short": 3,
    }  # fmt: skip
    assert set(_operators(()).values()) == {0}
