import random

import pytest
from amaranth import *
from amaranth.hdl import Fragment
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from tests.targets import GENERIC
from tritforge.hw.pipeline import verilog
from tritforge.hw.stream.counter import modulo_counter, ring_address
from tritforge.reports.devices import device
from tritforge.reports.synth.fpga import synthesise


class Counter(wiring.Component):
    """A counter with its step and what :func:`modulo_counter` returns; ``shorter`` may make it go back
    early."""

    def __init__(self, values, by=1, bits=None):
        self.values, self.by = values, by
        bits = bits or max(1, (values - by).bit_length())
        super().__init__({"step": In(1), "shorter": In(1), "turns": Out(1), "value": Out(bits)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.turns.eq(
            modulo_counter(m, self.value, self.values, self.step, self.by, self.last())
        )
        return m

    def last(self):
        return None


class Varying(Counter):
    def last(self):
        return (self.value == self.values - 1) | (self.shorter & (self.value == self.values - 2))


def run(counter, wanted):
    """Drive it at random; ``wanted(value, shorter)`` says where it goes back."""
    rng = random.Random(counter.values)

    async def bench(ctx):
        value = 0
        for _ in range(6 * counter.values + 20):
            step, shorter = rng.random() < 0.7, rng.random() < 0.3
            ctx.set(counter.step, step)
            ctx.set(counter.shorter, shorter)
            assert ctx.get(counter.value) == value
            last = wanted(value, shorter)
            assert ctx.get(counter.turns) == (step and last)
            if step:
                value = 0 if last else value + counter.by
            await ctx.tick()

    simulator = Simulator(counter)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("by", [1, 2, 3])
@pytest.mark.parametrize("values", [*range(2, 18), 31, 32, 33])
def test_goes_through_its_values_and_back(values, by):
    counter = Counter(values * by, by)
    run(counter, lambda value, _: value == (values - 1) * by)


def test_a_signal_wider_than_its_values_does_not_go_on():
    run(Counter(8, bits=4), lambda value, _: value == 7)


def test_a_single_value_is_no_counter():
    step, module = Signal(), Module()
    assert modulo_counter(module, Signal(), 4, step, by=4) is step
    assert not Fragment.get(module, None).statements


@pytest.mark.parametrize("values", [3, 4, 8, 9])
def test_where_it_goes_back_may_vary(values):
    run(
        Varying(values),
        lambda value, shorter: value == values - 1 or (shorter and value == values - 2),
    )


def test_the_luts_do_not_depend_on_the_ones_of_the_last_value(tmp_path):
    def luts(values):
        source = tmp_path / f"counter_{values}.v"
        source.write_text(verilog.module(Counter(values), f"counter_{values}", GENERIC))
        made = synthesise(
            [source], tmp_path, f"counter_{values}", tmp_path / str(values), device("xc7k480t")
        ).total
        return made.lut + made.inv

    assert luts(5) == luts(7)
    assert luts(65) == luts(127)


@pytest.mark.parametrize("depth", range(1, 14))
def test_a_ring_address_is_right_for_every_distance(depth):
    """Exhaustive: every address, every distance up to four times around."""
    address, ahead = Signal(range(max(2, depth))), Signal(range(4 * depth + 2))
    found = {
        most: Signal(range(max(2, depth))) for most in (None, depth + 1, 2 * depth, 4 * depth + 1)
    }
    m = Module()
    for most, value in found.items():
        m.d.comb += value.eq(ring_address(m, f"to_{most}", address, ahead, depth, most))

    async def bench(ctx):
        for start in range(depth):
            ctx.set(address, start)
            for distance in range(4 * depth + 2):
                ctx.set(ahead, distance)
                for most, value in found.items():
                    if distance <= (depth if most is None else most):
                        assert ctx.get(value) == (start + distance) % depth, (start, distance, most)

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
