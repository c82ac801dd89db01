import re
from dataclasses import replace

import numpy as np
import pytest

from tests.hw.stream import event_graph_oracle
from tritforge.hw.stream import event_graph as timing
from tritforge.hw.stream.event_graph import EventGraph, TimingError, Waits, period, settled

SOLVERS = (timing._advance, event_graph_oracle.advance)


def test_a_slow_stage_holds_back_the_one_before():
    graph = EventGraph(2)
    fast = graph.chain("fast", None, 3, range(3), range(3))
    slow = graph.chain("slow", fast, 9, range(0, 9, 3), range(2, 9, 3))
    graph.solve()
    # A beat is taken at 1, 4, 7, ...; the register before it is filled again in that very cycle.
    assert fast.producer.time.tolist() == [0, 1, 4, 7, 10, 13]
    assert slow.producer.time.tolist()[2::3] == [3, 6, 9, 12, 15, 18]


def test_a_taker_of_too_few_beats():
    graph = EventGraph(1)
    beats = graph.chain("three", None, 3, range(3), range(3))
    with pytest.raises(TimingError, match=r"^two takes 2 beats of 3$"):
        graph.chain("two", beats, 2, range(2), range(2))


def test_a_run_of_fewer_beats_than_registers():
    graph = EventGraph(1)
    two = replace(graph.chain("two", None, 2, range(2), range(2)), stages=3)
    taker = graph.chain("taker", two, 2, range(2), range(2))
    graph.solve()
    assert taker.producer.time.tolist() == [4, 5]


def test_processes_that_wait_for_each_other():
    graph = EventGraph(1)
    one, two = graph.process("one", 1), graph.process("two", 1)
    one.wait(two, [0], 1)
    two.wait(one, [0], 1)
    with pytest.raises(
        TimingError, match=f"^{re.escape('deadlock: one at step 0, two at step 0')}$"
    ):
        graph.solve()


def test_frames():
    with pytest.raises(ValueError, match=r"^frames must be a positive int, not 0$"):
        EventGraph(0)


def bursts(rng, beats):
    """Steps of a process that moves ``beats`` beats, with gaps."""
    return np.cumsum(rng.integers(1, 5, beats))


@pytest.mark.parametrize("length", [1, 2, 5])
@pytest.mark.parametrize("seed", range(4))
def test_registers_in_a_row_are_a_delay_and_places(seed, length):
    found = []
    for rows in (True, False):
        rng = np.random.default_rng(seed)
        puts, takes = bursts(rng, 30), bursts(rng, 30)
        graph = EventGraph(2)
        first = channel = graph.chain("put", None, int(puts[-1]) + 1, [], puts)
        for number in range(length if rows else 0):
            channel = graph.chain(f"register_{number}", channel, 30, range(30), range(30))
        if not rows:
            channel = replace(channel, stages=length)
        last = graph.chain("take", channel, int(takes[-1]) + 1, takes, [])
        graph.solve()
        found.append((first.producer.time.tolist(), last.producer.time.tolist()))
    assert found[0] == found[1]


def test_a_source_that_is_paced():
    graph = EventGraph(2)
    source = graph.source(3, cycles=8)
    graph.chain("take", source, 3, range(3), [])
    graph.solve()
    assert source.producer.time.tolist() == [0, 2, 5, 8, 10, 13]


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("seed", range(6))
def test_the_compiled_solver_is_the_same_function(monkeypatch, seed, frames):
    found = []
    for form in SOLVERS:
        monkeypatch.setattr(timing, "_advance", form)
        rng = np.random.default_rng(seed)
        graph = EventGraph(frames)
        channel = graph.source(20, cycles=97 if seed % 2 else None)
        for number in range(4):
            steps = int((moves := bursts(rng, 20))[-1]) + 1
            channel = graph.chain(f"unit_{number}", channel, steps, moves, moves)
            if number:
                late = np.sort(rng.integers(-30, 10, steps))
                channel.producer.wait(graph.processes[0], late, 2, at=np.arange(steps) + seed)
        graph.solve()
        found.append([process.time.tolist() for process in graph.processes])
    assert found[0] == found[1]


def test_a_deadlock_half_way_is_the_same_in_both_forms(monkeypatch):
    for form in SOLVERS:
        monkeypatch.setattr(timing, "_advance", form)
        graph = EventGraph(1)
        one, two = graph.process("one", 5), graph.process("two", 5)
        one.wait(two, [0, 3], 1, at=[1, 3])
        two.wait(one, [0, 4], 1, at=[0, 3])
        with pytest.raises(TimingError, match=r"^deadlock: one at step 3, two at step 3$"):
            graph.solve()


def test_only_the_waits_that_decide_are_kept():
    """A step that waits for one before that of an earlier step waits for nothing."""
    graph = EventGraph(1)
    one, two = graph.process("one", 6), graph.process("two", 6)
    one.wait(
        two, [-3, 1, 1, 0, 4, -1], 3
    )  # the frame before ended with a wait for its step 4, here -2
    (wait,) = one.waits
    assert (wait.at.tolist(), wait.index.tolist(), wait.delay) == ([1, 4], [1, 4], 3)
    graph.solve()
    assert one.time.tolist() == [0, 4, 5, 6, 7, 8]


def test_the_first_frames_do_not_wait_for_frames_before_the_run(monkeypatch):
    for form in SOLVERS:
        monkeypatch.setattr(timing, "_advance", form)
        graph = EventGraph(3)
        one, two = graph.process("one", 2), graph.process("two", 3)
        two.wait(one, [-1], 10, at=[1])  # the last step of the frame before
        graph.solve()
        assert one.time.tolist() == [0, 1, 2, 3, 4, 5]
        assert two.time.tolist() == [0, 1, 2, 3, 11, 12, 13, 14, 15]


def test_a_step_beyond_the_frame():
    graph = EventGraph(2)
    one, two = graph.process("one", 2), graph.process("two", 3)
    with pytest.raises(TimingError, match=r"^one waits for step 3 of two, whose frame has 3$"):
        one.wait(two, [3], 1, at=[0])
    one.wait(two, [3], 1, at=[2])  # of the next frame: its step 0
    assert (one.waits[0].at.tolist(), one.waits[0].index.tolist()) == ([0], [0])


@pytest.mark.parametrize("seed", range(20))
def test_waits_are_kept_as_runs(seed):
    rng = np.random.default_rng(seed)
    length = int(rng.integers(0, 40))
    at, index = (np.cumsum(rng.choice([1, 1, 1, 1, 4], length)) for _ in range(2))
    waits = Waits.of(None, at, index, 0)
    assert (waits.at.tolist(), waits.index.tolist()) == (at.tolist(), index.tolist())


def test_runs_of_evenly_spaced_waits():
    rows = np.arange(6) * 10
    at = (rows[:, None] + [0, 1, 2]).ravel()
    runs = Waits.of(None, at, np.arange(18), 0).runs.T.tolist()
    assert runs == [[row, 3 * n, 3, 1, 1] for n, row in enumerate(rows)]
    assert Waits.of(None, rows, rows + 5, 0).runs.T.tolist() == [[0, 5, 6, 10, 10]]


def test_a_run_that_is_too_long(monkeypatch):
    for form in SOLVERS:
        monkeypatch.setattr(timing, "_advance", form)
        graph = EventGraph(1)
        one, two = graph.process("one", 2), graph.process("two", 4)
        two.wait(one, [1], timing.LATEST, at=[2])
        with pytest.raises(TimingError, match=r"^two would take more than 2,146,435,072 cycles$"):
            graph.solve()


def test_frames_that_do_not_settle():
    graph = EventGraph(4)
    channel = graph.chain("one", None, 1, [0], [0])
    graph.solve()
    assert (settled(channel, 4), period(channel, 4)) == ((1, 2), 1)
    channel.producer.time[:] = (0, 1, 3, 6)
    with pytest.raises(TimingError, match=r"^the frames do not settle into a period: \[1, 2, 3\]$"):
        settled(channel, 4)
