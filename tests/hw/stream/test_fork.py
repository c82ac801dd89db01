import random

import pytest
from amaranth.sim import Simulator

from tritforge.export.ir.datatype import DataType
from tritforge.hw.stream.event_graph import EventGraph
from tritforge.hw.stream.fork import StreamFork
from tritforge.hw.stream.unit import Beats

U5 = Beats(DataType.parse("u5"), 1)


def run(count, patterns, beats):
    """Send ``beats``; consumer k is ready in the cycles t with ``patterns[k](t)``. Returns who took
    what."""
    fork = StreamFork(U5, count)
    taken = [[] for _ in range(count)]

    async def bench(ctx):
        outputs = [getattr(fork, f"o{number}") for number in range(count)]
        sent, cycle = 0, 0
        while sent < len(beats):
            ctx.set(fork.i.valid, 1)
            ctx.set(fork.i.payload, beats[sent])
            for flip in (True, False):  # valid depends on no ready
                for number, o in enumerate(outputs):
                    ctx.set(o.ready, patterns[number](cycle) != flip)
                valid = [ctx.get(o.valid) for o in outputs]
                assert not flip or (before := valid) == valid
            assert valid == before
            for number, o in enumerate(outputs):
                if ctx.get(o.valid) and ctx.get(o.ready):
                    taken[number].append((cycle, ctx.get(o.payload)))
            sent += ctx.get(fork.i.ready)
            await ctx.tick()
            cycle += 1
            assert cycle < 1000
        ctx.set(fork.i.valid, 0)
        assert not any(ctx.get(o.valid) for o in outputs)

    simulator = Simulator(fork)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return taken


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_every_consumer_gets_every_beat_once(count, seed):
    chance = random.Random(seed)
    beats = [chance.randrange(32) for _ in range(40)]
    ready = [[chance.random() < 0.4 for _ in range(1000)] for _ in range(count)]
    taken = run(count, [pattern.__getitem__ for pattern in ready], beats)
    for consumer in taken:
        assert [payload for _, payload in consumer] == beats


def test_a_consumer_takes_when_it_can_and_the_beat_leaves_with_the_last():
    beats = list(range(12))
    # the first is ready in cycles 0, 3, 6, .., the second in 2, 6, 10, ..
    taken = run(2, [lambda t: t % 3 == 0, lambda t: t % 4 == 2], beats)
    found = [[cycle for cycle, _ in consumer] for consumer in taken]
    assert found[0][:3] == [0, 3, 9]  # its beat 1 waits until the second took beat 0 in cycle 2
    assert found[1][:3] == [2, 6, 10]


def test_cycles_are_those_of_a_channel_with_several_takers():
    graph = EventGraph(1)
    put = graph.chain("put", None, 6, range(6), range(6))
    fast = graph.chain("fast", put, 6, range(6), [])
    slow = graph.chain("slow", put, 18, range(2, 18, 3), [])
    graph.solve()
    assert put.producer.time.tolist() == [0, 2, 5, 8, 11, 14]  # filled as the last one empties
    assert slow.producer.time[2::3].tolist() == [2, 5, 8, 11, 14, 17]
    assert fast.producer.time.tolist() == [1, 3, 6, 9, 12, 15]
