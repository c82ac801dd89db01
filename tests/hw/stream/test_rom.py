import itertools
import random

import numpy as np
import pytest
from amaranth import *
from amaranth.hdl import Fragment
from amaranth.sim import Simulator

from tests.targets import ECP5, GENERIC, XC7
from tritforge.export.artifacts.packing import TRIT_CODES, Packing, pack
from tritforge.export.artifacts.rom import Role, RomImage
from tritforge.hw.pipeline import verilog
from tritforge.hw.stream.rom import ByteDecoder, Rom, RomFiles, files, read_ahead, trit_codes
from tritforge.hw.targets.target import Modelled


@pytest.mark.parametrize("platform", [None, Modelled(XC7)])
def test_decoder_over_all_bytes_of_five_trits(platform):
    decoder = ByteDecoder()

    async def bench(ctx):
        every = np.array(list(itertools.product((-1, 0, 1), repeat=5)))
        for byte, trits in zip(pack(every, Packing.FIVE_IN_EIGHT), every.tolist(), strict=True):
            ctx.set(decoder.byte, byte)
            codes = [(ctx.get(decoder.codes) >> 2 * at) & 3 for at in range(5)]
            assert codes == [TRIT_CODES[trit] for trit in trits]

    simulator = Simulator(Fragment.get(decoder, platform))
    simulator.add_testbench(bench)
    simulator.run()


def test_a_decoder_is_nine_luts():
    text = verilog._convert(ByteDecoder(), "decoder", RomFiles(XC7))
    assert text.count("LUT6_2 #(") == 9


def test_weights_in_two_memories():
    image = RomImage("conv", Role.WEIGHTS, 104, tuple(range(4608)))
    assert [(part.stem, part.depth) for part in files(image, 4096)] == [
        ("conv.weights", 4096),
        ("conv.weights_high", 512),
    ]
    assert sum((part.words for part in files(image, 4096)), ()) == image.words
    assert files(image) == (image,)


def test_codes_of_a_word_do_not_depend_on_the_packing():
    trits = np.random.default_rng(0).integers(-1, 2, size=(20, 7)).astype(np.int8)
    for packing in Packing:
        module, word = Module(), Signal(16)
        codes = Signal(14)
        module.d.comb += codes.eq(Cat(trit_codes(module, word, 7, packing)))

        async def bench(ctx, word=word, codes=codes, packing=packing):
            for row, packed in zip(trits, pack(trits, packing), strict=True):
                ctx.set(word, packed)
                assert [(ctx.get(codes) >> 2 * at) & 3 for at in range(7)] == [
                    TRIT_CODES[t] for t in row.tolist()
                ]

        simulator = Simulator(module)
        simulator.add_testbench(bench)
        simulator.run()


def test_rom_reads_only_while_enabled():
    rom = Rom(RomImage("layer", Role.WEIGHTS, 8, (3, 1, 4, 1, 5)))

    async def bench(ctx):
        ctx.set(rom.enable, 1)
        for address, word in enumerate((3, 1, 4, 1, 5)):
            ctx.set(rom.address, address)
            await ctx.tick()
            assert ctx.get(rom.data) == word
        ctx.set(rom.enable, 0)
        ctx.set(rom.address, 0)
        await ctx.tick()
        assert ctx.get(rom.data) == 5

    simulator = Simulator(rom)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize(
    ("target", "depth", "role", "style"),
    [
        (XC7, 65, Role.SCHEDULE, '"lut6"'),
        (XC7, 64, Role.SCHEDULE, '"auto"'),
        (GENERIC, 65, Role.SCHEDULE, '"auto"'),
        (ECP5, 65, Role.SCHEDULE, '"auto"'),
        (XC7, 4096, Role.WEIGHTS, '"block"'),
        (GENERIC, 4096, Role.WEIGHTS, '"auto"'),
    ],
)
def test_what_a_rom_is_made_of(target, depth, role, style):
    image = RomImage("conv", role, 8, tuple(0x80 | at % 100 for at in range(depth)))
    text = verilog._convert(Rom(image), "rom", RomFiles(target))
    assert f".STYLE({style})" in text
    assert (".VARYING(8'h7f)" in text) == (style == '"lut6"')


@pytest.mark.parametrize("words", [1, 2, 3, 4, 7, 16])
def test_words_are_there_before_their_step(words):
    image = RomImage("w", Role.SPREAD, 5, tuple(at * 11 % 32 for at in range(words)))
    module, step, draw = Module(), Signal(), random.Random(words)
    module.submodules.rom = rom = Rom(image)
    last = read_ahead(module, rom, words, step)

    async def bench(ctx):
        await ctx.tick()  # behind reset
        for at in range(5 * words):
            while True:
                assert ctx.get(rom.data) == image.words[at % words]
                assert ctx.get(last) == (at % words == words - 1)
                moves = draw.randrange(2)
                ctx.set(step, moves)
                await ctx.tick()
                if moves:
                    break

    simulator = Simulator(module)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
