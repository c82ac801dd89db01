"""Runs one unit in Amaranth's simulator: beats in, beats out, every rule of the stream checked on
the way."""

from __future__ import annotations

import random
import warnings
from dataclasses import dataclass

import numpy as np
import pytest
from amaranth.hdl import Fragment, UnusedElaboratable
from amaranth.sim import Simulator

from tests.targets import FORMS
from tritforge.hw.pipeline.stage import Stage, StageCircuit
from tritforge.hw.stream.event_graph import EventGraph
from tritforge.hw.targets.target import Modelled

PLATFORMS = pytest.mark.parametrize(
    "platform",
    [Modelled(target) for target in FORMS.values()],
    ids=list(FORMS),
)
"""What rows are made of: operators, or cells of a device."""


@dataclass(frozen=True)
class WholeStage:
    """A stage of a plan as one unit."""

    stage: Stage

    @property
    def i(self):
        return self.stage.input(0)

    @property
    def o(self):
        return self.stage.o

    @property
    def frame_beats(self):
        return self.stage.units[-1].frame_beats

    @property
    def interval_cycles(self):
        return sum(unit.interval_cycles for unit in self.stage.units)

    def component(self):
        return StageCircuit(self.stage)

    def schedule(self, graph, channel):
        return self.stage.schedule(graph, channel)


def run(unit, beats, frames, *, seed=None, gap=0, platform=None):
    """Feed ``beats`` (payloads of ``frames`` frames) to the unit; return its payloads and the cycle
    of each.

    Cycle 0 is the one in which the first beat is accepted. With ``seed`` both sides pause at
    random. After each beat the taker is not ready for ``gap`` cycles. ``platform`` chooses what
    rows are made of.
    """
    expected = unit.frame_beats * frames
    chance = random.Random(seed)
    pause = (lambda: chance.random() < 0.5) if seed is not None else (lambda: False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnusedElaboratable)
        component = unit.component()
    payloads, cycles, first = [], [], None

    async def bench(ctx):
        nonlocal first
        sent, cycle, held, busy = 0, 0, None, 0
        await ctx.tick()  # the first words of the ROMs are read while nothing has arrived yet
        offering = False
        while len(payloads) < expected or sent < len(beats):
            offering = offering or (sent < len(beats) and not pause())  # valid stays until taken
            ctx.set(component.i.valid, offering)
            if offering:
                ctx.set(component.i.payload, beats[sent])
            ready = not pause() and not busy
            busy = max(0, busy - 1)
            ctx.set(component.o.ready, not ready)
            valid = ctx.get(component.o.valid)
            ctx.set(component.o.ready, ready)
            assert ctx.get(component.o.valid) == valid, "valid depends on ready"
            payload = ctx.get(component.o.payload)
            assert held is None or (valid and payload == held), "a beat changed before it was taken"
            held = payload if valid and not ready else None
            if offering and ctx.get(component.i.ready):
                first = cycle if first is None else first
                sent, offering = sent + 1, False
            if valid and ready:
                busy = gap
                payloads.append(payload)
                cycles.append(cycle)
            await ctx.tick()
            cycle += 1
            assert cycle < 50 * (expected + len(beats) + unit.interval_cycles * frames + 50), (
                f"{len(payloads)} of {expected} beats"
            )
        ctx.set(component.i.valid, 0)
        ctx.set(component.o.ready, 1)
        for _ in range(20):
            assert not ctx.get(component.o.valid), "a beat too many"
            await ctx.tick()

    simulator = Simulator(Fragment.get(component, platform))
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return payloads, [cycle - first for cycle in cycles]


def planned(unit, frames, gap=0, beats=None):
    """Cycle of every beat of the unit by its own schedule, with a taker as in ``run``.

    ``beats`` is what arrives each frame; only a unit that does not take its first beat at once
    needs it.
    """
    graph = EventGraph(frames)
    source = None if beats is None else graph.source(beats)
    channel = unit.schedule(graph, source)
    steps = unit.frame_beats * (gap + 1)
    taken = graph.chain("taker", channel, steps, range(0, steps, gap + 1), [])
    graph.solve()
    first = 0 if source is None else source.producer.time[0]
    return (taken.producer.time[:: gap + 1] - first).tolist()


def check(unit, beats, expected, frames, platform=None):
    """The unit makes ``expected`` in the planned cycles, also before a slow taker, and under
    pauses."""
    payloads, cycles = run(unit, beats, frames, platform=platform)
    assert payloads == expected
    assert cycles == planned(unit, frames, beats=len(beats) // frames)
    for gap in (1, 4):  # a slow neighbour behind the unit
        payloads, cycles = run(unit, beats, frames, gap=gap, platform=platform)
        assert payloads == expected
        assert cycles == planned(unit, frames, gap, len(beats) // frames)
    for seed in (1, 2):
        assert run(unit, beats, frames, seed=seed, platform=platform)[0] == expected


def tensor(dtype, shape, seed=0):
    """Random elements of ``dtype``, both ends of its range among them."""
    values = np.random.default_rng(seed).integers(dtype.minimum, dtype.maximum + 1, size=shape)
    values.flat[0], values.flat[-1] = dtype.minimum, dtype.maximum
    return values
