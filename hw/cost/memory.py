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

import numpy as np

from tritforge.export.artifacts.packing import TRITS_PER_BYTE, Packing, word_bits
from tritforge.hw.targets.cost import UNKNOWN, Cost, total
from tritforge.hw.targets.limits import BANK_WORDS
from tritforge.hw.targets.memory import BLOCK_SHAPES, JOINED, MemoryStyle, Port

__all__ = ["Port", "ram", "rom", "weights_rom"]

ROM_SIZES = {"few": 4, "some": 32, "many": 64, "wide": 128, "tall": 256, "deep": 1 << 60}
"""Words up to which the LUTs of a ROM have a weight of their own."""

def ram(technology, bits, depth, port=Port.SEPARATE, *, block=False, enables=1, copies=1, zeros=0):
    """Cost of ``copies`` of a memory of ``depth`` words of ``bits`` bits, in ``enables`` parts that are written one by one.

    All copies are written alike, each is read at an address of its own. ``block`` asks for blocks. ``zeros``: mask of the
    bits that are 0 in every address that is read; banks of LUTs that nothing reads vanish. Unknown where Yosys stops with an
    error. A single word is a register.
    """
    rules = technology.MEMORY
    if port is Port.SHARED and depth > BANK_WORDS:                    # in banks (tritforge.hw.stream.single_port_ram): a gate writes each, a bit is chosen
        banks   = -(-depth // BANK_WORDS)
        choices = bits * rules.choice(banks) + banks
        last    = ram(technology, bits, depth - (banks - 1) * BANK_WORDS, port)
        return (ram(technology, bits, BANK_WORDS, port) * (banks - 1) + last + Cost(lut=choices, sites=choices)) * copies
    if depth == 1 and not block:
        return Cost(ff=bits + bits * (port is not Port.SHARED)) * copies
    cost, luts, banks, words = rules.in_luts(bits, depth, enables, port)
    cheaper = int(rules.in_blocks(bits, depth, enables, steps=rules.steps[port][1:])[0]) < int(cost)      # as Yosys compares them
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
    _, blocks, banks = rules.in_blocks(bits, depth, enables, fixed=fixed, before=before)
    chosen = bits * rules.choice(banks)
    return Cost(bram18=blocks, ff=(banks - 1).bit_length(), lut=chosen, sites=chosen)


def rom(technology, image, lanes=1, style=MemoryStyle.AUTO):
    """Cost of the ROM ``image`` (tritforge.export.artifacts.rom.RomImage), each of ``lanes`` parts of a word read at an address of its own.

    Columns of bits that are constant vanish first. As logic each column that differs from the others is a function of the
    address: a LUT for 64 words, none where they are constant or a bit of the address, and a flip-flop; copies vanish. Up to 256
    words wide multiplexers, which are no LUTs, join 2 or 4. Of a column of few words the reset of its flip-flop makes a part, and
    more than 256 words are joined by LUTs, so these counts are weighted.
    """
    part    = image.word_bits // lanes
    rules   = technology.MEMORY
    columns = _columns(image)
    kept    = image.varying_bits(lanes)
    made    = technology.rom_style(kept, image.depth, style)
    if made == JOINED:
        return total(_joined(technology, *lane) for lane in zip(columns.reshape(lanes, part, image.depth), kept, strict=True))
    varying = [int((lane.any(axis=1) & ~lane.all(axis=1)).sum()) for lane in columns.reshape(lanes, part, image.depth)]
    if made == "block" or (made == "auto" and rules.rom_in_blocks(varying, image.depth)):
        return total(_in_block_ram(rules, bits, image.depth, fixed=True, before=sum(varying[:lane]))
                     for lane, bits in enumerate(varying) if bits)
    counts  = [_logic(rules, columns[lane * part:(lane + 1) * part]) for lane in range(lanes)]
    luts, joined, registers = (sum(count[at] for count in counts) for at in range(3))
    size = next(name for name, depth in ROM_SIZES.items() if image.depth <= depth)
    return Cost(ff=registers) + technology.logic("rom", joined=joined, **{**dict.fromkeys(ROM_SIZES, 0), size: luts})


def weights_rom(technology, image, depth, packing, count, style=MemoryStyle.AUTO, split=None):
    """Cost of a ROM of ``depth`` words of ``count`` trits and of its decoders; ``image()`` makes it, if it is looked at.

    Of two memories, the lower one of ``split`` words, a LUT for each bit of a word chooses one, by a bit in a flip-flop. A
    decoder is cells, whole ones even for fewer than five trits, since all are one module.
    """
    bits   = word_bits(count, packing)
    depths = (depth,) if split is None else (split, depth - split)
    rules  = technology.MEMORY
    padded = packing is Packing.FIVE_IN_EIGHT and count % TRITS_PER_BYTE > 0 and not (technology.cells and technology.FUNCTIONS)
    vary   = bits - 7 if padded else bits                                        # at least: bits without a trit may be constant
    if style is MemoryStyle.DISTRIBUTED:
        blocks = [False] * len(depths)
    else:
        blocks = [style is MemoryStyle.BLOCK or rules.rom_in_blocks([vary], part) for part in depths]
    if all(blocks):                                                              # large ones are not looked into
        memory = total(_in_block_ram(rules, bits, part, fixed=True) for part in depths)
    else:
        images = (image(),) if split is None else image().split(split)
        memory = total(_in_block_ram(rules, bits, part, fixed=True) if block else rom(technology, one, style=style)
                       for part, block, one in zip(depths, blocks, images, strict=True))
    if split is not None:
        memory += Cost(lut=bits, sites=bits / 2, ff=1)
    if packing is not Packing.FIVE_IN_EIGHT:
        return memory
    decoders = bits // 8
    return memory + technology.decoders(decoders)


def _columns(image):
    """Bits of the image [word_bits, depth]."""
    size  = -(-image.word_bits // 8)
    bytes_ = np.frombuffer(b"".join(word.to_bytes(size, "little") for word in image.words), dtype=np.uint8)
    return np.unpackbits(bytes_.reshape(image.depth, size), axis=1, bitorder="little")[:, :image.word_bits].T


def _joined(technology, columns, registers):
    """Cost of the columns [bits, depth] of a ROM whose LUTs are joined by cells, with ``registers`` after them: a LUT for the
    words it holds of a column, but for what is constant, a bit of the address, or there already; beyond four LUTs a
    multiplexer."""
    depth, chunk = columns.shape[1], technology.lut_words
    luts  = set()
    for start in range(0, depth, chunk):
        words   = min(chunk, depth - start)
        address = np.arange(words) >> np.arange(technology.LUT_INPUTS)[:, None] & 1
        luts   |= ({column[start:start + words].tobytes() for column in columns}
                   - {bytes(words), b"\1" * words} - {bit.tobytes() for bit in address.astype(columns.dtype)})
    groups = -(-depth // (technology.MEMORY.chunks * chunk))
    return technology.luts(len(luts) + registers * technology.multiplexer(groups)) + Cost(ff=registers)


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

