"""The FIFOs of a plan: as shallow as the rate allows."""

from dataclasses import replace

import numpy as np
import pytest

from tests.export.networks import residual
from tests.hw.networks import FOLDINGS, RESIDUAL_FOLDINGS, convolutional
from tests.targets import GENERIC
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Convolution, Network, TensorType, Threshold
from tritforge.export.ir.residual import Add, Shortcut
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.pipeline import fifo_depths as buffers
from tritforge.hw.pipeline.fifo_depths import Fifos
from tritforge.hw.pipeline.plan import plan
from tritforge.hw.stream.event_graph import EventGraph, TimingError, period

FRAMES = 8


def interval(design):
    """Cycles from frame to frame; None where the network stops for good."""
    graph = EventGraph(FRAMES)
    channels = design.schedule(graph)
    try:
        graph.solve()
    except TimingError:
        return None
    return period(channels[design.stages[-1].name], FRAMES)


def depths(design):
    return {stage.name: stage.fifos for stage in design.stages if any(stage.fifos)}


def with_depths(design, name, fifos):
    """The design with other FIFOs before a stage."""
    stage = design.stage(name)
    other = stage.with_fifos(fifos, [design.frame_beats(source) for source in stage.sources])
    return replace(design, stages=tuple(other if one is stage else one for one in design.stages))


def block(stride=(1, 1), size=(6, 6), source="u2"):
    """Convolution, fork, two convolutions against a shortcut, add, threshold."""
    rng = np.random.default_rng(0)
    dtype = DataType.parse(source)

    def convolution(name, tensor, outputs, inputs, stride=(1, 1)):
        planes = rng.integers(-1, 2, (1, outputs, inputs, 3, 3)).astype(np.int8)
        levels = np.sort(rng.integers(-9, 9, (outputs, 3)), axis=1)
        return (
            Convolution(name=name, input=tensor, planes=planes, stride=stride, padding=(1, 1)),
            Threshold(name=f"{name}_act", input=name, thresholds=levels, output=dtype),
        )

    more = 4 if stride == (1, 1) else 8
    return Network(
        "block",
        TensorType(*size, 2, dtype),
        (
            *convolution("stem", "input", 4, 2),
            *convolution("one", "stem_act", more, 4, stride),
            *convolution("two", "one_act", more, more),
            Shortcut(
                name="skip",
                input="stem_act",
                stride=stride,
                before=(more - 4) // 2,
                after=(more - 4) // 2,
            ),
            Add(name="merge", input="two_act", other="skip"),
        ),
    )


FOLDED = {
    "even": {name: ArrayFolding(pe=2, simd=2) for name in ("stem", "one", "two")},
    "wide": {name: ArrayFolding(pe=4, simd=4) for name in ("one", "two")}
    | {"stem": ArrayFolding(pe=4, simd=2)},
}


@pytest.mark.parametrize("limit", [0, 512])
@pytest.mark.parametrize("folded", FOLDED)
@pytest.mark.parametrize("stride", [(1, 1), (2, 2)])
@pytest.mark.parametrize("deep", [0, buffers.DEEP, 1 << 20])
def test_one_beat_less_anywhere_costs_rate_or_stops_the_network(
    deep, stride, folded, limit, monkeypatch
):
    """Whichever of them are made shallower together first."""
    monkeypatch.setattr(buffers, "DEEP", deep)
    design = plan(block(stride), FOLDED[folded], GENERIC, Fifos(most_bits=limit))
    best = interval(design)
    deeper = design
    for name, fifos in depths(design).items():
        deeper = with_depths(deeper, name, [100 * depth for depth in fifos])
    assert interval(deeper) == best
    assert depths(design)["merge"][1] > 0  # the shortcut waits for two windows
    for name, fifos in depths(design).items():
        for number, depth in enumerate(fifos):
            if depth:
                less = [*fifos[:number], depth - 1, *fifos[number + 1 :]]
                slower = interval(with_depths(design, name, less))
                assert slower is None or slower > best


def test_without_its_fifo_a_residual_network_stops():
    design = plan(block(), FOLDED["even"], GENERIC)
    assert interval(with_depths(design, "merge", (0, 0))) is None


def test_deeper_fifos_change_nothing():
    design = plan(block(), FOLDED["even"], GENERIC)
    first, second = design.stage("merge").fifos
    for fifos in ((first, second + 1), (first, 10 * second), (first + 50, second + 50)):
        assert interval(with_depths(design, "merge", fifos)) == interval(design)


def test_a_residual_block_is_as_fast_as_its_slowest_layer():
    design = plan(block(), FOLDED["even"], GENERIC, Fifos(most_bits=4096))
    assert interval(design) == max(stage.interval_cycles for stage in design.stages)


def test_fifos_of_a_chain_are_there_for_the_rate_alone():
    """Two lines go by before the first window; within the layer nothing can bridge the rest of that
    gap."""
    planes = np.random.default_rng(0).integers(-1, 2, (5, 2, 2, 3, 3)).astype(np.int8)
    nodes = (
        Convolution(name="one", input="input", planes=planes[:1]),
        Convolution(name="two", input="one", planes=np.concatenate(planes)[None, :8, :]),
    )
    network = Network("chain", TensorType(10, 10, 2, DataType.parse("u2")), nodes)
    foldings = {"one": ArrayFolding(pe=2, simd=18), "two": ArrayFolding(pe=2, simd=18)}
    plain, buffered = (
        plan(network, foldings, GENERIC, Fifos(most_bits=bits)) for bits in (0, 4096)
    )
    assert (depths(plain), depths(buffered)) == ({}, {"two": (4,)})
    assert (interval(plain), interval(buffered)) == (166, 156)
    assert max(stage.interval_cycles for stage in plain.stages) == 144
    assert buffered.stage("two").branches[0][0].bits <= 4096
    three = Fifos(most_bits=3 * buffered.stage("one").o.payload_bits)
    assert depths(plan(network, foldings, GENERIC, three)) == {"two": (3,)}


def test_a_chain_that_no_fifo_speeds_up_has_none():
    slow_end = {**FOLDINGS, "classifier": ArrayFolding(pe=1, simd=1)}
    plain, buffered = (
        plan(convolutional(), slow_end, GENERIC, Fifos(most_bits=bits)) for bits in (0, 4096)
    )
    assert interval(plain) == interval(buffered)
    assert depths(buffered) == {}


def test_the_join_of_the_sample():
    design = plan(residual(), RESIDUAL_FOLDINGS, GENERIC)
    assert list(depths(design)) == ["merge"]
    assert interval(design) == design.interval_cycles
