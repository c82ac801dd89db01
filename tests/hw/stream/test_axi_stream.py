import pytest
from amaranth.sim import Simulator

from tritforge.export.ir.datatype import DataType
from tritforge.hw.stream.axi_stream import FrameSink, FrameSource, tdata_bits
from tritforge.hw.stream.unit import Beats

U4 = DataType.parse("u4")


@pytest.mark.parametrize(("lanes", "bits"), [(1, 8), (2, 8), (3, 16), (4, 16)])
def test_tdata_is_whole_bytes(lanes, bits):
    assert tdata_bits(Beats(U4, lanes)) == bits


def feed(frames, frame_beats=4):
    """Send ``frames``, TLAST on the last beat of each; return what the core gets, and the error."""
    source = FrameSource(Beats(U4, 2), frame_beats)
    received, errors = [], []

    async def bench(ctx):
        ctx.set(source.o.ready, 1)
        for frame in frames:
            for beat, payload in enumerate(frame):
                ctx.set(source.tvalid, 1)
                ctx.set(source.tdata, payload)
                ctx.set(source.tlast, beat == len(frame) - 1)
                taken = False
                while not taken:
                    taken = ctx.get(source.tready)
                    if ctx.get(source.o.valid):
                        received.append(ctx.get(source.o.payload))
                    await ctx.tick()
            ctx.set(source.tvalid, 0)
            errors.append(ctx.get(source.error))
        for _ in range(2 * frame_beats):
            if ctx.get(source.o.valid):
                received.append(ctx.get(source.o.payload))
            await ctx.tick()

    simulator = Simulator(source)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return received, errors


def test_whole_frames_pass():
    assert feed([[1, 2, 3, 4], [5, 6, 7, 8]]) == ([1, 2, 3, 4, 5, 6, 7, 8], [0, 0])


def test_a_short_frame_is_filled_up_and_the_next_one_is_right():
    assert feed([[1, 2], [5, 6, 7, 8]]) == ([1, 2, 0, 0, 5, 6, 7, 8], [1, 1])
    assert feed([[1, 2, 3], [4], [5, 6, 7, 8]]) == ([1, 2, 3, 0, 4, 0, 0, 0, 5, 6, 7, 8], [1, 1, 1])


def test_a_long_frame_is_cut_and_the_next_one_is_right():
    assert feed([[1, 2, 3, 4, 9, 9], [5, 6, 7, 8]]) == ([1, 2, 3, 4, 5, 6, 7, 8], [1, 1])
    assert feed([[1, 2, 3, 4, 9], [5, 6, 7, 8]]) == ([1, 2, 3, 4, 5, 6, 7, 8], [1, 1])


def test_frames_of_one_beat():
    assert feed([[1], [2], [3, 9], [4]], frame_beats=1) == ([1, 2, 3, 4], [0, 0, 1, 1])


def test_last_beat_of_each_frame_is_marked():
    sink = FrameSink(Beats(U4, 1), 3)
    marks = []

    async def bench(ctx):
        for number in range(12):
            ctx.set(sink.i.valid, number % 4 != 1)
            ctx.set(sink.tready, number % 5 != 2)
            if ctx.get(sink.i.valid & sink.i.ready):
                marks.append(ctx.get(sink.tlast))
            await ctx.tick()

    simulator = Simulator(sink)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    assert marks == [0, 0, 1, 0, 0, 1, 0][: len(marks)]
    assert len(marks) >= 6
