"""What memories and ROMs become: LUTs as memory, blocks, or logic, by the rules with which synthesis chooses.

Yosys (memory_libmap) gives each way to build a memory a cost and takes the cheapest. In the 7 series a block of 18 Kb costs
129 and one of 36 Kb 257, four LUTs as memory 8, less where bits of a word are left over; each bit that has to choose between
two banks a half, each write enable of one of several banks as much; what the way lacks and logic has to do, 2 a step; a ROM
as logic costs a 64th of its bits (a 16th where LUTs have four inputs), another memory as flip-flops as many as its bits. A
memory in LUTs is read without a clock, so its register costs flip-flops; a block has that register inside. UltraScale+ has
the same blocks and eight LUTs a memory, at 16; ECP5 has 16 words of 4 bits in four LUT4, at 4, and blocks of 18 Kb alone, at
128.
Source: Yosys 0.70, share/xilinx/lutrams_xc5v.txt, lutrams_xcu.txt, brams_xc4v.txt, share/lattice/lutrams_trellis.txt,
brams_16kd.txt, synth_xilinx and synth_lattice; costs and choices as memory_libmap itself prints them for 1,300 memories.
"""

import functools
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from tritforge.export.artifacts.packing import TRITS_PER_BYTE, Packing, word_bits
from tritforge.export.artifacts.rom import Role
from tritforge.hw.cost.packing import (
    BLOCK_SHAPES,
    DECODER_LUTS,
    LUT_DEPTH,
    MemoryStyle,
    split_depth,
)
from tritforge.hw.cost.technology import UNKNOWN, Cost, Family, choice_lut4, mux_luts, total
from tritforge.hw.targets.limits import BANK_WORDS
from tritforge.hw.targets.primitives import Primitives

__all__ = ["JOINED", "Port", "made_of", "moving", "ram", "rom", "weights_rom"]

CHOICE_COST = 0.5
"""Of a bit that is chosen from one of two banks, and of a bank's write enable."""

STEP_COST = 2
"""Of a step that logic has to do for a memory."""

ROM_SIZES = {"few": 4, "some": 32, "many": 64, "wide": 128, "tall": 256, "deep": 1 << 60}
"""Words up to which the LUTs of a ROM have a weight of their own."""

JOINED = "lut6"
"""STYLE of tritforge_rom.v: LUT6 that cells of the 7 series join."""

BYTE = 9
"""Bits of a block that are written by one enable, and width of its narrowest shape that has such enables."""


class Port(Enum):
    """How a memory is addressed."""

    SEPARATE = "separate"
    """Written at one address, read at another in the same cycle, into a register."""

    SHARED = "shared"
    """Written and read at one address, read without a register."""

    REGISTERED = "registered"
    """Written and read at one address, read into a register."""


@dataclass(frozen=True)
class _Cell:
    """LUTs as memory: ``depth`` words of ``bits`` bits at a cost of ``fixed`` and ``scaled`` * the share of bits in use.

    ``luts`` : of a cell, or of each of its bits where ``by_bit``, for those that nothing reads vanish.
    """

    depth:  int
    bits:   int
    fixed:  int
    scaled: int
    luts:   int
    by_bit: bool = False

    def cost(self, bits, depth, enables):
        """(cost, LUTs of a bank, banks, words of a bank) of a memory of this size, whose words are written in so many parts."""
        part  = bits // enables
        banks = -(-depth // self.depth)
        bank  = self.fixed * -(-part // self.bits) + self.scaled * part / self.bits
        luts  = self.luts * (part if self.by_bit else -(-part // self.bits))
        return bank * banks * enables + _choice_cost(bits, banks, enables), luts * enables, banks, self.depth


@dataclass(frozen=True)
class _Rules:
    """What a family builds memories of.

    ``two_ports``, ``one_port`` : LUTs as memory, for memories of two addresses and of one.
    ``blocks`` : (cost, blocks of 18 Kb) of each size of block.
    ``chunk`` : words of a ROM that a LUT holds for a bit, and bits of one that cost 1 as logic.
    ``chunks`` : LUTs of a ROM that wide multiplexers join.
    ``choice`` : LUTs of a multiplexer of so many inputs, for a bit; the wide multiplexers behind them are free.
    ``guarded`` : whether synthesis guards a block against reading what is being written: registers for the word read, the
    word written, the address, and two bits; a LUT for each bit chooses. If it is written and read at one address, the word
    read and a bit are enough, as long as it is not wider than half of the widest block.
    ``steps`` : that logic has to do, by port: for LUTs as memory, for blocks, for blocks in their widest shape.
    ``deepest`` : words of a registered memory of one port in LUTs beyond which Yosys stops with an error.
    """

    two_ports: tuple[_Cell, ...]
    one_port:  tuple[_Cell, ...]
    blocks:    tuple[tuple[int, int], ...]
    chunk:     int        = 64
    chunks:    int        = 4
    choice:    Callable[[int], float] = mux_luts
    guarded:   bool       = False
    steps:     Mapping[Port, tuple[int, int, int]] = field(default_factory=lambda: {
        Port.SEPARATE: (1, 1, 1), Port.SHARED: (0, 1, 1), Port.REGISTERED: (0, 1, 1)})
    deepest:   int | None = None

_WRITTEN_16 = (_Cell(16, 4, 4, 0, 4),)

RULES = {
    Family.XC7: _Rules(                                     # RAM32M, RAM64M, the same and RAM128X1D; RAM32M, RAM64X1S and larger
        (_Cell(32, 6, 1, 7, 4), _Cell(64, 3, 1, 7, 4), _Cell(32, 4, 0, 8, 4), _Cell(64, 2, 0, 8, 4), _Cell(128, 1, 0, 8, 4)),
        (_Cell(32, 8, 0, 8, 4), _Cell(64, 4, 0, 8, 1, True), _Cell(128, 2, 0, 8, 2, True), _Cell(256, 1, 0, 8, 4, True)),
        ((129, 1), (257, 2))),
    Family.XCUP: _Rules(                                                        # RAM32M16, RAM64M8; RAM32M16, RAM64X1S ...
        (_Cell(32, 14, 0, 16, 8), _Cell(64, 7, 0, 16, 8)),
        (_Cell(32, 16, 0, 16, 8), _Cell(64, 8, 0, 16, 1, True), _Cell(128, 4, 0, 16, 2, True), _Cell(256, 2, 0, 16, 4, True)),
        ((129, 1), (257, 2)), deepest=256),
    Family.ECP5: _Rules(                                                        # TRELLIS_DPR16X4, DP16KD
        _WRITTEN_16, _WRITTEN_16, ((128, 1),), chunk=16, chunks=8, choice=choice_lut4, guarded=True,
                        steps={Port.SEPARATE: (1, 7, 7), Port.SHARED: (1, 7, 7), Port.REGISTERED: (1, 3, 7)}),
}
"""By family."""


def ram(technology, bits, depth, port=Port.SEPARATE, *, block=False, enables=1, copies=1, zeros=0):
    """Cost of ``copies`` of a memory of ``depth`` words of ``bits`` bits, in ``enables`` parts that are written one by one.

    All copies are written alike, each is read at an address of its own. ``block`` asks for blocks. ``zeros``: mask of the
    bits that are 0 in every address that is read; banks of LUTs that nothing reads vanish. Unknown where Yosys stops with an
    error. A single word is a register.
    """
    rules = RULES[technology.family]
    if port is Port.SHARED and depth > BANK_WORDS:                    # in banks (tritforge.hw.stream.single_port_ram): a gate writes each, a bit is chosen
        banks   = -(-depth // BANK_WORDS)
        choices = bits * rules.choice(banks) + banks
        last    = ram(technology, bits, depth - (banks - 1) * BANK_WORDS, port)
        return (ram(technology, bits, BANK_WORDS, port) * (banks - 1) + last + Cost(lut=choices, sites=choices)) * copies
    if depth == 1 and not block:
        return Cost(ff=bits + bits * (port is not Port.SHARED)) * copies
    cells = rules.two_ports if port is Port.SEPARATE else rules.one_port
    steps, *block_steps      = rules.steps[port]
    cost, luts, banks, words = min(cell.cost(bits, depth, enables) for cell in cells)
    cost += STEP_COST * steps
    cheaper = int(_blocks(rules, bits, depth, enables, steps=block_steps)[0]) < int(cost)      # as Yosys compares them
    if block or (cheaper and port is not Port.SHARED):
        return (_in_block_ram(rules, bits, depth, enables) * copies
                + _guard(rules, port, bits, depth, copies) * (enables == 1))
    registered = bits if port is not Port.SHARED else 0
    if bits * depth <= cost:
        return Cost(ff=bits * depth + registered, lut=bits, sites=bits) * copies
    if port is not Port.SEPARATE and rules.deepest is not None and depth > rules.deepest:
        return UNKNOWN
    read    = sum(not bank * words & zeros for bank in range(banks))
    selects = bits * rules.choice(read) + (read if banks > 1 else 0)     # which bank is read, and which is written
    return Cost(lutram=luts * read, ff=registered, lut=selects, sites=selects) * copies


def _choice_cost(bits, banks, enables):
    """Cost of banks: a word is chosen from one, and each part of a word is written to one."""
    return CHOICE_COST * ((banks - 1) * bits + banks * enables) if banks > 1 else 0


def _guard(rules, port, bits, depth, copies=1):
    """Cost of reading what is being written, where synthesis takes care of it: the copies share the word and the address."""
    if not rules.guarded:
        return Cost()
    words, widest = BLOCK_SHAPES[0]
    if port is Port.REGISTERED and not (bits > widest // 2 and depth <= words):
        return Cost(ff=bits + 1, lut=bits, sites=None) * copies
    address = (depth - 1).bit_length()
    return Cost(ff=2 * bits + address + 1 + copies, lut=(bits + -(-address // 2)) * copies, sites=None)


def _in_block_ram(rules, bits, depth, enables=1, *, fixed=False, before=0):
    """Cost of a memory in blocks: of several banks flip-flops keep the high bits of the address, by which a multiplexer for
    each bit chooses."""
    _, blocks, banks = _blocks(rules, bits, depth, enables, fixed=fixed, before=before)
    chosen = bits * rules.choice(banks)
    return Cost(bram18=blocks, ff=(banks - 1).bit_length(), lut=chosen, sites=chosen)


def _blocks(rules, bits, depth, enables=1, *, fixed=False, before=0, steps=(0, 0)):
    """(cost, blocks of 18 Kb, banks) of the cheapest shape: a block of 36 Kb has twice the width.

    Banks may lie side by side in one block. What is written, not ``fixed`` as a ROM, is written in whole bytes then.
    ``before`` : bits of the word below these, which another address reads: they have other copies of the blocks, cut alike.
    ``steps`` : that logic has to do for a block, and for one in its widest shape.
    """
    part  = bits // enables
    found = []
    for words, shape in BLOCK_SHAPES:
        banks = -(-depth // words)
        whole = not fixed and (enables > 1 or banks > 1)
        if whole and shape < BYTE:
            continue
        width  = banks * (enables * -(-part // BYTE) * BYTE if whole else bits)
        choose = _choice_cost(bits, banks, 0 if fixed else enables) + STEP_COST * steps[(words, shape) == BLOCK_SHAPES[0]]
        for cost, size in rules.blocks:
            count = -(-(before % (shape * size) + width) // (shape * size))
            found.append((cost * count + choose, count * size, banks))
    return min(found)


def rom(technology, image, lanes=1, style=MemoryStyle.AUTO):
    """Cost of the ROM ``image`` (tritforge.export.artifacts.rom.RomImage), each of ``lanes`` parts of a word read at an address of its own.

    Columns of bits that are constant vanish first. As logic each column that differs from the others is a function of the
    address: a LUT for 64 words, none where they are constant or a bit of the address, and a flip-flop; copies vanish. Up to 256
    words wide multiplexers, which are no LUTs, join 2 or 4. Of a column of few words the reset of its flip-flop makes a part, and
    more than 256 words are joined by LUTs, so these counts are weighted.
    """
    part    = image.word_bits // lanes
    rules   = RULES[technology.family]
    columns = _columns(image)
    made    = made_of(image, lanes, style) if technology.primitives is Primitives.XILINX7 else style.value
    if made == JOINED:
        return total(map(_joined, columns.reshape(lanes, part, image.depth), _kept(image, lanes)))
    varying = [int((lane.any(axis=1) & ~lane.all(axis=1)).sum()) for lane in columns.reshape(lanes, part, image.depth)]
    if made == "block" or (made == "auto" and _in_blocks(rules, varying, image.depth)):
        return total(_in_block_ram(rules, bits, image.depth, fixed=True, before=sum(varying[:lane]))
                     for lane, bits in enumerate(varying) if bits)
    counts  = [_logic(rules, columns[lane * part:(lane + 1) * part]) for lane in range(lanes)]
    luts, joined, registers = (sum(count[at] for count in counts) for at in range(3))
    size = next(name for name, depth in ROM_SIZES.items() if image.depth <= depth)
    return Cost(ff=registers) + technology.logic("rom", joined=joined, **{**dict.fromkeys(ROM_SIZES, 0), size: luts})


def moving(image):
    """The bits of a word of ``image`` that are not constant, as an int, as far as the Verilog may say it: that of weights and
    thresholds is the same whatever they are, that of a schedule follows from the weights."""
    if image.role is not Role.SCHEDULE:
        return (1 << image.word_bits) - 1
    return functools.reduce(operator.or_, image.words) & ~functools.reduce(operator.and_, image.words)


def made_of(image, lanes=1, style=MemoryStyle.AUTO):
    """STYLE of tritforge_rom.v in a design with cells of the 7 series: that of a ROM of more words than a LUT has is settled,
    so that it does not hang on which bits happen to be constant."""
    if image.depth <= LUT_DEPTH or style is MemoryStyle.BLOCK:
        return style.value
    if style is MemoryStyle.AUTO and _in_blocks(RULES[Family.XC7], _kept(image, lanes), image.depth):
        return MemoryStyle.BLOCK.value
    return JOINED


def _kept(image, lanes):
    """Bits of each part of a word that are :func:`moving`."""
    part = image.word_bits // lanes
    return [(moving(image) >> lane * part & (1 << part) - 1).bit_count() for lane in range(lanes)]


def weights_rom(technology, image, depth, packing, count, style=MemoryStyle.AUTO):
    """Cost of a ROM of ``depth`` words of ``count`` trits and of its decoders; ``image()`` makes it, if it is looked at.

    Of two memories (tritforge.hw.cost.packing.split_depth) a LUT for each bit of a word chooses one, by a bit in a flip-flop. A
    decoder is cells, whole ones even for fewer than five trits, since all are one module.
    """
    bits   = word_bits(count, packing)
    lower  = split_depth(bits, depth)
    depths = (depth,) if lower is None else (lower, depth - lower)
    rules  = RULES[technology.family]
    padded = packing is Packing.FIVE_IN_EIGHT and count % TRITS_PER_BYTE > 0 and technology.primitives is not Primitives.XILINX7
    vary   = bits - 7 if padded else bits                                        # at least: bits without a trit may be constant
    if style is MemoryStyle.DISTRIBUTED:
        blocks = [False] * len(depths)
    else:
        blocks = [style is MemoryStyle.BLOCK or _in_blocks(rules, [vary], part) for part in depths]
    if all(blocks):                                                              # large ones are not looked into
        memory = total(_in_block_ram(rules, bits, part, fixed=True) for part in depths)
    else:
        images = (image(),) if lower is None else image().split(lower)
        memory = total(_in_block_ram(rules, bits, part, fixed=True) if block else rom(technology, one, style=style)
                       for part, block, one in zip(depths, blocks, images, strict=True))
    if lower is not None:
        memory += Cost(lut=bits, sites=bits / 2, ff=1)
    if packing is not Packing.FIVE_IN_EIGHT:
        return memory
    decoders = bits // 8
    if technology.primitives is Primitives.XILINX7:
        return memory + Cost(lut=DECODER_LUTS * decoders, sites=DECODER_LUTS * decoders)
    return memory + technology.logic("decoder", decoders=decoders)


def _in_blocks(rules, lanes, depth):
    """Whether a ROM goes to blocks, of whose words each of several addresses reads its own bits; ``lanes``: how many.

    Each address has the whole ROM to itself, until what nothing reads vanishes.
    """
    bits = sum(lanes)
    return bits > 0 and bits * depth // rules.chunk > int(_blocks(rules, bits, depth, fixed=True, steps=(1, 1))[0])


def _columns(image):
    """Bits of the image [word_bits, depth]."""
    size  = -(-image.word_bits // 8)
    bytes_ = np.frombuffer(b"".join(word.to_bytes(size, "little") for word in image.words), dtype=np.uint8)
    return np.unpackbits(bytes_.reshape(image.depth, size), axis=1, bitorder="little")[:, :image.word_bits].T


def _joined(columns, registers):
    """Cost of the columns [bits, depth] of a ROM whose LUT6 are joined by cells, with ``registers`` behind them: a LUT for 64
    words of a column, but for what is constant, a bit of the address, or there already; beyond 256 words a multiplexer."""
    depth  = columns.shape[1]
    luts   = set()
    for start in range(0, depth, LUT_DEPTH):
        words   = min(LUT_DEPTH, depth - start)
        address = np.arange(words) >> np.arange(6)[:, None] & 1
        luts   |= ({column[start:start + words].tobytes() for column in columns}
                   - {bytes(words), b"\1" * words} - {bit.tobytes() for bit in address.astype(columns.dtype)})
    groups = -(-depth // (4 * LUT_DEPTH))
    count  = len(luts) + registers * mux_luts(groups)
    return Cost(lut=count, sites=count, ff=registers)


def _logic(rules, columns):
    """LUTs, parts that these are joined with, and flip-flops of the columns [bits, depth] of a ROM as logic: of a column a LUT
    for every part that is neither constant nor a bit of the address nor there already, as many as the wide multiplexers
    join."""
    depth    = columns.shape[1]
    address  = np.arange(depth) >> np.arange((depth - 1).bit_length())[:, None] & 1
    varying  = {column.tobytes() for column in columns} - {bytes(depth), b"\1" * depth}
    computed = varying - {bit.tobytes() for bit in address.astype(columns.dtype)}
    low      = np.arange(rules.chunk) >> np.arange((rules.chunk - 1).bit_length())[:, None] & 1
    easy     = {bytes(rules.chunk), b"\1" * rules.chunk} | {bit.tobytes() for bit in low.astype(columns.dtype)}
    luts     = joined = 0
    for column in computed:
        parts = {column[start:start + rules.chunk].ljust(rules.chunk, b"\0") for start in range(0, depth, rules.chunk)}
        held  = len(parts - easy)
        luts += 1 << (held - 1).bit_length() if 0 < held <= rules.chunks else held
        joined += len(parts) - held
    return luts, joined, len(varying)

