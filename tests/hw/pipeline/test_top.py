"""The whole core in Amaranth's simulator: class of every image and cycle of every result."""

from dataclasses import replace

import numpy as np
import pytest
from amaranth.sim import Simulator

from tests.export.networks import residual
from tests.hw.networks import FOLDINGS, RESIDUAL_FOLDINGS, SKIP_FOLDINGS, convolutional
from tests.targets import GENERIC
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import (
    ArgMax,
    Convolution,
    Dense,
    Flatten,
    Network,
    TensorType,
    Threshold,
)
from tritforge.export.ir.pools import SumPool
from tritforge.export.ir.residual import Add, Shortcut
from tritforge.hw.activation.select import ActivationForm
from tritforge.hw.cost.packing import PackingChoice
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.engines.layer import PlanError
from tritforge.hw.engines.unrolled.folding import UnrolledFolding
from tritforge.hw.pipeline.fifo_depths import Fifos
from tritforge.hw.pipeline.plan import plan
from tritforge.hw.pipeline.top import PREFIX, Top, ports
from tritforge.hw.stream.axi_stream import Tdata
from tritforge.sim.reference import run
from tritforge.sim.stimulus import pack_beats

FRAMES = 5


async def tick(ctx, top):
    """A cycle of the clock."""
    await ctx.delay(1e-6)
    ctx.set(top.aclk, 1)
    await ctx.delay(1e-6)
    ctx.set(top.aclk, 0)


async def begin(ctx, top):
    """Reset, which is synchronous, and its end."""
    for _ in range(2):
        await tick(ctx, top)
    ctx.set(top.aresetn, 1)
    await tick(ctx, top)


def simulate(design, images):
    """Output beats of ``images`` and the cycle of each from the first beat accepted on; nothing
    pauses."""
    top = Top(design)
    beats = pack_beats(images, design.network.input.dtype, design.i.lanes)
    frame_beats = len(beats) // len(images)
    out_beats = design.network.types[design.network.output].size // design.o.lanes
    results, cycles = [], []

    async def bench(ctx):
        await begin(ctx, top)
        ctx.set(top.m_axis_tready, 1)
        sent, cycle, first = 0, 0, None
        while len(results) < len(images) * out_beats:
            assert cycle < 100_000
            ctx.set(top.s_axis_tvalid, sent < len(beats))
            if sent < len(beats):
                ctx.set(top.s_axis_tdata, beats[sent])
                ctx.set(top.s_axis_tlast, sent % frame_beats == frame_beats - 1)
                first = cycle if first is None and ctx.get(top.s_axis_tready) else first
                sent += ctx.get(top.s_axis_tready)
            if ctx.get(top.m_axis_tvalid):
                assert ctx.get(top.m_axis_tlast) == (len(results) % out_beats == out_beats - 1)
                results.append(ctx.get(top.m_axis_tdata))
                cycles.append(cycle - first)
            await tick(ctx, top)
            cycle += 1
        assert not ctx.get(top.error)

    simulator = Simulator(top)
    simulator.add_testbench(bench)
    simulator.run()
    return results, cycles


def follows(design, images):
    """Whether in any cycle the ready of the input depends on that of the output in the same
    cycle."""
    top = Top(design)
    beats = pack_beats(images, design.network.input.dtype, design.i.lanes)
    differed = []

    async def bench(ctx):
        await begin(ctx, top)
        ctx.set(top.s_axis_tvalid, 1)
        for sent, beat in enumerate(beats):
            ctx.set(top.s_axis_tdata, beat)
            ctx.set(top.s_axis_tlast, (sent + 1) % (len(beats) // len(images)) == 0)
            for _ in range(100):
                ready = []
                for wanted in (0, 1):
                    ctx.set(top.m_axis_tready, wanted)
                    await ctx.delay(1e-7)
                    ready.append(ctx.get(top.s_axis_tready))
                differed.append(ready[0] != ready[1])
                ctx.set(
                    top.m_axis_tready, len(differed) % 97 == 0
                )  # seldom, so that everything fills
                await ctx.delay(1e-7)
                taken = ctx.get(top.s_axis_tready)
                await tick(ctx, top)
                if taken:
                    break

    simulator = Simulator(top)
    simulator.add_testbench(bench)
    simulator.run()
    return any(differed)


def scores(network):
    """The network without its argmax: several elements leave a frame."""
    return replace(network, nodes=network.nodes[:-1])


@pytest.mark.parametrize("bits", [8, 16, 24, 64, 1024])
@pytest.mark.parametrize("make", [convolutional, residual])
def test_tdata_of_any_width(bits, make):
    """Input and output carry as many elements as fit; every beat is right, and so is the plan's
    count."""
    network = scores(make(0)) if make is convolutional else make()
    foldings = FOLDINGS if make is convolutional else RESIDUAL_FOLDINGS
    target = network.types[network.output]
    output = max(bits, -(-target.dtype.bits // 8) * 8)
    design = plan(network, foldings, GENERIC, tdata=Tdata(bits, output))
    assert [ports(design)[f"{end}_axis_tdata"].shape for end in "sm"] == [bits, output]
    for beats, tensor, width in ((design.i, network.input, bits), (design.o, target, output)):
        assert tensor.size % beats.lanes == 0
        assert not any(
            tensor.size % lanes == 0
            for lanes in range(beats.lanes + 1, width // tensor.dtype.bits + 1)
        )
    images = np.random.default_rng(1).integers(
        0, 2**network.input.dtype.bits, size=(3, *network.input.shape)
    )
    found, cycles = simulate(design, images)
    assert found == list(
        pack_beats(run(network, images)[network.output], target.dtype, design.o.lanes)
    )
    last = cycles[target.size // design.o.lanes - 1 :: target.size // design.o.lanes]
    assert tuple(last) == (*design.frame_cycles, *extended(design))[:3]


@pytest.mark.parametrize("bits", [8, 24, 64])
@pytest.mark.parametrize("first", [SumPool, Threshold])
def test_tdata_before_a_layer_without_weights(first, bits):
    """It takes some channels of a pixel at a time, whatever a beat carries."""
    source = TensorType(4, 4, 2, DataType.parse("u4"))
    levels = np.array([[2, 5, 9], [1, 7, 12]])
    node = (
        SumPool(name="first", input="input", size=(2, 2))
        if first is SumPool
        else Threshold(name="first", input="input", thresholds=levels, output=DataType.parse("u2"))
    )
    planes = np.random.default_rng(0).integers(-1, 2, size=(1, 3, 2, 1, 1)).astype(np.int8)
    network = Network("ends", source, (node, Convolution(name="one", input="first", planes=planes)))
    design = plan(network, {"one": ArrayFolding(pe=1, simd=1)}, GENERIC, tdata=Tdata(input=bits))
    images = np.random.default_rng(1).integers(0, 16, size=(3, *source.shape))
    found, _ = simulate(design, images)
    target = network.types[network.output]
    assert found == list(
        pack_beats(run(network, images)[network.output], target.dtype, design.o.lanes)
    )


def extended(design):
    """Cycles of frames beyond those that the plan names: one interval from each to the next."""
    return [design.frame_cycles[-1] + number * design.interval_cycles for number in range(1, 4)]


def test_a_width_that_holds_no_element():
    wide = TensorType(4, 4, 1, DataType.parse("u12"))
    layer = Convolution(name="one", input="input", planes=np.ones((1, 1, 1, 3, 3), dtype=np.int8))
    network, foldings = Network("wide", wide, (layer,)), {"one": ArrayFolding(pe=1, simd=1)}
    message = r"^hardware\.input_tdata_bits must hold an element, of 12 bits, not 8$"
    with pytest.raises(PlanError, match=message):
        plan(network, foldings, GENERIC, tdata=Tdata(input=8))


@pytest.mark.parametrize("bits", [0, 4, 12, -8, 8.0])
def test_a_width_that_is_no_multiple_of_8(bits):
    with pytest.raises(
        ValueError, match=r"^input_tdata_bits must be a positive multiple of 8, not "
    ):
        Tdata(input=bits)


def test_the_register_block_counts_the_frames_of_the_core():
    network = convolutional(0)
    images = np.random.default_rng(0).integers(0, 16, size=(2, 6, 6, 2))
    design = plan(network, FOLDINGS, GENERIC)
    top = Top(design, version=0x0123)
    beats = pack_beats(images, design.network.input.dtype, design.i.lanes)
    beats.pop()  # the second frame ends early
    frame_beats = network.input.size // design.i.lanes
    seen = {}

    async def bench(ctx):
        async def read(address):
            ctx.set(top.s_axil_araddr, address)
            ctx.set(top.s_axil_arvalid, 1)
            assert ctx.get(top.s_axil_arready)
            await tick(ctx, top)
            ctx.set(top.s_axil_arvalid, 0)
            assert ctx.get(top.s_axil_rvalid)
            data = ctx.get(top.s_axil_rdata)
            ctx.set(top.s_axil_rready, 1)
            await tick(ctx, top)
            ctx.set(top.s_axil_rready, 0)
            return data

        await begin(ctx, top)
        ctx.set(top.m_axis_tready, 1)
        seen["before"] = [await read(4 * number) for number in range(4)]
        sent, results = 0, 0
        for _ in range(10_000):
            ctx.set(top.s_axis_tvalid, sent < len(beats))
            if sent < len(beats):
                ctx.set(top.s_axis_tdata, beats[sent])
                ctx.set(top.s_axis_tlast, sent in (frame_beats - 1, len(beats) - 1))
                sent += ctx.get(top.s_axis_tready)
            results += ctx.get(top.m_axis_tvalid)
            await tick(ctx, top)
            if results == 2:
                break
        seen["after"] = [await read(4 * number) for number in range(4)]

    simulator = Simulator(top)
    simulator.add_testbench(bench)
    simulator.run()
    assert seen == {"before": [0x54524954, 0x0123, 0, 0], "after": [0x54524954, 0x0123, 2, 1]}


def test_without_a_version_there_is_no_register_port():
    design = plan(convolutional(0), FOLDINGS, GENERIC)
    assert not [name for name in ports(design) if name.startswith(PREFIX)]
    block = {name for name in ports(design, registers=True) if name.startswith(PREFIX)}
    assert len(block) == 19
    assert {"s_axil_awvalid", "s_axil_rdata", "s_axil_arprot"} <= block


def planned(design):
    """Cycle of each result: the plan's first frames, then its interval."""
    cycles = list(design.frame_cycles)
    while len(cycles) < FRAMES:
        cycles.append(cycles[-1] + design.interval_cycles)
    return cycles[:FRAMES]


@pytest.mark.parametrize(
    "foldings",
    [
        FOLDINGS,
        {
            **FOLDINGS,
            "classifier": ArrayFolding(pe=1, simd=1),
        },  # the last layer is the slowest and holds back the others
        {
            "conv1": ArrayFolding(pe=4, simd=18, packing=PackingChoice.FIVE_IN_EIGHT),
            "conv2": ArrayFolding(pe=6, simd=16, packing=PackingChoice.FIVE_IN_EIGHT),
            "classifier": ArrayFolding(pe=5, simd=24, packing=PackingChoice.FIVE_IN_EIGHT),
        },
        {
            "conv1": ArrayFolding(pe=1, simd=2),
            "conv2": ArrayFolding(pe=2, simd=2),
            "classifier": ArrayFolding(pe=5, simd=3),
        },
        {**FOLDINGS, "conv2": UnrolledFolding(iterations=2)},
        {name: UnrolledFolding(iterations=1, rows_per_stage=1) for name in FOLDINGS},
        SKIP_FOLDINGS,
        {**SKIP_FOLDINGS, "conv2": FOLDINGS["conv2"]},
        {**SKIP_FOLDINGS, "conv1": FOLDINGS["conv1"], "classifier": UnrolledFolding(iterations=1)},
    ],
    ids=[
        "mixed",
        "slow end",
        "all parallel",
        "slow start",
        "unrolled layer",
        "all unrolled",
        "skip",
        "two engines",
        "three engines",
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_every_result_in_the_planned_cycle(foldings, seed):
    network = convolutional(seed)
    images = np.random.default_rng(seed).integers(0, 16, size=(FRAMES, 6, 6, 2))
    design = plan(network, foldings, GENERIC)
    results, cycles = simulate(design, images)
    assert results == run(network, images)["argmax"].ravel().tolist()
    assert cycles == planned(design)


def signed_activations():
    """Three dense layers; ternary codes behind the first (their lowest level is always reached),
    then s3."""
    rng = np.random.default_rng(0)

    def dense(name, source, rows, columns):
        planes = rng.integers(-1, 2, size=(1, rows, columns)).astype(np.int8)
        return Dense(name=name, input=source, planes=planes)

    always = np.full((6, 1), -1000)
    ternary = np.concatenate([always, np.sort(rng.integers(-20, 30, size=(6, 2)), axis=1)], axis=1)
    three_bits = np.sort(rng.integers(-4, 5, size=(4, 7)), axis=1)
    nodes = (
        Flatten(name="flatten", input="input"),
        dense("first", "flatten", 6, 8),
        Threshold(name="ternary", input="first", thresholds=ternary, output=DataType.parse("s2")),
        dense("second", "ternary", 4, 6),
        Threshold(name="octal", input="second", thresholds=three_bits, output=DataType.parse("s3")),
        dense("third", "octal", 5, 4),
        ArgMax(name="argmax", input="third"),
    )
    return Network("signs", TensorType(2, 2, 2, DataType.parse("u4")), nodes)


@pytest.mark.parametrize("form", [ActivationForm.PARALLEL, ActivationForm.SEARCH])
@pytest.mark.parametrize("pe", [1, 2])
def test_signed_and_ternary_activations(pe, form):
    network = signed_activations()
    images = np.random.default_rng(1).integers(0, 16, size=(FRAMES, 2, 2, 2))
    tensors = run(network, images)
    assert np.unique(tensors["ternary"]).tolist() == [-1, 0, 1]
    assert np.unique(tensors["octal"]).min() < 0 < np.unique(tensors["octal"]).max()
    foldings = {
        "first": ArrayFolding(pe=pe, simd=2, activation=form),
        "second": ArrayFolding(pe=pe, simd=2, activation=form),
        "third": ArrayFolding(pe=1, simd=2),
    }
    design = plan(network, foldings, GENERIC)
    results, cycles = simulate(design, images)
    assert results == tensors["argmax"].ravel().tolist()
    assert cycles == planned(design)


@pytest.mark.parametrize("fifos", [Fifos.JOINS_ONLY, Fifos(most_bits=256), Fifos(least_beats=2)])
@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"conv": ArrayFolding(pe=1, simd=1)},  # slow before the fork
        {"body": ArrayFolding(pe=1, simd=1)},  # slow within a branch
        {"dense": ArrayFolding(pe=1, simd=1)},
        {"conv": ArrayFolding(pe=3, simd=18), "body": ArrayFolding(pe=6, simd=27)},
    ],
    ids=["mixed", "before the fork", "in a branch", "slow end", "all parallel"],
)
def test_every_result_of_a_residual_network_in_the_planned_cycle(changed, fifos):
    network = residual()
    images = np.random.default_rng(0).integers(0, 4, size=(FRAMES, *network.input.shape))
    design = plan(network, {**RESIDUAL_FOLDINGS, **changed}, GENERIC, fifos)
    results, cycles = simulate(design, images)
    assert results == pack_beats(run(network, images)["best"], network.types["best"].dtype, 2)
    assert cycles == planned(design)


def test_fifos_before_every_layer_keep_its_ready_from_those_behind():
    rng, u2, nodes = np.random.default_rng(0), DataType.parse("u2"), []
    for name, before in (("one", "input"), ("two", "act_one"), ("three", "act_two")):
        planes, levels = (
            rng.integers(-1, 2, (1, 4, 4, 1, 1)),
            np.sort(rng.integers(-9, 9, (4, 3)), axis=1),
        )
        nodes += (
            Convolution(name=name, input=before, planes=planes.astype(np.int8)),
            Threshold(name=f"act_{name}", input=name, thresholds=levels, output=u2),
        )
    network = Network("chain", TensorType(4, 4, 4, u2), tuple(nodes))
    foldings = dict.fromkeys(("one", "two", "three"), ArrayFolding(pe=4, simd=4))
    images = rng.integers(0, 4, size=(3, *network.input.shape))
    plain, cut = (
        plan(network, foldings, GENERIC, fifos)
        for fifos in (Fifos.JOINS_ONLY, Fifos(least_beats=2))
    )
    assert follows(plain, images)
    assert not follows(cut, images)
    assert {depth for stage in cut.stages for depth in stage.fifos} == {2}
    assert cut.interval_cycles == plain.interval_cycles


@pytest.mark.parametrize("fifos", [Fifos.JOINS_ONLY, Fifos(most_bits=64), Fifos(least_beats=2)])
def test_the_input_itself_forks(fifos):
    """Nothing holds a beat between the ends and the fork: its cycle is that of the last taker."""
    rng = np.random.default_rng(0)
    u2 = DataType.parse("u2")
    planes = rng.integers(-1, 2, size=(1, 2, 2, 3, 3)).astype(np.int8)
    network = Network(
        "forked",
        TensorType(5, 4, 2, u2),
        (
            Shortcut(name="skip", input="input", before=1, after=1),
            Convolution(
                name="body", input="input", planes=np.repeat(planes, 2, axis=1), padding=(1, 1)
            ),
            Add(name="merge", input="body", other="skip"),
            Add(name="twice", input="merge", other="merge"),
            SumPool(name="sums", input="twice", size=(5, 4)),
            Flatten(name="flat", input="sums"),
            ArgMax(name="best", input="flat"),
        ),
    )
    images = rng.integers(0, 4, size=(FRAMES, 5, 4, 2))
    design = plan(network, {"body": ArrayFolding(pe=2, simd=2)}, GENERIC, fifos)
    results, cycles = simulate(design, images)
    assert results == run(network, images)["best"].ravel().tolist()
    assert cycles == planned(design)
