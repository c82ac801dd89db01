"""Memories and ROMs: what synthesis makes of them, by the sizes at which it changes its mind."""

import random

import numpy as np
import pytest

from tests.targets import ECP5, GENERIC, XC7
from tritforge.export.artifacts.packing import Packing
from tritforge.export.artifacts.rom import Role, RomImage
from tritforge.hw.cost.memory import Port, _logic, ram, rom, weights_rom
from tritforge.hw.targets.cost import UNKNOWN, Cost, total
from tritforge.hw.targets.ecp5.family import Ecp5
from tritforge.hw.targets.memory import JOINED, MemoryStyle
from tritforge.hw.targets.target import Target
from tritforge.hw.targets.xc7.family import Xc7
from tritforge.hw.targets.xcup.family import Xcup


@pytest.mark.parametrize(
    ("depth", "bits", "lutram", "blocks"),
    [
        (2, 1, 0, 0),
        (2, 6, 4, 0),
        (32, 103, 72, 0),
        (33, 48, 64, 0),
        (65, 25, 60, 0),
        (65, 27, 0, 1),
        (96, 24, 48, 0),
        (128, 21, 56, 0),
        (128, 22, 0, 1),
        (129, 14, 60, 0),
        (129, 15, 0, 1),
        (200, 10, 64, 0),
        (256, 11, 0, 1),
        (256, 37, 0, 2),
        (300, 8, 60, 0),
        (512, 4, 64, 0),
        (512, 5, 0, 1),
        (512, 73, 0, 3),
        (1024, 2, 64, 0),
        (1024, 40, 0, 3),
        (2048, 10, 0, 2),
        (4096, 20, 0, 5),
    ],
)
def test_a_memory_of_two_ports_is_what_yosys_makes(
    depth: int, bits: int, lutram: int, blocks: int
) -> None:
    """Found with Yosys 0.70: memory_libmap on a memory of these sizes."""
    found = ram(XC7, bits, depth)
    assert (found.lutram, found.bram18) == (lutram, blocks)
    assert found.ff == (0 if blocks else bits if lutram else bits + bits * depth)


@pytest.mark.parametrize(
    ("depth", "bits", "port", "lutram", "blocks"),
    [
        (16, 7, Port.SHARED, 4, 0),
        (48, 45, Port.SHARED, 45, 0),
        (65, 21, Port.SHARED, 42, 0),
        (129, 14, Port.SHARED, 42, 0),
        (200, 8, Port.SHARED, 32, 0),
        (512, 37, Port.SHARED, 296, 0),
        (256, 37, Port.REGISTERED, 0, 2),
        (512, 7, Port.REGISTERED, 56, 0),
        (512, 8, Port.REGISTERED, 0, 1),
        (1024, 3, Port.REGISTERED, 48, 0),
        (1024, 4, Port.REGISTERED, 0, 1),
    ],
)
def test_a_memory_of_one_port(depth: int, bits: int, port: Port, lutram: int, blocks: int) -> None:
    found = ram(XC7, bits, depth, port)
    assert (found.lutram, found.bram18) == (lutram, blocks)
    assert found.ff == (bits if port is Port.REGISTERED and not blocks else 0)


def test_parts_that_are_written_one_by_one_are_memories_of_their_own() -> None:
    assert ram(XC7, 5 * 3, 16, enables=5).lutram == 5 * 4
    assert ram(XC7, 8 * 2, 512, block=True, enables=8).bram18 == 2


def test_a_rom_as_logic_has_a_flip_flop_for_each_column_that_differs() -> None:
    image = RomImage(
        "layer", Role.WEIGHTS, 4, tuple(0b1000 | (word & 1) * 0b0101 for word in range(8))
    )
    found = rom(
        XC7, image
    )  # bit 3 is 1, bit 1 is 0, bits 0 and 2 are the same: the address's lowest
    assert (found.ff, found.lut, found.bram18) == (1, 0, 0)


def test_a_large_rom_is_in_blocks() -> None:
    image = RomImage(
        "layer",
        Role.WEIGHTS,
        36,
        tuple(word << 27 | (511 - word) * 0x1_0201 for word in range(512)),
    )
    assert (rom(XC7, image).bram18, rom(XC7, image).ff) == (1, 0)


def test_constant_columns_take_no_part_of_a_block() -> None:
    varying = [word * 0x55555 & (1 << 36) - 1 for word in range(512)]
    image = RomImage("layer", Role.WEIGHTS, 72, tuple(word << 36 | 0xFFFF for word in varying))
    assert rom(XC7, image).bram18 == 1


def test_banks_lie_side_by_side_in_one_block() -> None:
    """Three banks of 512 words of 10 bits are 30 of a block's 36 bits; a LUT5 each takes one of
    three."""
    rng = np.random.default_rng(0)
    image = RomImage(
        "layer", Role.WEIGHTS, 10, tuple(int(word) for word in rng.integers(0, 1 << 10, 1414))
    )
    found = rom(XC7, image)
    assert (found.bram18, found.ff, found.lut) == (1, 2, 10)


@pytest.mark.parametrize(
    ("depth", "bits", "blocks", "registers"), [(2344, 15, 3, 2), (2218, 24, 4, 3), (1105, 54, 5, 2)]
)
def test_banks_that_are_written_take_whole_bytes(
    depth: int, bits: int, blocks: int, registers: int
) -> None:
    """As counted in netlists of FIFOs."""
    found = ram(XC7, bits, depth)
    assert (found.bram18, found.ff) == (blocks, registers)


@pytest.mark.parametrize(
    ("family", "depth", "bits", "lutram", "blocks", "registers"),
    [
        (Xcup, 32, 14, 8, 0, 14),
        (Xcup, 32, 15, 16, 0, 15),
        (Xcup, 64, 7, 8, 0, 7),
        (Xcup, 64, 40, 48, 0, 40),
        (Xcup, 100, 20, 48, 0, 20),
        (Xcup, 128, 32, 0, 1, 0),
        (Xcup, 600, 12, 0, 1, 0),
        (Ecp5, 16, 4, 4, 0, 4),
        (Ecp5, 16, 5, 8, 0, 5),
        (Ecp5, 37, 64, 192, 0, 64),
        (Ecp5, 40, 9, 36, 0, 9),
        (Ecp5, 64, 40, 160, 0, 40),
        (Ecp5, 100, 20, 0, 1, 2 * 20 + 7 + 2),
        (Ecp5, 128, 32, 0, 1, 2 * 32 + 7 + 2),
        (Ecp5, 936, 5, 0, 1, 2 * 5 + 10 + 2),
        (Ecp5, 936, 8, 0, 1, 2 * 8 + 10 + 2),
    ],
)
def test_memories_of_other_families(
    family: type[Target], depth: int, bits: int, lutram: int, blocks: int, registers: int
) -> None:
    """As counted in netlists of FIFOs."""
    found = ram(family(cells=False), bits, depth)
    assert (found.lutram, found.bram18, found.ff) == (lutram, blocks, registers)


@pytest.mark.parametrize(
    ("lanes", "depth", "blocks"),
    [
        ([8, 9], 128, 2),
        ([10, 10], 192, 2),
        ([13, 12, 12], 128, 4),
        ([10, 9], 20, 0),
        ([8, 9], 100, 0),
    ],
)
def test_a_rom_of_several_addresses_has_a_copy_for_each(
    lanes: list[int], depth: int, blocks: int
) -> None:
    """As counted in netlists of thresholds: the third address's bits lie across two blocks of
    36."""
    part = max(lanes)
    rng = np.random.default_rng(0)
    words = [
        sum(int(rng.integers(0, 1 << bits)) << lane * part for lane, bits in enumerate(lanes))
        for _ in range(depth)
    ]
    image = RomImage("layer", Role.THRESHOLDS, part * len(lanes), tuple(words))
    assert rom(Ecp5(cells=False), image, len(lanes)).bram18 == blocks


@pytest.mark.parametrize(("bits", "registers"), [(5, 2 * 5), (3, 2 * 3), (9, None)])
def test_a_tiny_memory_of_ecp5_is_flip_flops(bits: int, registers: int | None) -> None:
    """Two words: dearer than a cell of 16 x 4 by two bits at most."""
    found = ram(Ecp5(cells=False), bits, 2, Port.SHARED)
    assert (found.ff, found.lutram) == ((registers, 0) if registers else (0, 4 * -(-bits // 4)))


def test_copies_of_a_block_share_what_guards_them() -> None:
    """As counted in netlists of skip: u4 with one reader, u3 with two, s4 with sixteen."""
    ecp5 = Ecp5(cells=False)
    for bits, copies, registers in ((4, 1, 18), (3, 2, 17), (4, 16, 33)):
        found = ram(ecp5, bits, 256, block=True, copies=copies)
        assert (found.bram18, found.ff) == (copies, registers)
    for family, bits, depth, port, block in (
        (Xc7, 4, 256, Port.SEPARATE, True),
        (Xc7, 22, 128, Port.SEPARATE, False),
        (Ecp5, 5, 64, Port.SEPARATE, False),
        (Ecp5, 3, 2, Port.SHARED, False),
        (Xcup, 2, 257, Port.SHARED, False),
    ):
        technology = family(cells=False)
        assert ram(technology, bits, depth, port, block=block, copies=3) == (
            ram(technology, bits, depth, port, block=block) * 3
        )


@pytest.mark.parametrize(
    ("family", "bits", "depth", "blocks"),
    [
        (Xc7, 5, 512, True),  # as Yosys 0.70 decides on either side of each border
        (Xc7, 4, 512, False),
        (Xcup, 12, 256, False),
        (Xcup, 13, 256, True),
        (Xcup, 25, 100, False),
        (Xcup, 26, 100, True),
        (Ecp5, 19, 80, False),
        (Ecp5, 20, 80, True),
        (Ecp5, 7, 192, False),
        (Ecp5, 8, 192, True),
        (Ecp5, 32, 48, False),
        (Ecp5, 33, 48, True),
    ],
)
def test_where_a_memory_of_two_ports_goes_to_blocks(
    family: type[Target], bits: int, depth: int, blocks: bool
) -> None:
    found = ram(family(cells=False), bits, depth)
    assert (found.bram18 > 0, found.lutram > 0) == (blocks, not blocks)


def test_banks_of_ultrascale_are_as_counted() -> None:
    """Three RAM64M8 rather than five RAM32M16, Yosys 0.70."""
    assert ram(Xcup(), 2, 160).lutram == 24


def test_what_stops_yosys_is_unknown() -> None:
    """A registered memory of one port of more than 256 words in LUTs of UltraScale+ has no
    mapping."""
    wide = Xcup(cells=False)
    assert ram(wide, 2, 256, Port.REGISTERED).lutram == 8
    assert ram(wide, 2, 257, Port.REGISTERED) == UNKNOWN


@pytest.mark.parametrize("family", [Xc7, Xcup, Ecp5])
def test_a_deep_memory_of_one_port_is_in_banks(family: type[Target]) -> None:
    technology = family(cells=False)
    bank, rest = ram(technology, 3, 256, Port.SHARED), ram(technology, 3, 44, Port.SHARED)
    found = ram(technology, 3, 556, Port.SHARED)
    assert found.lutram == 2 * bank.lutram + rest.lutram > 0
    assert found.lut > 2 * bank.lut + rest.lut
    assert ram(technology, 3, 257, Port.SHARED).ff == 3  # a word of its own


@pytest.mark.parametrize(("depth", "blocks"), [(65, 0), (66, 1)])
def test_a_rom_of_lut4_goes_to_blocks_sooner(depth: int, blocks: int) -> None:
    """A block costs 128 and its enable 2, a ROM as logic a 16th of its bits: 65 words of 32 are as
    dear."""
    draw = random.Random(0)
    image = RomImage("layer", Role.WEIGHTS, 32, tuple(draw.getrandbits(32) for _ in range(depth)))
    assert rom(Ecp5(cells=False), image).bram18 == blocks


def _unread() -> RomImage:
    raise AssertionError("a memory in blocks is not looked into")


def test_decoders_are_nine_luts_for_each_byte_and_calibrated_without_cells() -> None:
    """512 trits are 103 bytes; 1,024 words of 824 bits are 46 blocks."""
    found = weights_rom(XC7, _unread, 1024, Packing.FIVE_IN_EIGHT, 512)
    assert (found.lut, found.sites, found.bram18) == (927, 927, 46)
    technology = GENERIC
    generic = weights_rom(technology, _unread, 1024, Packing.FIVE_IN_EIGHT, 512)
    assert (generic.lut, generic.bram18) == (technology.logic("decoder", decoders=103).lut, 46)
    assert generic.lut is not None
    assert generic.lut > found.lut


def test_roms_of_the_ecp5_are_the_same_with_its_cells() -> None:
    """Cells are for rows of additions; ROMs and decoders stay operators."""
    cells, generic = ECP5, Ecp5(cells=False)
    generator = random.Random(0)
    image = RomImage("t", Role.THRESHOLDS, 12, tuple(generator.getrandbits(12) for _ in range(120)))
    assert rom(cells, image) == rom(generic, image)
    weights = RomImage("w", Role.WEIGHTS, 16, tuple(generator.getrandbits(16) for _ in range(20)))
    found = [
        weights_rom(kind, lambda: weights, 20, Packing.FIVE_IN_EIGHT, 9)
        for kind in (cells, generic)
    ]
    assert found[0] == found[1]


def test_weights_in_two_memories_have_a_lut_a_bit_to_choose() -> None:
    """Of 1,152 words of 128 bits the upper 128 are in LUTs."""
    generator = random.Random(0)
    image = RomImage("w", Role.WEIGHTS, 128, tuple(generator.getrandbits(128) for _ in range(1152)))
    found = weights_rom(XC7, lambda: image, 1152, Packing.TWO_BIT, 64, split=1024)
    lower, upper = image.split(1024)
    assert found == total([rom(XC7, lower), rom(XC7, upper), Cost(lut=128, sites=64, ff=1)])
    assert found.bram18 == rom(XC7, lower).bram18 > 0


def test_a_joined_rom_has_a_lut_for_64_words_of_a_column() -> None:
    """The first bit is the address's, the second always 1, the third the same in both halves."""
    words = tuple((at & 1) | 2 | ((at % 64) * 7 % 11 > 5) << 2 for at in range(128))
    image = RomImage("s", Role.SCHEDULE, 3, words)
    assert XC7.rom_style(image.varying_bits(1), 128, MemoryStyle.AUTO) == JOINED
    assert image.varying == 0b101
    assert rom(XC7, image) == Cost(lut=1, sites=1, ff=2)
    generator = random.Random(0)
    deep = RomImage("t", Role.THRESHOLDS, 4, tuple(generator.getrandbits(4) for _ in range(600)))
    assert deep.varying == 0b1111
    assert rom(XC7, deep) == Cost(
        lut=4 * 10 + 4, sites=4 * 10 + 4, ff=4
    )  # three groups of 256 words


def made_of(image: RomImage, style: MemoryStyle = MemoryStyle.AUTO) -> str:
    """STYLE of the ROM with cells of the 7 series."""
    return str(XC7.rom_style(image.varying_bits(1), image.depth, style))


def test_what_a_rom_is_made_of_does_not_depend_on_the_words() -> None:
    for depth in (64, 65, 128, 1024):
        same, other = (RomImage("w", Role.WEIGHTS, 16, (word,) * depth) for word in (0, 77))
        wanted = {64: "auto", 65: JOINED, 128: JOINED, 1024: "block"}[depth]
        assert made_of(same) == made_of(other) == wanted
        assert same.varying == other.varying
    assert made_of(RomImage("w", Role.WEIGHTS, 2, (1,) * 100), MemoryStyle.BLOCK) == "block"
    assert made_of(RomImage("w", Role.WEIGHTS, 16, (1,) * 1024), MemoryStyle.DISTRIBUTED) == JOINED


def test_operators_leave_the_choice_to_synthesis() -> None:
    assert GENERIC.rom_style([16], 1024, MemoryStyle.AUTO) == "auto"
    assert ECP5.rom_style([16], 1024, MemoryStyle.DISTRIBUTED) == "distributed"


def test_a_single_word_is_a_register() -> None:
    assert ram(XC7, 5, 1) == Cost(ff=10)
    assert ram(XC7, 5, 1, Port.SHARED, copies=2) == Cost(ff=10)


def test_bits_without_a_trit_are_looked_at_where_synthesis_decides() -> None:
    """Two trits of five in a byte leave bits constant: without them logic is cheaper than a
    block."""
    image = RomImage("w", Role.WEIGHTS, 8, tuple(at * 7 % 9 for at in range(1728)))
    generic = GENERIC
    assert weights_rom(generic, lambda: image, 1728, Packing.FIVE_IN_EIGHT, 2).bram18 == 0
    assert weights_rom(XC7, _unread, 1728, Packing.FIVE_IN_EIGHT, 2).bram18 == 1
    assert weights_rom(generic, _unread, 1728, Packing.FIVE_IN_EIGHT, 5).bram18 == 1


def test_the_style_of_a_memory_is_obeyed() -> None:
    image = RomImage("w", Role.WEIGHTS, 8, tuple(range(64)))
    blocks = weights_rom(XC7, _unread, 64, Packing.TWO_BIT, 4, MemoryStyle.BLOCK)
    assert (blocks.bram18, blocks.lut) == (1, 0)
    large = RomImage("w", Role.WEIGHTS, 16, tuple(range(1024)))
    assert weights_rom(XC7, lambda: image, 64, Packing.TWO_BIT, 4).bram18 == 0
    assert weights_rom(XC7, _unread, 1024, Packing.TWO_BIT, 8).bram18 == 1
    assert (
        weights_rom(XC7, lambda: large, 1024, Packing.TWO_BIT, 8, MemoryStyle.DISTRIBUTED).bram18
        == 0
    )


@pytest.mark.parametrize(
    ("bits", "depth", "luts", "registers", "blocks"),
    [(10, 600, 10, 11, 1), (4, 1000, 4, 5, 1), (24, 600, 24, 25, 2)],
)
def test_a_block_of_the_ecp5_that_is_read_where_it_is_written_keeps_its_word(
    bits: int, depth: int, luts: int, registers: int, blocks: int
) -> None:
    """As counted in netlists."""
    found = ram(Ecp5(cells=False), bits, depth, Port.REGISTERED)
    assert found == Cost(lut=luts, ff=registers, bram18=blocks, sites=None)


def test_banks_that_nothing_reads_vanish() -> None:
    """Of 16 banks every other one: as counted in configuration 64,011 of the estimator."""
    ecp5 = Ecp5(cells=False)
    whole, half = ram(ecp5, 3, 256), ram(ecp5, 3, 256, zeros=16)
    assert (whole.lutram, half.lutram) == (64, 32)
    assert half.lut == ram(ecp5, 3, 128).lut < whole.lut


def test_a_part_of_a_column_that_is_easy_is_joined_and_no_lut() -> None:
    rng = np.random.default_rng(0)
    hard = rng.integers(0, 2, (2, 16)).astype(np.uint8)
    low = (np.arange(16) & 1).astype(np.uint8)
    columns = np.array(
        [np.concatenate(parts) for parts in ((low, hard[0]), hard, (low * 0, hard[1]))]
    )
    assert _logic(ECP5.MEMORY, columns) == (1 + 2 + 1, 1 + 0 + 1, 3)
