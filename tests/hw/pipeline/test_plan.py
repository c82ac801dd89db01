import re

import numpy as np
import pytest

from tests.export.networks import residual
from tests.hw.networks import FOLDINGS, RESIDUAL_FOLDINGS, U2, convolutional
from tests.targets import GENERIC
from tritforge.export.artifacts.packing import Packing
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Convolution, Dense, Flatten, Network, TensorType
from tritforge.export.ir.pools import MaxPool
from tritforge.export.ir.residual import Add
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.engines.layer import PlanError
from tritforge.hw.pipeline.plan import Fork, plan


def test_interval_is_at_least_that_of_the_slowest_unit():
    network = plan(convolutional(), FOLDINGS, GENERIC)
    assert network.interval_cycles >= max(stage.interval_cycles for stage in network.stages)
    assert network.frame_cycles[0] == network.latency_cycles


def test_one_image_for_every_constant():
    roms = [
        (image.stem, packing) for image, packing in plan(convolutional(), FOLDINGS, GENERIC).roms()
    ]
    two_bit = Packing.TWO_BIT  # shallow words
    assert roms == [
        ("conv1.weights", two_bit),
        ("conv1.thresholds", None),
        ("conv2.weights", two_bit),
        ("conv2.thresholds", None),
        ("classifier.weights", two_bit),
        ("classifier.bias", None),
    ]


def refuse(message, network=None, **foldings):
    with pytest.raises(PlanError, match=f"^{re.escape(message)}$"):
        plan(network or convolutional(), {**FOLDINGS, **foldings}, GENERIC)


def test_foldings_that_do_not_divide():
    refuse(
        "'conv1': pe must divide its 4 rows (1, 2, 4), not 3",
        conv1=ArrayFolding(pe=3, simd=2),
    )
    refuse(
        "'conv2': simd must divide its 16 columns (1, 2, 4, 8, 16), not 5",
        conv2=ArrayFolding(pe=1, simd=5),
    )
    refuse(
        "'conv1': simd must divide its 2 channels or be a multiple of them, not 9",
        conv1=ArrayFolding(pe=1, simd=9),
    )


@pytest.mark.parametrize(
    ("rows", "pe", "simd", "message"),
    [
        (6, 4, 2, "'conv': pe must divide the 6 rows of a group or be a multiple of them, not 4"),
        (
            2,
            4,
            1,
            "'conv': simd must be a multiple of its 2 channels of a group where pe exceeds the 2 "
            "rows of "
            "a group, not 1",
        ),
        (
            2,
            2,
            3,
            "'conv': simd must divide its 2 channels of a group or be a multiple of them, not 3",
        ),
    ],
)
def test_foldings_that_do_not_fit_the_groups(rows, pe, simd, message):
    planes = np.ones((1, 2 * rows, 2, 3, 3), np.int8)
    node = Convolution(name="conv", input="input", planes=planes, groups=2)
    network = Network("groups", TensorType(4, 4, 4, U2), (node,))
    with pytest.raises(PlanError, match=f"^{re.escape(message)}$"):
        plan(network, {"conv": ArrayFolding(pe=pe, simd=simd)}, GENERIC)


def test_layers_that_do_not_match():
    refuse(
        "hardware.layers names 'conv3', which is no layer with weights; those are: conv1, conv2, "
        "classifier",
        conv3=ArrayFolding(pe=1, simd=1),
    )
    with pytest.raises(
        PlanError, match=r"^hardware.layers has no entry for 'conv1'; give its engine and folding$"
    ):
        plan(convolutional(), {}, GENERIC)


def test_a_layer_named_by_a_word_of_verilog():
    node = Dense(name="output", input="input", planes=np.ones((1, 3, 4), np.int8))
    message = (
        "'output' is a word of Verilog and can name neither the network nor a layer; rename it"
    )
    with pytest.raises(PlanError, match=f"^{re.escape(message)}$"):
        plan(
            Network("words", TensorType(1, 1, 4, U2), (node,)),
            {"output": ArrayFolding(pe=1, simd=1)},
            GENERIC,
        )


def test_planes_are_added_behind_the_array():
    node = Dense(name="fc", input="input", planes=np.ones((2, 3, 4), np.int8), coefficients=(1, 3))
    network = Network("planes", TensorType(1, 1, 4, U2), (node,))
    (stage,) = plan(network, {"fc": ArrayFolding(pe=1, simd=1)}, GENERIC).stages
    assert [unit.name for unit in stage.units] == ["array", "planes", "bias"]


def test_a_result_that_nothing_reads():
    pool = MaxPool(name="pool", input="input", size=(2, 2))
    branch = Flatten(name="branch", input="input")
    message = "max_pool 'pool': nothing reads its result, and it is not the network's output"
    with pytest.raises(PlanError, match=f"^{re.escape(message)}$"):
        plan(Network("branching", TensorType(2, 2, 1, U2), (pool, branch)), {}, GENERIC)


def test_stages_of_a_residual_network():
    design = plan(residual(), RESIDUAL_FOLDINGS, GENERIC)
    assert {stage.name: [unit.name for unit in stage.all_units] for stage in design.stages} == {
        "conv": ["window", "array", "thresholds"],
        "body": ["window", "array", "search"],
        "skip": ["lanes", "shortcut"],
        "merge": ["fifo1", "lanes1", "add"],
        "merge_act": ["thresholds"],
        "pool": ["pool"],
        "sums": ["pool"],
        "dense": ["columns_split", "columns", "array", "bias"],
        "best": ["best"],
    }
    assert [stage.sources for stage in design.stages[1:4]] == [
        ("conv",),
        ("conv",),
        ("body", "skip"),
    ]
    assert design.forks == (Fork("conv_fork", "conv", (("body", 0), ("skip", 0))),)


def test_a_name_that_a_fork_would_bear():
    pool = MaxPool(name="input_fork", input="input", size=(1, 1))
    join = Add(name="merge", input="input", other="input_fork")
    design = plan(Network("forking", TensorType(2, 2, 1, U2), (pool, join)), {}, GENERIC)
    assert [fork.name for fork in design.forks] == ["input_fork_"]


def test_a_vector_network_without_thresholds_hands_out_scores():
    node = Dense(name="fc", input="input", planes=np.array([[[1, -1, 0], [-1, -1, -1]]], np.int8))
    network = Network("scores", TensorType(1, 1, 3, DataType.parse("s4")), (node,))
    (stage,) = plan(network, {"fc": ArrayFolding(pe=1, simd=3)}, GENERIC).stages
    assert [unit.name for unit in stage.units] == ["array", "bias"]
    assert stage.o.dtype == network.types["fc"].dtype
