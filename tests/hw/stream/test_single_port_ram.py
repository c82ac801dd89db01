from __future__ import annotations

import random
from pathlib import Path

import pytest
from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from tritforge.hw.cost.memory import Port, ram
from tritforge.hw.pipeline import verilog
from tritforge.hw.stream.single_port_ram import single_port_ram
from tritforge.hw.targets.limits import BANK_WORDS
from tritforge.reports.devices import device
from tritforge.reports.synth.fpga import synthesise


class Store(wiring.Component):
    def __init__(self, bits: int, depth: int) -> None:
        self.depth = depth
        super().__init__(
            {
                "address": In((depth - 1).bit_length()),
                "enable": In(1),
                "data": In(bits),
                "word": Out(bits),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        word = single_port_ram(
            m,
            "store",
            len(self.data),
            self.depth,
            address=self.address,
            enable=self.enable,
            data=self.data,
        )
        m.d.comb += self.word.eq(word)
        return m


@pytest.mark.parametrize(
    "depth", [2, 5, BANK_WORDS, BANK_WORDS + 1, BANK_WORDS + 44, 3 * BANK_WORDS]
)
def test_a_word_is_what_was_written_last(depth: int) -> None:
    draw, store = random.Random(depth), Store(5, depth)
    words = [0] * depth
    places = [0, depth - 1, min(BANK_WORDS, depth - 1), BANK_WORDS - 1 if depth > BANK_WORDS else 1]

    async def bench(ctx: object) -> None:
        for _ in range(400):
            address = draw.choice(places) if draw.random() < 0.5 else draw.randrange(depth)
            enable, data = draw.randrange(2), draw.randrange(32)
            ctx.set(store.address, address)  # type: ignore[attr-defined]
            ctx.set(store.enable, enable)  # type: ignore[attr-defined]
            ctx.set(store.data, data)  # type: ignore[attr-defined]
            assert ctx.get(store.word) == words[address]  # type: ignore[attr-defined]
            await ctx.tick()  # type: ignore[attr-defined]
            if enable:
                words[address] = data

    simulator = Simulator(store)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize("part", ["xc7k480t", "xczu7ev"])
def test_what_synthesis_makes_of_it(part: str, tmp_path: Path) -> None:
    """Two banks of 256 words and 44: a LUT for 64 words of a bit, whole cells alone."""
    target = device(part).built_for(cells=False)
    assert target is not None
    source = tmp_path / "store.v"
    source.write_text(verilog.module(Store(5, 300), "store", target))
    made = synthesise([source], tmp_path, "store", tmp_path / "synth", device(part)).total
    estimated = ram(target, 5, 300, Port.SHARED)
    assert (made.lutram, made.ff) == (estimated.lutram, 0)
    assert made.lutram > 0
    assert made.lut + made.inv == estimated.lut
