"""What every engine promises: the integers of the reference, in the cycles of the plan, for any
layer."""

import dataclasses
import random
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import randoms

from tests.hw.networks import convolutional
from tests.hw.unit_bench import WholeStage, planned, run
from tests.targets import GENERIC, XC7
from tritforge.export.ir.datatype import TERNARY, DataType
from tritforge.export.ir.nodes import Bias, Convolution, Dense, Network, TensorType, Threshold
from tritforge.hw.cost.packing import PackingChoice
from tritforge.hw.engines import NAMES
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.engines.layer import PlanError
from tritforge.hw.engines.registry import ENGINES, Folding, restored
from tritforge.hw.engines.skip.folding import SkipFolding
from tritforge.hw.engines.unrolled.folding import UnrolledFolding
from tritforge.hw.pipeline.plan import plan
from tritforge.hw.pipeline.sites import node_sites
from tritforge.hw.targets.target import Modelled
from tritforge.sim import reference
from tritforge.sim.stimulus import pack_beats

FRAMES = 2


def of(chance, total):
    """A divisor of ``total``."""
    return chance.choice([number for number in range(1, total + 1) if total % number == 0])


def array_folding(chance, node):
    """A folding of the ``array`` engine that fits."""
    rows, columns = node.plane_matrices().shape[1:]
    packing = chance.choice(list(PackingChoice))
    if isinstance(node, Dense):
        return ArrayFolding(pe=of(chance, rows), simd=of(chance, columns), packing=packing)
    inputs, taps = node.planes.shape[2], node.kernel[0] * node.kernel[1]
    if node.groups > 1 and chance.random() < 0.6:
        pe = rows // node.groups * of(chance, node.groups)
        return ArrayFolding(pe=pe, simd=inputs * of(chance, taps), packing=packing)
    simd = chance.choice([of(chance, inputs), inputs * of(chance, taps)])
    return ArrayFolding(pe=of(chance, rows // node.groups), simd=simd, packing=packing)


def unrolled_folding(chance, node):
    """Any folding of the ``unrolled`` engine."""
    depth, rows = chance.choice([None, 0, 1]), chance.choice([None, 1, 2])
    iterations, registers = chance.randint(1, 3), chance.choice([None, 2, 8])
    return UnrolledFolding(
        iterations=iterations, depth=depth, rows_per_stage=rows, registers=registers
    )


def skip_folding(chance, node):
    """A folding of the ``skip`` engine that fits."""
    rows, columns = node.block_matrices().shape[1:]
    channels = columns
    if isinstance(node, Convolution):
        channels //= node.kernel[0] * node.kernel[1]
    outputs, banks = of(chance, rows), of(chance, channels)
    return SkipFolding(
        pe=of(chance, outputs), outputs=outputs, banks=banks, entries=banks * chance.randint(1, 2)
    )


FOLDINGS = {"array": array_folding, "unrolled": unrolled_folding, "skip": skip_folding}
"""For every engine: (chance, node) to a folding that builds the layer."""


def random_type(chance):
    if chance.random() < 0.15:
        return TERNARY
    return DataType(
        chance.choice([1, 2, 2, 3, 8, chance.randint(1, 16)]), signed=chance.random() < 0.5
    )


def random_planes(chance, rng, *shape):
    """Planes of any sparsity, not always contiguous, and coefficients."""
    count = chance.choice([1, 1, 2, 3])
    weights = rng.integers(-1, 2, size=(count, *shape)) * (
        rng.random((count, *shape)) < chance.random()
    )
    if chance.random() < 0.2:
        weights[:, 0] = chance.choice([-1, 0, 1])
    if chance.random() < 0.3:
        weights = np.asfortranarray(weights)
    plain = count == 1 and chance.random() < 0.8
    return {
        "planes": weights,
        "coefficients": (1,) if plain else tuple(chance.randint(1, 200) for _ in range(count)),
    }


def random_layer(chance):
    """A dense layer or a convolution, what it reads, and thresholds, a bias or nothing behind
    it."""
    rng = np.random.default_rng(chance.getrandbits(32))
    dtype = random_type(chance)
    if chance.random() < 0.3:
        rows, columns = chance.randint(1, 8), chance.randint(1, 12)
        source = TensorType(1, 1, columns, dtype)
        node = Dense(name="layer", input="input", **random_planes(chance, rng, rows, columns))
    else:
        groups = chance.choice([1, 1, 2, 3, 4])
        inputs = chance.choice([1, 1, 2, 3])
        rows = groups * chance.choice([1, 1, 2, 3])
        kernel = (chance.randint(1, 3), chance.randint(1, 3))
        dilation = (chance.choice([1, 1, 2, 3]), chance.choice([1, 1, 2]))
        beyond = chance.choice([False, True])  # the kernel reaches far beyond the image
        if beyond:
            kernel, dilation = (
                (chance.randint(2, 5), kernel[1]),
                (chance.randint(1, 5), dilation[1]),
            )
        extent = [step * (size - 1) + 1 for step, size in zip(dilation, kernel, strict=True)]
        padding = tuple(
            size - 1 if beyond else chance.choice([0, chance.randint(0, size - 1)])
            for size in extent
        )
        size = [
            chance.randint(max(1, span - 2 * pad), 5 if beyond else span + 3)
            for span, pad in zip(extent, padding, strict=True)
        ]
        source = TensorType(*size, groups * inputs, dtype)
        node = Convolution(
            name="layer",
            input="input",
            stride=(chance.randint(1, 2), chance.randint(1, 2)),
            padding=padding,
            dilation=dilation,
            groups=groups,
            **random_planes(chance, rng, rows, inputs, *kernel),
        )
    lowest, highest = node.row_bounds(dtype)
    behind = chance.choice(["thresholds", "thresholds", "bias", None])
    if behind == "thresholds":
        output = DataType(chance.randint(1, 3), signed=chance.random() < 0.3)
        levels = rng.integers(lowest - 2, highest + 3, size=((1 << output.bits) - 1, len(lowest))).T
        return source, (
            node,
            Threshold(name="act", input="layer", thresholds=np.sort(levels), output=output),
        )
    if behind == "bias":
        bias = rng.integers(-1000, 1000, size=len(lowest))
        return source, (node, Bias(name="bias", input="layer", bias=bias))
    return source, (node,)


def test_every_engine_bears_its_name():
    assert Folding.VARIANTS is ENGINES
    for name, folding in ENGINES.items():
        assert issubclass(folding, Folding)
        (engine,) = (item for item in dataclasses.fields(folding) if item.name == "engine")
        assert engine.default == name


def test_an_engine_is_named_like_its_package():
    assert tuple(ENGINES) == NAMES
    for name, folding in ENGINES.items():
        assert folding.__module__.startswith(f"tritforge.hw.engines.{name}.")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_folding_is_restored_from_its_options(engine):
    _, (node, *_) = random_layer(random.Random(engine))
    folding = FOLDINGS[engine](random.Random(engine), node)
    assert restored(engine, folding.options) == folding


def test_an_engine_that_is_not_there_is_refused():
    message = f"engine must be one of {', '.join(NAMES)}, not 'systolic'"
    with pytest.raises(PlanError, match=f"^{re.escape(message)}$"):
        restored("systolic", {})


@pytest.mark.parametrize("engine", ENGINES)
def test_candidates_have_no_more_lanes_than_asked(engine):
    layer = node_sites(convolutional())[0].layer()
    found = list(ENGINES[engine].candidates(layer, 24))
    assert found
    assert all((folding.lanes(layer) or 0) <= 24 for folding in found)
    assert all(folding.activity(layer).additions > 0 for folding in found)


def test_every_engine_takes_part():
    assert set(FOLDINGS) == set(ENGINES)


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=30)
@given(chance=randoms(use_true_random=False))
def test_any_layer(engine, chance):
    """Both forms of the rows, without pauses in exactly the planned cycles, and with pauses on both
    sides."""
    source, nodes = random_layer(chance)
    network = Network("any", source, nodes)
    folding = FOLDINGS[engine](chance, nodes[0])
    (stage,) = plan(network, {"layer": folding}, GENERIC).stages
    seed = chance.getrandbits(32)
    images = np.random.default_rng(seed).integers(
        source.dtype.minimum, source.dtype.maximum + 1, size=(FRAMES, *source.shape)
    )
    images[0].flat[0::2], images[0].flat[1::2] = source.dtype.minimum, source.dtype.maximum
    beats = pack_beats(images, source.dtype, stage.input(0).lanes)
    expected = pack_beats(
        reference.run(network, images)[network.output], stage.o.dtype, stage.o.lanes
    )
    unit = WholeStage(stage)
    platform = chance.choice([None, Modelled(XC7)])
    payloads, cycles = run(unit, beats, FRAMES, platform=platform)
    assert payloads == expected
    assert cycles == planned(unit, FRAMES)
    assert run(unit, beats, FRAMES, seed=seed, platform=platform)[0] == expected
