import re

import pytest

from hw.timing import EventGraph, TimingError


def test_a_slow_stage_holds_back_the_one_before():
    graph = EventGraph(2)
    fast = graph.chain("fast", None, 3, range(3), range(3))
    slow = graph.chain("slow", fast, 9, range(0, 9, 3), range(2, 9, 3))
    graph.solve()
    # A beat is taken at 1, 4, 7, ...; the register before it is filled again in that very cycle.
    assert fast.producer.time.tolist() == [0, 1, 4, 7, 10, 13]
    assert slow.producer.time[slow.put].tolist() == [3, 6, 9, 12, 15, 18]


def test_a_taker_of_too_few_beats():
    graph = EventGraph(1)
    beats = graph.chain("three", None, 3, range(3), range(3))
    with pytest.raises(TimingError, match=r"^two takes 2 beats of 3$"):
        graph.chain("two", beats, 2, range(2), range(2))


def test_processes_that_wait_for_each_other():
    graph = EventGraph(1)
    one, two = graph.process("one", 1), graph.process("two", 1)
    one.waits.append((two, [0], 1))
    two.waits.append((one, [0], 1))
    with pytest.raises(TimingError, match=f"^{re.escape('deadlock: one at step 0, two at step 0')}$"):
        graph.solve()


def test_frames():
    with pytest.raises(ValueError, match=r"^frames must be a positive int, not 0$"):
        EventGraph(0)
