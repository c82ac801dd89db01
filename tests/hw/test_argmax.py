import numpy as np
import pytest

from export.datatype import DataType
from hw.argmax import Largest
from sim.stimulus import pack_beats
from tests.hw.pipeline import check


@pytest.mark.parametrize("dtype", [DataType.parse("s3"), DataType.parse("u1")], ids=str)
@pytest.mark.parametrize(("elements", "lanes"), [(1, 1), (10, 1), (10, 2), (10, 10), (9, 3), (7, 7)])
def test_lowest_index_of_the_largest(elements, lanes, dtype):
    generator = np.random.default_rng(elements)
    scores = generator.integers(
        dtype.minimum, dtype.maximum + 1, size=(40, 1, 1, elements)
    )  # ties are frequent
    scores[0] = dtype.minimum
    unit = Largest(name="largest", dtype=dtype, elements=elements, lanes=lanes)
    check(unit, pack_beats(scores, dtype, lanes), scores.argmax(axis=-1).ravel().tolist(), frames=40)
