import itertools

import numpy as np
from amaranth import *
from amaranth.sim import Simulator

from export.packing import TRIT_CODES, Packing, pack
from export.rom import RomImage
from hw.rom import ByteDecoder, Rom, trit_codes


def test_decoder_over_all_bytes_of_five_trits():
    decoder = ByteDecoder()

    async def bench(ctx):
        every = np.array(list(itertools.product((-1, 0, 1), repeat=5)))
        for byte, trits in zip(pack(every, Packing.FIVE_IN_EIGHT), every.tolist(), strict=True):
            ctx.set(decoder.byte, byte)
            codes = [(ctx.get(decoder.codes) >> 2 * at) & 3 for at in range(5)]
            assert codes == [TRIT_CODES[trit] for trit in trits]

    simulator = Simulator(decoder)
    simulator.add_testbench(bench)
    simulator.run()


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
    rom = Rom(RomImage("layer", "weights", 8, (3, 1, 4, 1, 5)))

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
