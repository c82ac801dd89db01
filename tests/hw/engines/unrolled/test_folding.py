import re

import numpy as np
import pytest

from tests.targets import GENERIC
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Convolution, Dense, Network, TensorType
from tritforge.hw.engines.unrolled.folding import UnrolledFolding
from tritforge.hw.layers.line_window import LineBufferUnit
from tritforge.hw.pipeline.plan import plan


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"iterations": 0}, ValueError, "iterations must be positive, not 0"),
        ({"depth": -1}, ValueError, "depth must not be negative, not -1"),
        ({"seed": 0.5}, TypeError, "seed must be an int, not 0.5"),
        ({"rows_per_stage": 0}, ValueError, "rows_per_stage must be positive, not 0"),
        ({"registers": 0}, ValueError, "registers must be positive, not 0"),
        ({"registers": 0.5}, TypeError, "registers must be an int or None, not 0.5"),
        ({"rows_per_stage": True}, TypeError, "rows_per_stage must be an int or None, not True"),
    ],
)
def test_arguments(values, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        UnrolledFolding(**values)


def test_options_are_plain_values():
    assert UnrolledFolding(depth=2).options == {"depth": 2}


@pytest.mark.parametrize("padding", [(0, 0), (1, 1)])
def test_a_convolution_gets_its_windows_whole(padding):
    planes = np.random.default_rng(0).integers(-1, 2, (1, 3, 2, 3, 3)).astype(np.int8)
    node = Convolution(name="conv", input="input", planes=planes, padding=padding)
    network = Network("windows", TensorType(5, 5, 2, DataType.parse("s4")), (node,))
    (stage,) = plan(network, {"conv": UnrolledFolding(iterations=1)}, GENERIC).stages
    assert type(stage.units[0]) is LineBufferUnit
    assert [unit.o.lanes for unit in stage.units] == [18, 3, 3]
    assert stage.units[-2].interval_cycles == stage.units[-2].vectors


def test_planes_with_coefficients():
    planes = np.array([[[1, -1, 0]], [[1, 0, -1]]], np.int8)
    node = Dense(name="fc", input="input", planes=planes, coefficients=(5, 3))
    network = Network("planes", TensorType(1, 1, 3, DataType.parse("u2")), (node,))
    (stage,) = plan(network, {"fc": UnrolledFolding(iterations=1)}, GENERIC).stages
    assert stage.units[-2].graph.matrix().tolist() == [[8, -5, -3]]
