"""Costs of memories and ROMs, built as synthesis chooses to build them
(tritforge.hw.targets.memory).

The register of a read port is flip-flops after LUTs, which are read combinationally; a block RAM
has it inside.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tritforge.export.artifacts.packing import TRITS_PER_BYTE, Packing, word_bits
from tritforge.export.artifacts.rom import RomImage
from tritforge.hw.targets.cost import UNKNOWN, Cost, total
from tritforge.hw.targets.limits import BANK_WORDS
from tritforge.hw.targets.memory import BLOCK_SHAPES, JOINED, MemoryRules, MemoryStyle, Port
from tritforge.hw.targets.target import Target

__all__ = ["Port", "ram", "rom", "weights_rom"]

_Bits = npt.NDArray[np.uint8]

ROM_SIZES = {"few": 4, "some": 32, "many": 64, "wide": 128, "tall": 256, "deep": 1 << 60}
"""Features of a ROM's LUTs, by the largest depth that each stands for."""


def ram(target: Target, bits: int, depth: int, port: Port = Port.SEPARATE, *, block: bool = False,
        enables: int = 1, copies: int = 1, zeros: int = 0) -> Cost:
    """Cost of ``copies`` of a memory of ``depth`` words of ``bits`` bits.

    All copies are written alike; each has a read address of its own. A single word is a register.
    UNKNOWN where Yosys stops with an error.

    Parameters
    ----------
    enables : write enables, each of an equal part of a word.
    block : whether block RAM is requested.
    zeros : mask of the bits that are 0 in every read address. Banks of LUTs at other addresses are
        never read, and synthesis removes them.
    """
    rules = target.MEMORY
    if port is Port.SHARED and depth > BANK_WORDS:          # tritforge.hw.stream.single_port_ram
        banks = -(-depth // BANK_WORDS)
        gates = bits * rules.choice(banks) + banks          # a read multiplexer, and write enables
        last  = ram(target, bits, depth - (banks - 1) * BANK_WORDS, port)
        full  = ram(target, bits, BANK_WORDS, port) * (banks - 1)
        return (full + last + Cost(lut=gates, sites=gates)) * copies
    if depth == 1 and not block:
        return Cost(ff=bits + bits * (port is not Port.SHARED)) * copies
    cost, luts, banks, words = rules.in_luts(bits, depth, enables, port)
    in_blocks = rules.in_blocks(bits, depth, enables, steps=rules.steps[port][1:])[0]
    cheaper   = int(in_blocks) < int(cost)                  # Yosys compares whole numbers
    if block or (cheaper and port is not Port.SHARED):
        guard = Cost() if enables > 1 else _collision_guard(rules, port, bits, depth, copies)
        return _in_block_ram(rules, bits, depth, enables) * copies + guard
    read_register = bits if port is not Port.SHARED else 0
    if bits * depth <= cost:
        return Cost(ff=bits * depth + read_register, lut=bits, sites=bits) * copies
    if port is not Port.SEPARATE and rules.deepest is not None and depth > rules.deepest:
        return UNKNOWN
    read  = sum(not bank * words & zeros for bank in range(banks))
    gates = bits * rules.choice(read) + (read if banks > 1 else 0)
    return Cost(lutram=luts * read, ff=read_register, lut=gates, sites=gates) * copies


def _collision_guard(rules: MemoryRules, port: Port, bits: int, depth: int,
                     copies: int = 1) -> Cost:
    """Cost of the logic that synthesis adds to a block RAM for a read of the word being written.

    Flip-flops: the word written and the address, shared by the copies, the word read, and two
    flags. A multiplexer for each bit. A memory of one address stores just the word read and a flag,
    unless it is so wide that it needs the widest shape.
    """
    if not rules.guarded:
        return Cost()
    words, widest = BLOCK_SHAPES[0]
    if port is Port.REGISTERED and not (bits > widest // 2 and depth <= words):
        return Cost(ff=bits + 1, lut=bits, sites=None) * copies
    address = (depth - 1).bit_length()
    compare = -(-address // 2)
    return Cost(ff=2 * bits + address + 1 + copies, lut=(bits + compare) * copies, sites=None)


def _in_block_ram(rules: MemoryRules, bits: int, depth: int, enables: int = 1, *,
                  fixed: bool = False, before: int = 0) -> Cost:
    """Cost of a memory in block RAM: with several banks, a read multiplexer and a register of the
    high bits of the address that selects it."""
    _, blocks, banks = rules.in_blocks(bits, depth, enables, fixed=fixed, before=before)
    mux = bits * rules.choice(banks)
    return Cost(bram18=blocks, ff=(banks - 1).bit_length(), lut=mux, sites=mux)


def rom(target: Target, image: RomImage, lanes: int = 1,
        style: MemoryStyle = MemoryStyle.AUTO) -> Cost:
    """Cost of the ROM ``image`` (tritforge.export.artifacts.rom.RomImage).

    Constant columns vanish. As logic, each distinct column is a function of the address: a LUT for
    each 2**LUT_INPUTS words and a flip-flop; wide multiplexers, which are no LUTs, join up to
    ``chunks`` of them. The resets of flip-flops absorb a part of short columns, and LUTs join long
    ones, so the LUTs are weighted by depth (``ROM_SIZES``).

    Parameters
    ----------
    lanes : equal parts of a word, each read at an address of its own.
    """
    rules   = target.MEMORY
    varying = image.varying_bits(lanes)
    made    = target.rom_style(varying, image.depth, style)
    columns = _columns(image).reshape(lanes, image.word_bits // lanes, image.depth)
    if made == JOINED:
        return total(_joined(target, *lane) for lane in zip(columns, varying, strict=True))
    varying = [int((lane.any(axis=1) & ~lane.all(axis=1)).sum()) for lane in columns]
    if made == "block" or (made == "auto" and rules.rom_in_blocks(varying, image.depth)):
        return total(_in_block_ram(rules, bits, image.depth, fixed=True, before=sum(varying[:lane]))
                     for lane, bits in enumerate(varying) if bits)
    luts, joined, flip_flops = (sum(part) for part in
                                zip(*(_logic(rules, lane) for lane in columns), strict=True))
    size = next(name for name, depth in ROM_SIZES.items() if image.depth <= depth)
    return Cost(ff=flip_flops) + target.logic(
        "rom", joined=joined, **{**dict.fromkeys(ROM_SIZES, 0), size: luts})


def weights_rom(target: Target, image: Callable[[], RomImage], depth: int, packing: Packing,
                count: int, style: MemoryStyle = MemoryStyle.AUTO,
                split: int | None = None) -> Cost:
    """Cost of a ROM of ``depth`` words of ``count`` trits, and of its decoders.

    Parameters
    ----------
    image : function that makes the RomImage; called only where logic depends on the contents.
    split : words of the lower of two memories; None for one. A flip-flop stores which was read, and
        a multiplexer, two bits a LUT site, selects it.
    """
    bits   = word_bits(count, packing)
    depths = (depth,) if split is None else (split, depth - split)
    rules  = target.MEMORY
    padded = (packing is Packing.FIVE_IN_EIGHT and count % TRITS_PER_BYTE > 0
              and not (target.cells and target.FUNCTIONS))
    vary   = bits - 7 if padded else bits            # bits of a partly filled byte may be constant
    if style is MemoryStyle.DISTRIBUTED:
        blocks = [False] * len(depths)
    else:
        blocks = [style is MemoryStyle.BLOCK or rules.rom_in_blocks([vary], part)
                  for part in depths]
    if all(blocks):
        memory = total(_in_block_ram(rules, bits, part, fixed=True) for part in depths)
    else:
        images = (image(),) if split is None else image().split(split)
        memory = total(
            _in_block_ram(rules, bits, part, fixed=True) if block else rom(target, one, style=style)
            for part, block, one in zip(depths, blocks, images, strict=True))
    if split is not None:
        memory += Cost(lut=bits, sites=bits / 2, ff=1)
    return memory + target.decoders(bits // 8) if packing is Packing.FIVE_IN_EIGHT else memory


def _columns(image: RomImage) -> _Bits:
    """Bits of the image, uint8 [word_bits, depth]."""
    size  = -(-image.word_bits // 8)
    words = b"".join(word.to_bytes(size, "little") for word in image.words)
    bits  = np.unpackbits(np.frombuffer(words, dtype=np.uint8).reshape(image.depth, size), axis=1,
                          bitorder="little")
    return bits[:, :image.word_bits].T


def _address_columns(words: int, bits: int, dtype: np.dtype[np.uint8]) -> set[bytes]:
    """The columns of a ROM of ``words`` words that are a bit of the address, or constant, as
    bytes."""
    address = (np.arange(words) >> np.arange(bits)[:, None] & 1).astype(dtype)
    return {bytes(words), b"\1" * words} | {bit.tobytes() for bit in address}


def _joined(target: Target, columns: _Bits, flip_flops: int) -> Cost:
    """Cost of the columns [bits, depth] of a ROM whose LUTs are joined by cells (STYLE ``JOINED``).

    A LUT for each distinct part of 2**LUT_INPUTS words of a column that is neither constant nor a
    bit of the address; above four parts a multiplexer for each of the ``flip_flops``.
    """
    depth, chunk = columns.shape[1], target.lut_words
    luts = set()
    for start in range(0, depth, chunk):
        parts = columns[:, start:start + chunk]
        luts |= ({part.tobytes() for part in parts}
                 - _address_columns(parts.shape[1], target.LUT_INPUTS, columns.dtype))
    groups = -(-depth // (target.MEMORY.chunks * chunk))
    mux    = flip_flops * target.multiplexer(groups)
    return target.luts(len(luts) + mux) + Cost(ff=flip_flops)


def _logic(rules: MemoryRules, columns: _Bits) -> tuple[int, int, int]:
    """Count what the columns [bits, depth] of a ROM as logic are made of.

    Returns
    -------
    luts : of the distinct columns that are no bit of the address, a LUT for each distinct part of
        ``chunk`` words that is neither constant nor a bit of the address; rounded up to a power of
        two, as the wide multiplexers join them.
    joined : the other parts, which wide multiplexers join without a LUT.
    flip_flops : distinct columns that are not constant.
    """
    depth    = columns.shape[1]
    distinct = {column.tobytes() for column in columns}
    easy     = _address_columns(rules.chunk, (rules.chunk - 1).bit_length(), columns.dtype)
    luts     = joined = 0
    for column in distinct - _address_columns(depth, (depth - 1).bit_length(), columns.dtype):
        parts = {column[start:start + rules.chunk].ljust(rules.chunk, b"\0")
                 for start in range(0, depth, rules.chunk)}
        tables  = len(parts - easy)
        luts   += 1 << (tables - 1).bit_length() if 0 < tables <= rules.chunks else tables
        joined += len(parts) - tables
    return luts, joined, len(distinct - {bytes(depth), b"\1" * depth})
