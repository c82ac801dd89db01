"""LUTs of what cells and synthesis make of arithmetic with LUT6 and CARRY4."""

__all__ = ["adder_luts", "choice_luts", "mux_luts", "row_columns"]


def row_columns(operands, width):
    """Columns of a row of up to three operands modulo 2**width that take a LUT: to the top bit, and
    one above where two or three of ``operands`` bits meet, for what was saved."""
    top   = max(operands)
    three = len(operands) == 3 and sorted(operands)[1] >= top
    saved = three or sum(bits >= top for bits in operands) == 3
    return min(width, top + saved)


def adder_luts(left, right, width):
    """LUTs of the sum of numbers of types ``left`` and ``right`` in ``width`` bits: one for each
    pair of bits that meet.

    A signed operand's sign goes on, an unsigned one ends; a pair that comes again shares the LUT.
    """
    def place(dtype, bit):
        return min(bit, dtype.bits - 1) if dtype.signed or bit < dtype.bits else None

    pairs = {(place(left, bit), place(right, bit)) for bit in range(width)}
    return sum(None not in pair for pair in pairs)


_CHOICE_LUTS = (0, 0, 1, 1, 1, 3, 2, 3.4, 3, 5, 5.9, 4, 5, 4.7, 6, 7.2, 6.3, 6.1, 9.1, 8)


def choice_luts(inputs):
    """LUTs of a choice by a counter among so many inputs, for a bit, as synthesis makes it.

    Measured with tritforge.hw.stream.width_converter: what 4 to 16 bits take on the average, of 2
        to 19 inputs. A LUT6 chooses one of four by two bits of the count, but what becomes of more
        inputs has no rule; beyond the table it is about a LUT for two of them.
    """
    return _CHOICE_LUTS[inputs] if inputs < len(_CHOICE_LUTS) else -(-inputs // 2)


def mux_luts(inputs):
    """LUT6 of a multiplexer of so many inputs for a bit: four a LUT, and the wide multiplexers
    after them are free."""
    return 0 if inputs < 2 else -(-inputs // 4)
