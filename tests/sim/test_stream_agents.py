"""The agents are seen at work by ``test_bench_network.py``; here, that their instants stay apart."""

from __future__ import annotations

import pytest

from sim import stream_agents
from sim.stream_agents import PERIOD_NS, SINK_NS, SOURCE_NS, until


def test_nothing_is_written_when_the_clock_moves():
    instants = {0, SOURCE_NS, PERIOD_NS // 2, SINK_NS}
    assert len(instants) == 4
    assert 0 < SOURCE_NS < PERIOD_NS // 2 < SINK_NS < PERIOD_NS


@pytest.mark.parametrize(
    ("now", "instant", "waits"), [(0, 2, 2), (2, 2, 10), (3, 2, 9), (17, 7, 10), (12, 7, 5), (19, 0, 1)]
)
def test_the_next_instant_is_never_now(monkeypatch, now, instant, waits):
    waited = []

    async def timer(duration, unit):
        waited.append((duration, unit))

    monkeypatch.setattr(stream_agents, "get_sim_time", lambda unit: now)
    monkeypatch.setattr(stream_agents, "Timer", timer)
    with pytest.raises(StopIteration):
        until(instant).send(None)
    assert waited == [(waits, "ns")]
