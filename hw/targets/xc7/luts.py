"""Numbers of LUT6 of arithmetic, as instantiated cells or as synthesis maps it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tritforge.export.ir.datatype import DataType

__all__ = ["adder_luts", "choice_luts", "mux_luts", "row_columns"]


def row_columns(operands: Sequence[int], width: int) -> int:
    """LUTs of a row that adds up to three ``operands``, their numbers of bits, modulo 2**``width``.

    One per column up to the top bit, and one above it if a carry-save bit reaches that column.
    """
    top   = max(operands)
    three = len(operands) == 3 and sorted(operands)[1] >= top
    saved = three or sum(bits >= top for bits in operands) == 3
    return min(width, top + saved)


def adder_luts(left: DataType, right: DataType, width: int) -> int:
    """LUTs of the sum of numbers of types ``left`` and ``right`` in ``width`` bits.

    One for each column with a bit of both. A signed operand is extended by its sign bit; columns of
    the same two bits share a LUT.
    """
    def place(dtype: DataType, bit: int) -> int | None:
        return min(bit, dtype.bits - 1) if dtype.signed or bit < dtype.bits else None

    pairs = {(place(left, bit), place(right, bit)) for bit in range(width)}
    return sum(None not in pair for pair in pairs)


_CHOICE_LUTS = (0, 0, 1, 1, 1, 3, 2, 3.4, 3, 5, 5.9, 4, 5, 4.7, 6, 7.2, 6.3, 6.1, 9.1, 8)


def choice_luts(inputs: int) -> float:
    """LUTs, per bit, of a multiplexer of ``inputs`` inputs selected by a counter.

    Measured with tritforge.hw.stream.width_converter, mapped by Yosys: the mean of 4 to 16 bits,
    for 2 to 19 inputs. A LUT6 selects one of four inputs by two bits of the counter; more inputs
    follow no rule. Beyond the table, about a LUT for two inputs.
    """
    return _CHOICE_LUTS[inputs] if inputs < len(_CHOICE_LUTS) else -(-inputs // 2)


def mux_luts(inputs: int) -> int:
    """LUT6, per bit, of a multiplexer of ``inputs`` inputs: ceil(inputs / 4).

    MUXF7 and MUXF8, the wide multiplexers after them, are no LUTs. Source: UG474, "Multiplexers".
    """
    return 0 if inputs < 2 else -(-inputs // 4)
