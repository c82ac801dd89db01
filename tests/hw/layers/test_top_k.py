import numpy as np
import pytest

from tests.hw.unit_bench import PLATFORMS, check
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.pools import TopK
from tritforge.hw.layers.top_k import TopKSorterUnit
from tritforge.sim.reference import evaluate
from tritforge.sim.stimulus import pack_beats


@PLATFORMS
@pytest.mark.parametrize("text", ["u2", "s3", "s5"])
@pytest.mark.parametrize(("elements", "k"), [(5, 1), (5, 2), (5, 5), (1, 1), (9, 4)])
def test_best_of_each_vector(text, elements, k, platform):
    dtype = DataType.parse(text)
    scores = np.random.default_rng(k).integers(
        dtype.minimum, dtype.maximum + 1, (8, 1, 1, elements)
    )
    scores[0] = dtype.minimum  # all equal
    unit = TopKSorterUnit(name="best", dtype=dtype, elements=elements, k=k)
    expected = evaluate(TopK(name="t", input="x", k=k), scores)
    check(
        unit,
        pack_beats(scores, dtype, 1),
        pack_beats(expected, unit.o.dtype, k),
        frames=8,
        platform=platform,
    )
