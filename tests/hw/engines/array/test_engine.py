import numpy as np
import pytest

from tests.hw.unit_bench import check, planned, run, tensor
from tests.targets import XC7
from tritforge.export.artifacts.packing import Packing
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Convolution, Dense
from tritforge.hw.engines.array.engine import MacArrayUnit
from tritforge.hw.matrix.offset_binary import Sums
from tritforge.hw.targets.target import Modelled
from tritforge.sim.stimulus import pack_beats


@pytest.mark.parametrize("packing", list(Packing))
@pytest.mark.parametrize("dtype", ["u1", "u2", "s3", "u8"])
@pytest.mark.parametrize(("pe", "simd"), [(1, 1), (6, 1), (1, 4), (2, 2), (3, 4), (6, 4)])
def test_sums_of_every_folding(pe, simd, dtype, packing):
    source = DataType.parse(dtype)
    weights = np.random.default_rng(0).integers(-1, 2, size=(6, 4)).astype(np.int8)
    weights[1], weights[2], weights[3] = 0, 1, -1  # rows at the ends of the accumulator's range
    node = Dense(name="layer", input="input", planes=weights[None])
    unit = MacArrayUnit(
        name="array", node=node, source=source, vectors=3, pe=pe, simd=simd, packing=packing
    )
    vectors = tensor(source, (2, 1, 3, 4))
    vectors[0, 0, 0], vectors[0, 0, 1] = source.minimum, source.maximum
    sums = vectors @ weights.T.astype(np.int64) + Sums.of(weights, source).corrections
    assert sums.min() >= 0
    assert (sums <= Sums.of(weights, source).largest).all()
    check(unit, pack_beats(vectors, source, simd), pack_beats(sums, unit.o.dtype, pe), frames=2)


@pytest.mark.parametrize("platform", [None, Modelled(XC7)], ids=["generic", "xilinx7"])
@pytest.mark.parametrize("signed", [False, True], ids=["u", "s"])
@pytest.mark.parametrize("bits", range(1, 17))
def test_inputs_of_every_width(bits, signed, platform):
    source = DataType(bits, signed=signed)
    weights = np.array([[1, -1, 0], [-1, -1, -1]], dtype=np.int8)
    node = Dense(name="layer", input="input", planes=weights[None])
    unit = MacArrayUnit(
        name="array", node=node, source=source, vectors=3, pe=2, simd=3, packing=Packing.TWO_BIT
    )
    vectors = tensor(source, (1, 1, 3, 3))
    vectors[0, 0, 1] = source.minimum
    sums = vectors @ weights.T.astype(np.int64) + Sums.of(weights, source).corrections
    payloads, cycles = run(unit, pack_beats(vectors, source, 3), 1, platform=platform)
    assert payloads == pack_beats(sums, unit.o.dtype, 2)
    assert cycles == planned(unit, 1)


@pytest.mark.parametrize(
    ("groups", "rows", "inputs", "kernel", "pe", "simd"),
    [
        (4, 1, 1, 3, 4, 9),
        (4, 1, 1, 3, 2, 3),
        (6, 1, 1, 3, 1, 1),
        (2, 3, 2, 2, 6, 4),
        (2, 2, 4, 1, 1, 2),
    ],
)
def test_groups_multiply_no_zeros(groups, rows, inputs, kernel, pe, simd):
    """The closed form: outputs / pe times the columns of one group / simd."""
    planes = np.ones((1, groups * rows, inputs, kernel, kernel), dtype=np.int8)
    node = Convolution(name="layer", input="input", planes=planes, groups=groups)
    unit = MacArrayUnit(
        name="array",
        node=node,
        source=DataType.parse("u2"),
        vectors=5,
        pe=pe,
        simd=simd,
        packing=Packing.TWO_BIT,
    )
    assert unit.interval_cycles == 5 * (groups * rows // pe) * (inputs * kernel**2 // simd)
    assert unit.rom.depth * 5 == unit.interval_cycles


def test_rows_take_the_elements_of_their_group():
    planes = np.random.default_rng(0).integers(-1, 2, size=(1, 6, 2, 1, 1)).astype(np.int8)
    node = Convolution(name="layer", input="input", planes=planes, groups=3)
    source = DataType.parse("s3")
    unit = MacArrayUnit(
        name="array", node=node, source=source, vectors=4, pe=6, simd=2, packing=Packing.TWO_BIT
    )
    vectors = tensor(source, (1, 1, 4, 6))
    (block,) = node.block_matrices().astype(np.int64)
    sums = vectors @ block.T + Sums.of(node.plane_matrices(), source).corrections
    payloads, cycles = run(unit, pack_beats(vectors, source, 6), 1)
    assert payloads == pack_beats(sums, unit.o.dtype, 6)
    assert cycles == planned(unit, 1)


def test_interval_is_the_product_of_the_foldings():
    node = Dense(name="layer", input="input", planes=np.ones((1, 6, 4), dtype=np.int8))
    unit = MacArrayUnit(
        name="array",
        node=node,
        source=DataType.parse("u2"),
        vectors=5,
        pe=2,
        simd=1,
        packing=Packing.TWO_BIT,
    )
    assert unit.interval_cycles == 5 * (6 // 2) * (4 // 1)
