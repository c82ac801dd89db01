"""How weights lie in memory: the packing and the split that cost less, in LUTs of a target."""

from enum import Enum

from tritforge.export.artifacts.packing import TRITS_PER_BYTE, Packing, word_bits

from tritforge.hw.targets.memory import BLOCK_SHAPES

__all__ = ["PackingChoice", "blocks", "chosen", "packed_luts", "split_depth"]

class PackingChoice(Enum):
    """How the weights of a layer lie in their ROM, as the configuration says it."""

    AUTO = "auto"
    """Whichever costs less (:func:`chosen`)."""

    TWO_BIT = "2bit"
    FIVE_IN_EIGHT = "5in8"



def split_depth(target, bits, depth):
    """Words of the lower one of two memories in which ``depth`` words of ``bits`` bits cost less than in one: a power of
    two; None where they do not. Block RAM comes in powers of two, and what is behind the last one leaves most of it empty."""
    lower = 1 << (depth - 1).bit_length() >> 1
    if lower in (0, depth) or _memory_luts(target, bits, lower) + _memory_luts(target, bits, depth - lower) + bits >= _memory_luts(target, bits, depth):
        return None
    return lower


def _memory_luts(target, bits, depth):
    """Cost in LUTs of one memory, of LUTs or of blocks; between blocks one above the other a word is chosen."""
    rows = [-(-depth // words) for words, _ in BLOCK_SHAPES]
    return min(bits * -(-depth // target.lut_words),
               *(target.BLOCK_LUTS * -(-bits // width) * count + bits * (count // 2)
                 for count, (_, width) in zip(rows, BLOCK_SHAPES, strict=True)))


def blocks(bits, depth):
    """Blocks of 18 Kb that hold ``depth`` words of ``bits`` bits, all of one shape."""
    return min(-(-bits // width) * -(-depth // words) for words, width in BLOCK_SHAPES)


def packed_luts(target, count, depth, packing):
    """Cost of ``depth`` words of ``count`` trits in LUTs: of the memory, in LUTs or blocks, and of the decoders."""
    bits     = word_bits(count, packing)
    memory   = min(bits * -(-depth // target.lut_words), target.BLOCK_LUTS * blocks(bits, depth))
    decoders = -(-count // TRITS_PER_BYTE) if packing is Packing.FIVE_IN_EIGHT else 0
    return memory + target.DECODER_LUTS * decoders


def chosen(target, choice, count, depth):
    """The packing of ``depth`` words of ``count`` trits: what ``choice`` says, else what costs less, 2bit among equals."""
    if choice is not PackingChoice.AUTO:
        return Packing(choice.value)
    return min((Packing.TWO_BIT, Packing.FIVE_IN_EIGHT), key=lambda packing: packed_luts(target, count, depth, packing))
