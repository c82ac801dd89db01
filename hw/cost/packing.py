"""What weights cost in memory, and the packing that costs less: measured in LUTs of the 7 series."""

from enum import Enum

from tritforge.export.artifacts.packing import TRITS_PER_BYTE, Packing, word_bits

__all__ = ["BLOCK_LUTS", "DECODER_LUTS", "MemoryStyle", "PackingChoice", "blocks", "chosen", "packed_luts", "split_depth"]

DECODER_LUTS = 9
"""LUTs that turn a byte into five trits (tritforge.hw.stream.rom.ByteDecoder, of cells of the 7 series)."""

BLOCK_LUTS = 156
"""LUTs that a block of 18 Kb stands for: as many as the XC7K480T has for each (298,600 LUT, 1,910 blocks)."""

LUT_DEPTH = 64
"""Words of one bit in a LUT6."""

BLOCK_SHAPES = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
"""Words and bits that a block of 18 Kb can be. Source: UG473, "7 Series FPGAs Memory Resources"."""


class PackingChoice(Enum):
    """How the weights of a layer lie in their ROM, as the configuration says it."""

    AUTO = "auto"
    """Whichever costs less (:func:`chosen`)."""

    TWO_BIT = "2bit"
    FIVE_IN_EIGHT = "5in8"


class MemoryStyle(Enum):
    """What a ROM of weights is made of."""

    AUTO = "auto"
    """What synthesis likes."""

    BLOCK = "block"
    DISTRIBUTED = "distributed"

def split_depth(bits, depth):
    """Words of the lower one of two memories in which ``depth`` words of ``bits`` bits cost less than in one: a power of
    two; None where they do not. Block RAM comes in powers of two, and what is behind the last one leaves most of it empty."""
    lower = 1 << (depth - 1).bit_length() >> 1
    if lower in (0, depth) or _memory_luts(bits, lower) + _memory_luts(bits, depth - lower) + bits >= _memory_luts(bits, depth):
        return None
    return lower


def _memory_luts(bits, depth):
    """Cost in LUTs of one memory, of LUTs or of blocks; between blocks one above the other a word is chosen."""
    rows = [-(-depth // words) for words, _ in BLOCK_SHAPES]
    return min(bits * -(-depth // LUT_DEPTH),
               *(BLOCK_LUTS * -(-bits // width) * count + bits * (count // 2)
                 for count, (_, width) in zip(rows, BLOCK_SHAPES, strict=True)))


def blocks(bits, depth):
    """Blocks of 18 Kb that hold ``depth`` words of ``bits`` bits, all of one shape."""
    return min(-(-bits // width) * -(-depth // words) for words, width in BLOCK_SHAPES)


def packed_luts(count, depth, packing):
    """Cost of ``depth`` words of ``count`` trits in LUTs: of the memory, in LUTs or blocks, and of the decoders."""
    bits     = word_bits(count, packing)
    memory   = min(bits * -(-depth // LUT_DEPTH), BLOCK_LUTS * blocks(bits, depth))
    decoders = -(-count // TRITS_PER_BYTE) if packing is Packing.FIVE_IN_EIGHT else 0
    return memory + DECODER_LUTS * decoders


def chosen(choice, count, depth):
    """The packing of ``depth`` words of ``count`` trits: what ``choice`` says, else what costs less, 2bit among equals."""
    if choice is not PackingChoice.AUTO:
        return Packing(choice.value)
    return min((Packing.TWO_BIT, Packing.FIVE_IN_EIGHT), key=lambda packing: packed_luts(count, depth, packing))
