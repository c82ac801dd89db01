"""The register block against a small master that obeys AXI4-Lite, in every order and under
back-pressure."""

from __future__ import annotations

import gc
import itertools
import re

import pytest
from amaranth.sim import Simulator

from tritforge.hw.stream.axi_lite import IDENTITY, REGISTERS, Registers

VERSION = 0x0001_0203
ADDRESS = {name: 4 * number for number, name in enumerate(REGISTERS)}
OKAY, SLVERR = 0, 2


class Master:
    """Drives one block; every cycle it checks that an answer holds still until it is taken."""

    def __init__(self, block):
        self.block, self.cycle, self.events = block, 0, {}
        self.held = {}

    async def tick(self, ctx):
        for valid, ready, *values in (
            ("bvalid", "bready", "bresp"),
            ("rvalid", "rready", "rdata", "rresp"),
        ):
            now = tuple(ctx.get(getattr(self.block, name)) for name in values)
            if valid in self.held:
                assert ctx.get(getattr(self.block, valid)), f"{valid} fell before it was taken"
                assert self.held[valid] == now
            waiting = ctx.get(getattr(self.block, valid)) and not ctx.get(
                getattr(self.block, ready)
            )
            if waiting:
                self.held[valid] = now
            else:
                self.held.pop(valid, None)
        for name in ("frame", "error"):
            ctx.set(getattr(self.block, name), self.cycle in self.events.get(name, ()))
        await ctx.tick()
        self.cycle += 1

    async def send(self, ctx, valid, ready, **payload):
        """One transfer; returns when it has been taken."""
        ctx.set(getattr(self.block, valid), 1)
        for name, value in payload.items():
            ctx.set(getattr(self.block, name), value)
        for _ in range(20):
            taken = ctx.get(getattr(self.block, ready))
            await self.tick(ctx)
            if taken:
                break
        else:
            raise AssertionError(f"{ready} never came")
        ctx.set(getattr(self.block, valid), 0)

    async def answer(self, ctx, valid, ready, wait, *names):
        """Take one answer, ``wait`` cycles after it came; none may follow."""
        for _ in range(20):
            if ctx.get(getattr(self.block, valid)):
                break
            await self.tick(ctx)
        else:
            raise AssertionError(f"{valid} never came")
        for _ in range(wait):
            await self.tick(ctx)
        result = tuple(ctx.get(getattr(self.block, name)) for name in names)
        ctx.set(getattr(self.block, ready), 1)
        await self.tick(ctx)
        ctx.set(getattr(self.block, ready), 0)
        assert not ctx.get(getattr(self.block, valid))
        return result

    async def read(self, ctx, name, wait=0):
        address = ADDRESS.get(name, name)
        await self.send(ctx, "arvalid", "arready", araddr=address)
        assert ctx.get(self.block.rvalid), "the answer comes in the next cycle"
        data, response = await self.answer(ctx, "rvalid", "rready", wait, "rdata", "rresp")
        assert response == OKAY
        return data

    async def write(self, ctx, name, data, *, order="aw", gap=0, wait=0, strobe=15):
        """``order``: "aw" or "w" first, or "both" in one cycle."""
        block = self.block
        place = {"awaddr": ADDRESS[name]}
        value = {"wdata": data, "wstrb": strobe}
        if order == "both":
            ctx.set(block.wvalid, 1)
            for key, item in value.items():
                ctx.set(getattr(block, key), item)
            assert ctx.get(block.wready)
            await self.send(ctx, "awvalid", "awready", **place)
            ctx.set(block.wvalid, 0)
        else:
            steps = [("awvalid", "awready", place), ("wvalid", "wready", value)]
            for number, (valid, ready, payload) in enumerate(
                steps if order == "aw" else steps[::-1]
            ):
                await self.send(ctx, valid, ready, **payload)
                if number == 0:
                    for _ in range(gap):
                        assert not ctx.get(block.bvalid), "answered before the whole request came"
                        await self.tick(ctx)
        (response,) = await self.answer(ctx, "bvalid", "bready", wait, "bresp")
        return response


def run(bench, events=None):
    block = Registers(VERSION)
    master = Master(block)
    master.events = events or {}
    done = []

    async def testbench(ctx):
        await bench(ctx, master)
        done.append(True)

    simulator = Simulator(block)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    assert done


@pytest.mark.parametrize("wait", [0, 1, 5])
def test_identity_version_and_what_lies_beyond(wait):
    async def bench(ctx, master):
        assert (
            await master.read(ctx, "identity", wait) == IDENTITY == int.from_bytes(b"TRIT", "big")
        )
        assert await master.read(ctx, "version", wait) == VERSION
        assert await master.read(ctx, 24, wait) == await master.read(ctx, 28, wait) == 0

    run(bench)


def test_frames_are_counted():
    async def bench(ctx, master):
        while master.cycle < 10:
            await master.tick(ctx)
        assert await master.read(ctx, "frames") == 4

    run(bench, {"frame": {1, 2, 3, 7}})


def test_cycles_are_those_since_reset():
    async def bench(ctx, master):
        first = master.cycle
        low = await master.read(ctx, "cycles_low")
        assert low == first
        for _ in range(9):
            await master.tick(ctx)
        second = master.cycle
        assert await master.read(ctx, "cycles_low", 3) == second
        assert await master.read(ctx, "cycles_high") == 0

    run(bench)


@pytest.mark.parametrize(
    ("order", "gap", "wait"),
    [*itertools.product(["aw", "w"], [0, 1, 4], [0, 3]), ("both", 0, 0), ("both", 0, 3)],
)
def test_an_error_stays_until_it_is_cleared(order, gap, wait):
    async def bench(ctx, master):
        for _ in range(6):
            await master.tick(ctx)
        assert await master.read(ctx, "errors") == 1
        options = {"order": order, "gap": gap, "wait": wait}
        assert await master.write(ctx, "errors", 0, **options) == OKAY
        assert await master.read(ctx, "errors") == 1
        assert await master.write(ctx, "errors", 1, strobe=14, **options) == OKAY
        assert await master.read(ctx, "errors") == 1
        assert await master.write(ctx, "errors", 1, **options) == OKAY
        assert await master.read(ctx, "errors") == 0

    run(bench, {"error": {2}})


@pytest.mark.parametrize("name", [name for name in REGISTERS if name != "errors"])
def test_the_others_are_read_only(name):
    async def bench(ctx, master):
        assert await master.write(ctx, name, 1) == SLVERR
        assert await master.read(ctx, "identity") == IDENTITY

    run(bench)


def test_an_error_in_the_cycle_of_a_clear_is_kept():
    async def bench(ctx, master):
        assert await master.write(ctx, "errors", 1) == OKAY
        assert await master.read(ctx, "errors") == 1

    run(bench, {"error": set(range(6))})


def test_a_read_goes_on_while_a_write_waits():
    async def bench(ctx, master):
        await master.send(ctx, "wvalid", "wready", wdata=1, wstrb=15)
        assert await master.read(ctx, "version", 2) == VERSION
        await master.send(ctx, "awvalid", "awready", awaddr=ADDRESS["errors"])
        assert not ctx.get(master.block.awready)
        await master.tick(ctx)
        assert await master.read(ctx, "identity") == IDENTITY
        assert ctx.get(master.block.bvalid)
        assert await master.answer(ctx, "bvalid", "bready", 0, "bresp") == (OKAY,)

    run(bench)


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_the_version_is_checked():
    with pytest.raises(TypeError, match=r"^version must be an int, not '1'$"):
        Registers("1")
    with pytest.raises(ValueError, match=f"^{re.escape('version must be in 0..2^32-1, not -1')}$"):
        Registers(-1)
    gc.collect()  # what was refused is never elaborated, and must say so while that is ignored
