import numpy as np
import pytest

from tests.hw.unit_bench import PLATFORMS, check, tensor
from tritforge.export.ir.datatype import DataType
from tritforge.hw.engines.planes_parallel import ParallelPlanesUnit, combined
from tritforge.hw.engines.planes_serial import SerialPlanesUnit
from tritforge.sim.stimulus import pack_beats


@PLATFORMS
@pytest.mark.parametrize("coefficients", [(1,), (13, 6), (1, 255, 8)])
def test_totals(coefficients, platform):
    source = DataType.parse("u4")
    target = DataType.from_range(0, 15 * sum(coefficients))
    unit = ParallelPlanesUnit(
        name="combine", source=source, target=target, lanes=2, coefficients=coefficients, totals=5
    )
    sums = tensor(source, (2, 5, len(coefficients), 2))
    sums[0, 0] = source.maximum  # every plane at its largest: the total fits exactly
    totals = np.einsum("ntjl,j->ntl", sums, np.array(coefficients))[:, :, None]
    check(
        unit,
        pack_beats(sums, source, 2),
        pack_beats(totals, target, 2),
        frames=2,
        platform=platform,
    )


def test_a_digit_a_cycle_where_that_saves_additions_and_no_rate():
    def chosen(steps, coefficients):
        dtypes = {"source": DataType.parse("u4"), "target": DataType.parse("u12")}
        return type(
            combined(np.array(steps), coefficients=coefficients, lanes=2, totals=5, **dtypes)
        )

    assert chosen([[2, 2]], (5, 3)) is SerialPlanesUnit
    assert chosen([[2, 1]], (5, 3)) is ParallelPlanesUnit  # two digits in one cycle
    assert chosen([[9, 9]], (8, 1)) is ParallelPlanesUnit  # nothing to save
    assert chosen([[2, 1], [30, 31]], (5, 3)) is SerialPlanesUnit  # a cycle of 64 is lost,
    assert chosen([[2, 1], [30, 30]], (5, 3)) is ParallelPlanesUnit  # of 63
