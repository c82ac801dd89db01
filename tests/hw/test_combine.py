import numpy as np
import pytest

from export.datatype import DataType
from hw.combine import Combine
from sim.stimulus import pack_beats
from tests.hw.pipeline import check, tensor


@pytest.mark.parametrize("coefficients", [(1,), (13, 6), (1, 255, 8)])
def test_totals(coefficients):
    source = DataType.parse("u4")
    target = DataType.from_range(0, 15 * sum(coefficients))
    unit = Combine(name="combine", source=source, target=target, lanes=2, coefficients=coefficients, totals=5)
    sums = tensor(source, (2, 5, len(coefficients), 2))
    sums[0, 0] = source.maximum  # every plane at its largest: the total fits exactly
    totals = np.einsum("ntjl,j->ntl", sums, np.array(coefficients))[:, :, None]
    check(unit, pack_beats(sums, source, 2), pack_beats(totals, target, 2), frames=2)
