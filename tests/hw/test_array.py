import numpy as np
import pytest

from export.correction import Sums
from export.datatype import DataType
from export.ir import Dense
from export.packing import Packing
from hw.array import Array
from sim.stimulus import pack_beats
from tests.hw.pipeline import check, tensor


@pytest.mark.parametrize("packing", list(Packing))
@pytest.mark.parametrize("dtype", ["u1", "u2", "s3", "u8"])
@pytest.mark.parametrize(("pe", "simd"), [(1, 1), (6, 1), (1, 4), (2, 2), (3, 4), (6, 4)])
def test_sums_of_every_folding(pe, simd, dtype, packing):
    source = DataType.parse(dtype)
    weights = np.random.default_rng(0).integers(-1, 2, size=(6, 4)).astype(np.int8)
    weights[1], weights[2], weights[3] = 0, 1, -1  # rows at the ends of the accumulator's range
    node = Dense(name="layer", input="input", planes=weights[None])
    unit = Array(name="array", node=node, source=source, vectors=3, pe=pe, simd=simd, packing=packing)
    vectors = tensor(source, (2, 1, 3, 4))
    vectors[0, 0, 0], vectors[0, 0, 1] = source.minimum, source.maximum
    sums = vectors @ weights.T.astype(np.int64) + Sums.of(weights, source).corrections
    assert sums.min() >= 0
    assert (sums <= Sums.of(weights, source).largest).all()
    check(unit, pack_beats(vectors, source, simd), pack_beats(sums, unit.o.dtype, pe), frames=2)


def test_interval_is_the_product_of_the_foldings():
    node = Dense(name="layer", input="input", planes=np.ones((1, 6, 4), dtype=np.int8))
    unit = Array(
        name="array",
        node=node,
        source=DataType.parse("u2"),
        vectors=5,
        pe=2,
        simd=1,
        packing=Packing.TWO_BIT,
    )
    assert unit.interval_cycles == 5 * (6 // 2) * (4 // 1)
