"""The whole core in Amaranth's simulator: class of every image and cycle of every result."""

import numpy as np
import pytest
from amaranth.sim import Simulator

from export.packing import Packing
from hw.array_folding import ArrayFolding
from hw.network import PREFIX, Top, ports
from hw.plan import plan
from sim.reference import run
from sim.stimulus import pack_beats
from tests.hw.networks import FOLDINGS, convolutional

FRAMES = 5


def simulate(design, images):
    """Results of ``images`` and the cycle of each, counted from the first beat accepted; nothing pauses."""
    top = Top(design)
    beats = pack_beats(images, design.network.input.dtype, design.i.lanes)
    frame_beats = len(beats) // len(images)
    results, cycles = [], []

    async def bench(ctx):
        async def tick():
            await ctx.delay(1e-6)
            ctx.set(top.aclk, 1)
            await ctx.delay(1e-6)
            ctx.set(top.aclk, 0)

        for _ in range(2):  # reset is synchronous
            await tick()
        ctx.set(top.aresetn, 1)
        await tick()
        ctx.set(top.m_axis_tready, 1)
        sent, cycle = 0, 0
        while len(results) < len(images):
            assert cycle < 100_000
            ctx.set(top.s_axis_tvalid, sent < len(beats))
            if sent < len(beats):
                ctx.set(top.s_axis_tdata, beats[sent])
                ctx.set(top.s_axis_tlast, sent % frame_beats == frame_beats - 1)
                sent += ctx.get(top.s_axis_tready)
            if ctx.get(top.m_axis_tvalid):
                assert ctx.get(top.m_axis_tlast)
                results.append(ctx.get(top.m_axis_tdata))
                cycles.append(cycle)
            await tick()
            cycle += 1
        assert not ctx.get(top.error)

    simulator = Simulator(top)
    simulator.add_testbench(bench)
    simulator.run()
    return results, cycles


def test_the_register_block_counts_the_frames_of_the_core():
    network = convolutional(0)
    images = np.random.default_rng(0).integers(0, 16, size=(2, 6, 6, 2))
    design = plan(network, FOLDINGS)
    top = Top(design, version=0x0123)
    beats = pack_beats(images, design.network.input.dtype, design.i.lanes)
    beats.pop()  # the second frame ends early
    frame_beats = network.input.size // design.i.lanes
    seen = {}

    async def bench(ctx):
        async def tick():
            await ctx.delay(1e-6)
            ctx.set(top.aclk, 1)
            await ctx.delay(1e-6)
            ctx.set(top.aclk, 0)

        async def read(address):
            ctx.set(top.s_axil_araddr, address)
            ctx.set(top.s_axil_arvalid, 1)
            assert ctx.get(top.s_axil_arready)
            await tick()
            ctx.set(top.s_axil_arvalid, 0)
            assert ctx.get(top.s_axil_rvalid)
            data = ctx.get(top.s_axil_rdata)
            ctx.set(top.s_axil_rready, 1)
            await tick()
            ctx.set(top.s_axil_rready, 0)
            return data

        for _ in range(2):
            await tick()
        ctx.set(top.aresetn, 1)
        await tick()
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
            await tick()
            if results == 2:
                break
        seen["after"] = [await read(4 * number) for number in range(4)]

    simulator = Simulator(top)
    simulator.add_testbench(bench)
    simulator.run()
    assert seen == {"before": [0x54524954, 0x0123, 0, 0], "after": [0x54524954, 0x0123, 2, 1]}


def test_without_a_version_there_is_no_register_port():
    design = plan(convolutional(0), FOLDINGS)
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
            "conv1": ArrayFolding(pe=4, simd=18, packing=Packing.FIVE_IN_EIGHT),
            "conv2": ArrayFolding(pe=6, simd=16, packing=Packing.FIVE_IN_EIGHT),
            "classifier": ArrayFolding(pe=5, simd=24, packing=Packing.FIVE_IN_EIGHT),
        },
        {
            "conv1": ArrayFolding(pe=1, simd=2),
            "conv2": ArrayFolding(pe=2, simd=2),
            "classifier": ArrayFolding(pe=5, simd=3),
        },
    ],
    ids=["mixed", "slow end", "all parallel", "slow start"],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_every_result_in_the_planned_cycle(foldings, seed):
    network = convolutional(seed)
    images = np.random.default_rng(seed).integers(0, 16, size=(FRAMES, 6, 6, 2))
    design = plan(network, foldings)
    results, cycles = simulate(design, images)
    assert results == run(network, images)["argmax"].ravel().tolist()
    assert cycles == planned(design)
