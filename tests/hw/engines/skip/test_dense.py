import numpy as np
import pytest

from tests.hw.engines.skip.test_engine import beats_in, engine, expected, weights
from tests.hw.unit_bench import check, planned, run, tensor
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Dense, TensorType


@pytest.mark.parametrize("dtype", ["u1", "u2", "s3", "u8"])
@pytest.mark.parametrize(
    ("planes", "pe", "entries", "banks", "outputs"),
    [(1, 1, 1, 1, 1), (1, 2, 2, 1, 6), (1, 3, 4, 4, 3), (1, 6, 2, 2, 6), (2, 2, 4, 2, 2)],
)
def test_dense(planes, pe, entries, banks, outputs, dtype):
    source = TensorType(1, 1, 8, DataType.parse(dtype))
    node = Dense(
        name="layer",
        input="input",
        planes=weights(1, (planes, 6, 8), 0.4),
        coefficients=(1,) * planes,
    )
    unit = engine(node, source, pe=pe, entries=entries, banks=banks, outputs=outputs)
    images = tensor(source.dtype, (3, 1, 1, 8))
    check(unit, beats_in(unit, images), expected(unit, images), frames=3)
    leaves = planned(unit, 4)[unit.frame_beats - 1 :: unit.frame_beats]
    assert leaves[3] - leaves[2] == unit.interval_cycles


@pytest.mark.parametrize(
    ("channels", "dtype", "pe", "entries", "banks", "planes"),
    [(65, "s3", 2, 2, 1, 1), (128, "u8", 1, 1, 1, 2), (132, "u2", 3, 4, 2, 1)],
)
def test_a_vector_arrives_while_one_is_executed(channels, dtype, pe, entries, banks, planes):
    source = TensorType(1, 1, channels, DataType.parse(dtype))
    for density in (0.02, 0.4):  # the input is slower, the execution is
        node = Dense(
            name="layer",
            input="input",
            planes=weights(5, (planes, 6, channels), density),
            coefficients=(1,) * planes,
        )
        unit = engine(node, source, pe=pe, entries=entries, banks=banks, outputs=6)
        assert unit.overlaps
        assert not unit.preamble
        images = tensor(source.dtype, (3, 1, 1, channels))
        check(unit, beats_in(unit, images), expected(unit, images), frames=3)
        leaves = planned(unit, 5)[unit.frame_beats - 1 :: unit.frame_beats]
        assert leaves[4] - leaves[3] == unit.interval_cycles


def test_no_input_is_overwritten_before_it_is_read():
    """A slow taker stops the last word of a vector between issue and reading; the next but one
    waits."""
    source = TensorType(1, 1, 65, DataType.parse("u8"))
    planes = np.zeros((1, 6, 65), np.int8)
    planes[0, :, 0] = 1
    unit = engine(
        Dense(name="layer", input="input", planes=planes),
        source,
        pe=1,
        entries=1,
        banks=1,
        outputs=6,
    )
    images = tensor(source.dtype, (4, 1, 1, 65))
    assert run(unit, beats_in(unit, images), 4, gap=40)[0] == expected(unit, images)
