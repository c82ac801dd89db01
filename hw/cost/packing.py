"""The cheapest packing and split of a weight memory, in LUTs of a target."""

from enum import Enum

from tritforge.export.artifacts.packing import TRITS_PER_BYTE, Packing, word_bits
from tritforge.hw.targets.memory import BLOCK_SHAPES
from tritforge.hw.targets.target import Target

__all__ = ["PackingChoice", "blocks", "chosen", "packed_luts", "split_depth"]


class PackingChoice(Enum):
    """Packing of a layer's weights, as the configuration says it."""

    AUTO = "auto"
    """Whichever costs less (:func:`chosen`)."""

    TWO_BIT = "2bit"
    FIVE_IN_EIGHT = "5in8"


def split_depth(target: Target, bits: int, depth: int) -> int | None:
    """Words of the lower of two memories that cost less than one of ``depth`` words of ``bits``
    bits.

    It is the largest power of two below ``depth``, since a block RAM that is only partly filled
    costs as much as a full one; None where one memory costs no more.
    """
    lower = 1 << (depth - 1).bit_length() >> 1
    if lower in (0, depth):
        return None
    two = sum(_memory_luts(target, bits, words) for words in (lower, depth - lower)) + bits
    return lower if two < _memory_luts(target, bits, depth) else None


def _memory_luts(target: Target, bits: int, depth: int) -> int:
    """LUTs that one memory is worth: of LUTs, or of block RAM with a multiplexer between banks."""
    rows = [-(-depth // words) for words, _ in BLOCK_SHAPES]
    return min(bits * -(-depth // target.lut_words),
               *(target.BLOCK_LUTS * -(-bits // width) * count + bits * (count // 2)
                 for count, (_, width) in zip(rows, BLOCK_SHAPES, strict=True)))


def blocks(bits: int, depth: int) -> int:
    """Blocks of 18 Kb, all of one shape, for ``depth`` words of ``bits`` bits."""
    return min(-(-bits // width) * -(-depth // words) for words, width in BLOCK_SHAPES)


def packed_luts(target: Target, count: int, depth: int, packing: Packing) -> int:
    """LUTs that a memory of ``depth`` words of ``count`` trits and its decoders are worth."""
    bits     = word_bits(count, packing)
    memory   = min(bits * -(-depth // target.lut_words), target.BLOCK_LUTS * blocks(bits, depth))
    decoders = -(-count // TRITS_PER_BYTE) if packing is Packing.FIVE_IN_EIGHT else 0
    return memory + target.DECODER_LUTS * decoders


def chosen(target: Target, choice: PackingChoice, count: int, depth: int) -> Packing:
    """Packing of ``depth`` words of ``count`` trits: as ``choice`` says, else the cheaper; 2bit
    among equals."""
    if choice is not PackingChoice.AUTO:
        return Packing(choice.value)
    packings = Packing.TWO_BIT, Packing.FIVE_IN_EIGHT
    return min(packings, key=lambda packing: packed_luts(target, count, depth, packing))
