from __future__ import annotations

import itertools
import random
import re

import pytest

from tritforge.sim.stalls import Patience, Stalls, log_uniform


def test_lengths_of_every_scale_and_none_beyond():
    generator = random.Random(0)
    lengths = [log_uniform(generator, 1000) for _ in range(3000)]
    assert min(lengths) == 1
    assert 900 < max(lengths) <= 1000
    assert sum(length <= 31 for length in lengths) > 1200
    assert {log_uniform(generator, 1) for _ in range(50)} == {1}


@pytest.mark.parametrize("stalls", Stalls)
def test_a_pattern_pauses_for_less_than_the_bench_waits(stalls):
    pattern = stalls.pattern
    idle = list(itertools.islice(pattern.idle(random.Random(1), 100), 2000))
    assert min(idle) >= 0
    assert max(idle) <= 100
    assert (max(idle) > 0) == (stalls not in (Stalls.NONE, Stalls.SLOW_SINK, Stalls.LONG_STOP))
    if pattern.ready is not None:
        pauses = list(itertools.islice(pattern.ready(random.Random(1), 100), 2000))
        assert all(0 <= low <= 200 and 1 <= high <= 200 for low, high in pauses)
        assert any(low for low, _ in pauses)


def test_names():
    assert Stalls("slow-sink") is Stalls.SLOW_SINK
    assert Stalls.PATIENT.pattern.patience is Patience.AFTER_VALID
    message = (
        "stalls must be one of none, random, slow-source, slow-sink, patient, cycling, long-stop, "
        "one-beat, reset, framing, not 'some'"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Stalls("some")
