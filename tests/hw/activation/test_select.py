"""The unit that is chosen for the codes of a layer."""

import re

import numpy as np
import pytest

from tests.targets import GENERIC
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Dense, Network, TensorType, Threshold
from tritforge.export.ir.requantize import Requantize
from tritforge.hw.activation.select import ActivationForm, activations
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.engines.layer import PlanError
from tritforge.hw.matrix.offset_binary import Sums
from tritforge.hw.pipeline.plan import plan
from tritforge.sim.reference import run

AUTO, PARALLEL, SEARCH, MULTIPLY = ActivationForm
U2 = DataType.parse("u2")


def dense(rows, bits, *, multiplied=False):
    """48 inputs of 2 bits, then codes of ``bits`` bits of which every one occurs."""
    rng = np.random.default_rng(0)
    node = Dense(
        name="fc", input="input", planes=rng.integers(-1, 2, size=(1, rows, 48)).astype(np.int8)
    )
    output = DataType(bits, signed=False)
    if multiplied:
        epilogue = Requantize(
            name="act",
            input="fc",
            multiplier=rng.integers(1, 1 << 15, size=rows),
            bias=rng.integers(-(1 << 17), 1 << 20, size=rows),
            shift=16,
            output=output,
        )
    else:
        values = np.sort(rng.integers(-40, 40, size=(rows, output.maximum)), axis=1)
        epilogue = Threshold(name="act", input="fc", thresholds=values, output=output)
    return Network("little", TensorType(1, 1, 48, U2), (node, epilogue))


def unit_of(network, **folding):
    (stage,) = plan(network, {"fc": ArrayFolding(**folding)}, GENERIC).stages
    return stage.units[-1]


@pytest.mark.parametrize(
    ("network", "folding", "name"),
    [
        (dense(32, 4), {"pe": 2, "simd": 12}, "search"),
        (dense(32, 4), {"pe": 2, "simd": 16}, "thresholds"),  # three cycles hide no four
        (dense(32, 1), {"pe": 2, "simd": 1}, "thresholds"),  # nothing to save
        (dense(32, 4), {"pe": 32, "simd": 12}, "search"),
        (dense(32, 8, multiplied=True), {"pe": 2, "simd": 2}, "requantize"),
        (dense(32, 8, multiplied=True), {"pe": 2, "simd": 6}, "search"),
        (dense(32, 8, multiplied=True), {"pe": 2, "simd": 48}, "thresholds"),
        (dense(32, 4), {"pe": 2, "simd": 12, "activation": PARALLEL}, "thresholds"),
        (dense(32, 4), {"pe": 2, "simd": 48, "activation": SEARCH}, "search"),
        (
            dense(32, 8, multiplied=True),
            {"pe": 2, "simd": 48, "activation": MULTIPLY},
            "requantize",
        ),
    ],
)
def test_the_cheapest_that_is_hidden_or_what_the_user_wants(network, folding, name):
    assert unit_of(network, **folding).name == name


@pytest.mark.parametrize(("bits", "multiplied"), [(4, False), (8, True)])
@pytest.mark.parametrize("simd", [1, 4, 12, 48])
def test_the_rate_is_that_of_the_array(simd, bits, multiplied):
    network = dense(32, bits, multiplied=multiplied)
    chosen = plan(network, {"fc": ArrayFolding(pe=2, simd=simd)}, GENERIC)
    parallel = plan(network, {"fc": ArrayFolding(pe=2, simd=simd, activation=PARALLEL)}, GENERIC)
    assert chosen.interval_cycles == parallel.interval_cycles == 16 * (48 // simd)


def test_a_layer_of_thresholds_has_no_multiplier():
    message = "'fc': activation 'multiply' is for requantize, not for threshold 'act'"
    with pytest.raises(PlanError, match=f"^{re.escape(message)}$"):
        unit_of(dense(4, 4), pe=2, simd=1, activation=MULTIPLY)


def test_every_form_holds_the_same_function():
    network = dense(8, 6, multiplied=True)
    node, epilogue = network.nodes
    inputs = np.random.default_rng(1).integers(0, 4, size=(50, 1, 1, 48))
    tensors = run(network, inputs)
    shape = {"pe": 2, "vectors": 1, "pixels": 1}
    common = {"layer": "fc", "source": DataType.parse("u8"), "target": epilogue.output, **shape}
    units = activations(
        epilogue,
        np.arange(8),
        node.row_bounds(U2),
        Sums.of(node.planes[0], U2),
        GENERIC,
        **common,
    )
    assert set(units) == {PARALLEL, SEARCH, MULTIPLY}
    sums = tensors["fc"].reshape(-1, 8) + (3 * (node.planes[0] < 0).sum(axis=1))
    codes = tensors["act"].reshape(-1, 8)
    np.testing.assert_array_equal((sums[..., None] >= units[SEARCH].values).sum(axis=-1), codes)
    multiplier, bias = units[MULTIPLY].values.T
    np.testing.assert_array_equal(
        np.clip((multiplier * sums + bias) >> epilogue.shift, 0, 63), codes
    )
