"""ROM images: the words that the Verilog reads, and the files that hold them.

A ``.mem`` file is what ``$readmemh`` reads: one word a line, hexadecimal, a fixed number of digits.
``.coe`` (Xilinx) and ``.mif`` (Intel) hold the same words for tools that ask for those.
"""

from __future__ import annotations

import functools
import operator
import os
import re
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tritforge.errors import UserError
from tritforge.export.artifacts.packing import Packing, PackingError, pack, unpack, word_bits
from tritforge.export.ir.nodes import MatrixNode, Trits
from tritforge.files import write_atomic
from tritforge.types import IntArray

__all__ = [
    "WEIGHT_FILES",
    "Role",
    "RomError",
    "RomImage",
    "read_mem",
    "value_rom",
    "weight_rom",
    "weights_from_rom",
]


class RomError(UserError):
    """An image that cannot be built, or a file that is not one."""


class Role(Enum):
    """What a ROM holds; the value is a part of the file's name."""

    WEIGHTS = "weights"
    """Trits of the engine `array`."""

    SCHEDULE = "schedule"
    """Nonzero weights in the order in which the engine `skip` executes them."""

    THRESHOLDS = "thresholds"
    BIAS = "bias"
    REQUANTIZE = "requantize"
    """Multipliers and biases, a bit of each a word."""

    SPREAD = "spread"
    """For each beat into the engine `skip` the lane that each of its banks takes."""

    REORDER = "reorder"
    """For each beat out of the engine `skip` an address for each of its banks."""

    GATHER = "gather"
    """For each beat out of the engine `skip` the bank that each of its lanes takes."""

    @property
    def files(self) -> tuple[str, str]:
        """Role in manifests and file names: of an image, and of the upper part of a divided one."""
        return self.value, f"{self.value}_high"


WEIGHT_FILES = frozenset(Role.WEIGHTS.files + Role.SCHEDULE.files)
"""Roles in manifests of the images whose words encode weights."""


@dataclass(frozen=True)
class RomImage:
    """The content of a ROM.

    Parameters
    ----------
    name: the layer it belongs to.
    role: what it holds.
    word_bits: width of a word in bits.
    words: one non-negative integer an address.
    high: whether it is the upper part of an image that is divided in two.

    Raises
    ------
    RomError: no words, or a word that is wider than ``word_bits``.
    """

    name: str
    role: Role
    word_bits: int
    words: tuple[int, ...]
    high: bool = False

    def __post_init__(self) -> None:
        if self.word_bits < 1:
            raise RomError(
                f"ROM {self.stem!r}: word_bits must be at least 1, not {self.word_bits!r}"
            )
        if not self.words:
            raise RomError(f"ROM {self.stem!r}: must have at least one word")
        for address, word in enumerate(self.words):
            if not 0 <= word < 1 << self.word_bits:
                raise RomError(
                    f"ROM {self.stem!r}: word {address} must have {self.word_bits} bits, not "
                    f"{word:#x}"
                )

    @property
    def stem(self) -> str:
        """File name without its suffix."""
        return f"{self.name}.{self.part}"

    @property
    def part(self) -> str:
        """Role of the image in a manifest."""
        return self.role.files[self.high]

    @property
    def depth(self) -> int:
        """Number of words."""
        return len(self.words)

    @property
    def varying(self) -> int:
        """Mask of the bits of a word that are not constant, as far as the Verilog may depend on it.

        For weights and thresholds all bits count as varying, so that the Verilog does not depend on
        their values. The mask of a schedule follows from the weights.
        """
        if self.role is not Role.SCHEDULE:
            return (1 << self.word_bits) - 1
        return functools.reduce(operator.or_, self.words) & ~functools.reduce(
            operator.and_, self.words
        )

    def varying_bits(self, lanes: int) -> list[int]:
        """Return how many bits of each of the ``lanes`` equal parts of a word are ``varying``."""
        part = self.word_bits // lanes
        mask = (1 << part) - 1
        return [(self.varying >> lane * part & mask).bit_count() for lane in range(lanes)]

    def split(self, depth: int) -> tuple[RomImage, RomImage]:
        """Return the first ``depth`` words, and the others as the upper part.

        Raises
        ------
        RomError: ``depth`` is not in 1..(number of words - 1).
        """
        if not 0 < depth < self.depth:
            raise RomError(
                f"ROM {self.stem!r}: depth must be in 1..{self.depth - 1}, not {depth!r}"
            )
        return (
            replace(self, words=self.words[:depth]),
            replace(self, words=self.words[depth:], high=True),
        )

    def digits(self) -> list[str]:
        """Return the words in hexadecimal, each as wide as the widest possible."""
        width = -(-self.word_bits // 4)
        return [f"{word:0{width}x}" for word in self.words]

    def mem(self) -> str:
        """Return the text of the ``.mem`` file."""
        return "\n".join(self.digits()) + "\n"

    def coe(self) -> str:
        """Return the text of the ``.coe`` file."""
        words = ",\n".join(self.digits())
        return f"memory_initialization_radix=16;\nmemory_initialization_vector=\n{words};\n"

    def mif(self) -> str:
        """Return the text of the ``.mif`` file."""
        width = max(1, -(-(self.depth - 1).bit_length() // 4))
        lines = [f"  {address:0{width}x} : {word};" for address, word in enumerate(self.digits())]
        head = (
            f"DEPTH = {self.depth};\nWIDTH = {self.word_bits};\n"
            "ADDRESS_RADIX = HEX;\nDATA_RADIX = HEX;\n"
        )
        return head + "CONTENT BEGIN\n" + "\n".join(lines) + "\nEND;\n"

    def write(self, directory: str | os.PathLike[str]) -> Path:
        """Write the ``.mem``, ``.coe`` and ``.mif`` file to ``directory``; return the ``.mem``."""
        folder = Path(directory)
        for suffix, text in (("coe", self.coe()), ("mif", self.mif()), ("mem", self.mem())):
            write_atomic(folder / f"{self.stem}.{suffix}", text)
        return folder / f"{self.stem}.mem"


def read_mem(
    path: str | os.PathLike[str], word_bits: int, depth: int | None = None
) -> tuple[int, ...]:
    """Read the words of a ``.mem`` file that ``RomImage.write`` made.

    Comments, addresses (``@``) and unknown digits, which ``$readmemh`` would accept, are refused:
    none of ours has any.

    Parameters
    ----------
    path: the file.
    word_bits: width of a word in bits.
    depth: how many words there must be; None accepts any number but 0.

    Raises
    ------
    RomError: naming file, line and what is wrong.
    """
    digits = -(-word_bits // 4)
    words = []
    for number, line in enumerate(
        Path(path).read_text(encoding="utf-8", errors="replace").splitlines(), start=1
    ):
        if re.fullmatch(rf"[0-9a-f]{{{digits}}}", line) is None:
            raise RomError(
                f"{path}: line {number}: a word is {digits} hexadecimal digits, not {_short(line)}"
            )
        word = int(line, 16)
        if word >> word_bits:
            raise RomError(
                f"{path}: line {number}: a word has {word_bits} bits, not {_short(line)}"
            )
        words.append(word)
    if not words or (depth is not None and len(words) != depth):
        wanted = "at least 1" if depth is None else str(depth)
        raise RomError(f"{path}: must have {wanted} words, not {len(words)}")
    return tuple(words)


def _short(line: str) -> str:
    """Return a line as messages show it, cut after 100 characters."""
    return (
        repr(line) if len(line) <= 100 else f"{line[:100]!r} and {len(line) - 100} characters more"
    )


def weight_rom(node: MatrixNode, pe: int, simd: int, packing: Packing) -> RomImage:
    """Return the image of a layer's weights in the order in which the array engine reads them.

    With J planes, M rows and K columns (those of one group of a convolution) the depth is
    (M/pe)*J*(K/simd); address = (row_group*J + plane)*(K/simd) + column_group. The trit of lane (p,
    s) has index p*simd + s in its word: row row_group*pe + p, column column_group*simd + s.

    Parameters
    ----------
    node: a layer; its coefficients are not in the image.
    pe: rows at a time; divides M.
    simd: columns at a time; divides K.
    packing: the layout of a word.

    Raises
    ------
    RomError: a folding that does not divide.
    """
    planes = node.plane_matrices()
    rows, columns = planes.shape[1:]
    _check_folding(node.name, rows, columns, pe, simd)
    groups = planes.reshape(-1, rows // pe, pe, columns // simd, simd)
    lanes = groups.transpose(1, 0, 3, 2, 4)  # [M/pe, J, K/simd, pe, simd]
    words = pack(lanes.reshape(-1, pe * simd), packing)
    return RomImage(node.name, Role.WEIGHTS, word_bits(pe * simd, packing), tuple(words))


def weights_from_rom(
    image: RomImage, rows: int, columns: int, pe: int, simd: int, packing: Packing, planes: int = 1
) -> Trits:
    """Undo ``weight_rom``: return the planes int8 [planes, rows, columns].

    Raises
    ------
    RomError: the image is not one of a layer of this size and folding.
    """
    _check_folding(image.name, rows, columns, pe, simd)
    depth, bits = (rows // pe) * planes * (columns // simd), word_bits(pe * simd, packing)
    if (image.depth, image.word_bits) != (depth, bits):
        raise RomError(
            f"ROM {image.stem!r}: must have {depth} words of {bits} bits, "
            f"not {image.depth} of {image.word_bits}"
        )
    try:
        trits = unpack(image.words, pe * simd, packing)
    except PackingError as error:
        raise RomError(f"ROM {image.stem!r}: {error}") from error
    lanes = trits.reshape(rows // pe, planes, columns // simd, pe, simd)
    groups = lanes.transpose(1, 0, 3, 2, 4)  # [J, M/pe, pe, K/simd, simd]
    return np.ascontiguousarray(groups.reshape(planes, rows, columns))


def value_rom(
    name: str, role: Role, values: npt.NDArray[np.integer], pe: int, bits: int
) -> RomImage:
    """Return the image of per-row integers: thresholds or a bias.

    The depth is M/pe. Row row_group*pe + p is in word row_group; its value l is at bit (p*L +
    l)*bits, in two's complement.

    Parameters
    ----------
    name: the layer.
    role: what they are, such as ``Role.THRESHOLDS``.
    values: [M, L].
    pe: rows at a time; divides M.
    bits: width of a value in bits; every value must fit, signed or unsigned.

    Raises
    ------
    RomError: the folding does not divide or a value does not fit.
    """
    array: IntArray = np.asarray(values, dtype=np.int64)
    if array.ndim != 2 or array.size == 0:
        raise RomError(
            f"ROM '{name}.{role.value}': values must be a matrix that is not empty, not shape "
            f"{array.shape}"
        )
    rows, levels = array.shape
    _check_folding(name, rows, 1, pe, 1)
    lowest, highest = int(array.min()), int(array.max())
    limit = 1 << (bits - 1 if lowest < 0 else bits)
    if lowest < -limit or highest >= limit:
        raise RomError(
            f"ROM '{name}.{role.value}': values must fit {bits} bits, not {lowest}..{highest}"
        )
    mask = (1 << bits) - 1
    words = tuple(
        sum((int(value) & mask) << (index * bits) for index, value in enumerate(group))
        for group in array.reshape(rows // pe, pe * levels)
    )
    return RomImage(name, role, pe * levels * bits, words)


def _check_folding(name: str, rows: int, columns: int, pe: int, simd: int) -> None:
    for parameter, value, total, what in (
        ("pe", pe, rows, "rows"),
        ("simd", simd, columns, "columns"),
    ):
        if value < 1 or total % value:
            raise RomError(
                f"layer {name!r}: {parameter} must divide its {total} {what}, not {value!r}"
            )
