"""Trits as bits: two bits a trit, or five trits in eight bits.

============== ===================================================== ==============
packing        code of one group                                     bits per trit
============== ===================================================== ==============
TWO_BIT        00 = 0, 01 = +1, 11 = -1; 10 is an error              2
FIVE_IN_EIGHT  a byte of three fields, see below; 13 of the 256      1.6
               bytes are errors
============== ===================================================== ==============

Trit 0 is in the low bits (or in byte 0), and a word of zeros is all zero trits in both. The last
group of five is filled up with zeros.

A byte of five trits is made to be read by few LUTs: nine pairs of trits have numbers (``PAIRS``),
and its fields are H (3 bits), M (3 bits) and L (2 bits), L lowest:

    trits 3, 4 : pair H; but where M = 7 they are pair 8, and the next lines read H in place of M
    trit 0     : L is its two-bit code, and trits 1, 2 are pair M, M < 7
    or, L = 10 : trit 0 is 0, +1, -1 for M // 2 = 0, 1, 2, and trits 1, 2 are pair 7 + M % 2
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import numpy as np
import numpy.typing as npt

from tritforge.export.ir.nodes import Trits

__all__ = [
    "PAIRS",
    "TRITS_PER_BYTE",
    "TRIT_CODES",
    "Packing",
    "PackingError",
    "low_trits",
    "pack",
    "unpack",
    "word_bits",
]

TRIT_CODES = {0: 0b00, 1: 0b01, -1: 0b11}
"""Two-bit code of each trit: bit 0 says "not zero", bit 1 says "negative"."""

TRITS_PER_BYTE = 5

PAIRS = ((0, 0), (1, 0), (-1, 0), (0, 1), (1, 1), (-1, 1), (0, -1), (1, -1), (-1, -1))
"""The pairs of trits by number."""


def low_trits(middle: int, low: int) -> tuple[int, int, int] | None:
    """Trits 0, 1, 2 of a byte with fields M < 7 and L; None where no packing makes them."""
    if low != 0b10:
        return next(trit for trit, code in TRIT_CODES.items() if code == low), *PAIRS[middle]
    return ((0, 1, -1)[middle // 2], *PAIRS[7 + middle % 2]) if middle < 6 else None


def _byte_trits(byte: int) -> tuple[int, ...] | None:
    """The five trits of a byte; None if no packing makes it."""
    high, middle, low = byte >> 5, byte >> 2 & 7, byte & 3
    pair = 8 if middle == 7 else high
    middle = high if middle == 7 else middle
    lower = None if middle == 7 else low_trits(middle, low)
    return None if lower is None else (*lower, *PAIRS[pair])


_TRITS = [_byte_trits(byte) for byte in range(256)]
_ERROR = np.array([trits is None for trits in _TRITS])
_OF_BYTE = np.array([trits or (0,) * TRITS_PER_BYTE for trits in _TRITS], dtype=np.int8)
_WEIGHTS = 3 ** np.arange(TRITS_PER_BYTE)
_BYTE_OF = np.zeros(3**TRITS_PER_BYTE, dtype=np.uint8)
"""By the sum of (trit + 1) * 3**index."""
_BYTE_OF[(_OF_BYTE[~_ERROR] + 1) @ _WEIGHTS] = np.flatnonzero(~_ERROR)


class PackingError(ValueError):
    """Trits that cannot be packed, or words that no packing of trits makes."""


class Packing(Enum):
    """How trits are laid out in a word. The value is the name in configurations and manifests."""

    TWO_BIT = "2bit"
    FIVE_IN_EIGHT = "5in8"


def word_bits(count: int, packing: Packing) -> int:
    """Width in bits of a word of ``count`` trits.

    Raises
    ------
    PackingError: ``count`` is below 1.
    """
    if count < 1:
        raise PackingError(f"count must be at least 1, not {count!r}")
    return 2 * count if packing is Packing.TWO_BIT else 8 * -(-count // TRITS_PER_BYTE)


def pack(trits: npt.NDArray[np.integer], packing: Packing) -> list[int]:
    """Pack each row of trits into one word.

    Parameters
    ----------
    trits: [rows, n], every element -1, 0 or +1.
    packing: the layout of a word.

    Returns
    -------
    One non-negative integer a row, below ``2**word_bits(n, packing)``.

    Raises
    ------
    PackingError: not a matrix, or an element that is no trit.

    >>> row = np.array([[1, 0, -1]])
    >>> pack(row, Packing.TWO_BIT), pack(row, Packing.FIVE_IN_EIGHT)
    ([49], [25])
    """
    array = np.asarray(trits)
    if array.ndim != 2 or array.size == 0:
        raise PackingError(f"trits must be a matrix that is not empty, not shape {array.shape}")
    wrong = np.argwhere(~np.isin(array, (-1, 0, 1)))
    if len(wrong):
        row, position = (int(index) for index in wrong[0])
        raise PackingError(
            f"row {row}, position {position}: a trit is -1, 0 or +1, not "
            f"{array[row, position].item()!r}"
        )
    groups = _two_bit_bytes(array) if packing is Packing.TWO_BIT else _five_in_eight_bytes(array)
    return [int.from_bytes(row.tobytes(), "little") for row in groups]


def unpack(words: Sequence[int], count: int, packing: Packing) -> Trits:
    """Undo ``pack``: return int8 [rows, count].

    Parameters
    ----------
    words: one integer a row.
    count: trits a word.
    packing: the layout of a word.

    Raises
    ------
    PackingError: naming row and position of the first word that ``pack`` does not make.
    """
    bits = word_bits(count, packing)
    for row, word in enumerate(words):
        if not 0 <= word < 1 << bits:
            raise PackingError(f"row {row}: a word of {count} trits has {bits} bits, not {word:#x}")
    size = -(-bits // 8)
    data = b"".join(int(word).to_bytes(size, "little") for word in words)
    groups = np.frombuffer(data, dtype=np.uint8).reshape(len(words), size)
    if packing is Packing.TWO_BIT:
        return _two_bit_trits(groups, count)
    return _five_in_eight_trits(groups, count)


def _two_bit_bytes(trits: npt.NDArray[np.integer]) -> npt.NDArray[np.uint8]:
    """[rows, n] trits as [rows, ceil(n/4)] bytes."""
    bits = np.stack([trits != 0, trits < 0], axis=-1)  # [rows, n, 2], low bit first
    return np.packbits(bits.reshape(len(trits), -1), axis=1, bitorder="little")


def _two_bit_trits(groups: npt.NDArray[np.uint8], count: int) -> Trits:
    bits = np.unpackbits(groups, axis=1, count=2 * count, bitorder="little")  # [rows, 2n]
    nonzero, negative = bits[:, 0::2].astype(np.int8), bits[:, 1::2].astype(np.int8)
    wrong = np.argwhere(negative > nonzero)
    if len(wrong):
        row, position = (int(index) for index in wrong[0])
        raise PackingError(f"row {row}, position {position}: 10 is not the code of a trit")
    return nonzero - 2 * negative * nonzero


def _five_in_eight_bytes(trits: npt.NDArray[np.integer]) -> npt.NDArray[np.uint8]:
    """[rows, n] trits as [rows, ceil(n/5)] bytes."""
    rows, count = trits.shape
    padded = np.zeros((rows, -(-count // TRITS_PER_BYTE) * TRITS_PER_BYTE), dtype=np.int64)
    padded[:, :count] = trits
    return _BYTE_OF[(padded.reshape(rows, -1, TRITS_PER_BYTE) + 1) @ _WEIGHTS]


def _five_in_eight_trits(groups: npt.NDArray[np.uint8], count: int) -> Trits:
    wrong = np.argwhere(_ERROR[groups])
    if len(wrong):
        row, group = (int(index) for index in wrong[0])
        raise PackingError(
            f"row {row}, position {group * TRITS_PER_BYTE}: "
            f"{int(groups[row, group]):#04x} is not the byte of five trits"
        )
    trits = _OF_BYTE[groups].reshape(len(groups), -1)
    wrong = np.argwhere(trits[:, count:])
    if len(wrong):
        row, excess = (int(index) for index in wrong[0])
        raise PackingError(
            f"row {row}, position {count + excess}: must be zero, a word has {count} trits"
        )
    return np.ascontiguousarray(trits[:, :count])
