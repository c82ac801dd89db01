import itertools

import numpy as np
import pytest
from amaranth.hdl import Fragment

from export.datatype import DataType
from export.ir import Dense
from export.sharing import Search
from hw.seven_series import Modelled
from hw.unrolled import Unrolled
from sim.stimulus import pack_beats
from tests.hw.pipeline import check, run, tensor


def unit_of(planes, source, vectors, coefficients=(1,), **options):
    node = Dense(name="layer", input="input", planes=np.asarray(planes, np.int8), coefficients=coefficients)
    return Unrolled(
        name="unrolled", node=node, source=DataType.parse(source), vectors=vectors, **options
    )


def expected(unit, vectors):
    sums = vectors @ unit.node.matrix().T + unit.wiring.corrections
    assert sums.min() >= 0
    assert (sums <= unit.wiring.largest).all()
    assert int(unit.wiring.largest.max()).bit_length() <= unit.wiring.width
    return sums


class OnPlatform:
    """A unit whose circuit is elaborated for a platform."""

    def __init__(self, unit, platform):
        self._unit, self._platform = unit, platform

    def __getattr__(self, name):
        return getattr(self._unit, name)

    def component(self):
        part = self._unit.component()
        elaborate = part.elaborate
        part.elaborate = lambda _: elaborate(self._platform)
        return part


PLATFORMS = pytest.mark.parametrize("platform", [None, Modelled()], ids=["generic", "xilinx7"])


@PLATFORMS
@pytest.mark.parametrize("rows_per_stage", [None, 1, 2])
@pytest.mark.parametrize("depth", [0, 1, None])
@pytest.mark.parametrize("source", ["u1", "u2", "s3", "u8", "s16"])
def test_sums_in_the_planned_cycle(source, depth, rows_per_stage, platform):
    weights = np.random.default_rng(0).integers(-1, 2, size=(6, 9)).astype(np.int8)
    weights[1], weights[2], weights[3] = 0, 1, -1
    weights[:, 4] = 0
    unit = unit_of(weights[None], source, 3, search=Search(iterations=2, depth=depth), rows_per_stage=rows_per_stage)
    vectors = tensor(unit.source, (2, 1, 3, 9))
    vectors[0, 0, 0], vectors[0, 0, 1] = unit.source.minimum, unit.source.maximum
    sums = expected(unit, vectors)
    check(OnPlatform(unit, platform), pack_beats(vectors, unit.source, 9), pack_beats(sums, unit.o.dtype, 6), frames=2)
