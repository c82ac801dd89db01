import random

import numpy as np
import pytest
from amaranth.sim import Simulator

from tests.hw.unit_bench import tensor
from tritforge.export.ir.datatype import DataType
from tritforge.hw.layers.add import AdderUnit
from tritforge.hw.stream.event_graph import EventGraph
from tritforge.sim.stimulus import pack_beats


def run(unit, left, right, pauses):
    """Payloads and cycles of the sums; ``pauses`` says of each stream whether it pauses in a
    cycle."""
    adder = unit.component()
    found, cycles = [], []

    async def bench(ctx):
        sent, cycle = [0, 0], 0
        inputs = (adder.i0, adder.i1)
        offered = [False, False]
        while len(found) < len(left):
            for side, (stream, beats) in enumerate(zip(inputs, (left, right), strict=True)):
                offered[side] = sent[side] < len(beats) and (
                    offered[side] or not pauses[side](cycle)
                )
                ctx.set(stream.valid, offered[side])
                if offered[side]:
                    ctx.set(stream.payload, beats[sent[side]])
            ready = not pauses[2](cycle)
            ctx.set(adder.o.ready, not ready)
            valid = ctx.get(adder.o.valid)
            ctx.set(adder.o.ready, ready)
            assert ctx.get(adder.o.valid) == valid
            for side, stream in enumerate(inputs):
                if offered[side] and ctx.get(stream.ready):
                    sent[side], offered[side] = sent[side] + 1, False
            if valid and ready:
                found.append(ctx.get(adder.o.payload))
                cycles.append(cycle)
            await ctx.tick()
            cycle += 1
            assert cycle < 10_000

    simulator = Simulator(adder)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return found, cycles


@pytest.mark.parametrize(("left", "right"), [("u2", "u2"), ("s3", "u2"), ("s2", "s4")])
@pytest.mark.parametrize("lanes", [1, 3])
def test_sums(left, right, lanes):
    left, right = DataType.parse(left), DataType.parse(right)
    a, b = tensor(left, (2, 2, 2, 3), seed=1), tensor(right, (2, 2, 2, 3), seed=2)
    unit = AdderUnit(name="add", left=left, right=right, lanes=lanes, elements=12)
    expected = pack_beats(a + b, unit.o.dtype, lanes)
    chance = random.Random(lanes)
    never = (lambda cycle: False,) * 3
    for pauses in (never, (lambda cycle: chance.random() < 0.5,) * 3):
        payloads, cycles = run(
            unit, pack_beats(a, left, lanes), pack_beats(b, right, lanes), pauses
        )
        assert payloads == expected
        if pauses is never:
            assert cycles == list(range(1, 1 + len(expected)))


def test_schedule_waits_for_both():
    graph = EventGraph(1)
    one = graph.chain("one", None, 3, range(3), range(3))
    two = graph.chain("two", None, 9, range(9), range(2, 9, 3))
    unit = AdderUnit(
        name="add", left=DataType.parse("u1"), right=DataType.parse("u1"), lanes=1, elements=3
    )
    behind = unit.schedule(graph, one, two)
    graph.solve()
    assert behind.producer.time.tolist() == [3, 6, 9]
    assert np.array_equal(
        one.producer.time, [0, 3, 6]
    )  # its register is free when the sum has taken
