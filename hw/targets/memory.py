"""What synthesis makes of memories and ROMs: LUTs as memory, blocks, or logic, whichever it counts cheapest.

Yosys (memory_libmap) gives each way to build a memory a cost and takes the cheapest. Each bit that has to choose between
two banks costs a half, each write enable of one of several banks as much; what the way lacks and logic has to do, 2 a
step. The costs of the ways are those of a family (:class:`MemoryRules`).

Source: Yosys 0.70, memory_libmap; costs and choices as it prints them itself for 1,300 memories.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

__all__ = ["BLOCK_SHAPES", "JOINED", "STEP_COST", "LutMemory", "MemoryRules", "MemoryStyle", "Port"]

CHOICE_COST = 0.5
"""Of a bit that is chosen from one of two banks, and of a bank's write enable."""

STEP_COST = 2
"""Of a step that logic has to do for a memory."""

BYTE = 9
"""Bits of a block that are written by one enable, and width of its narrowest shape that has such enables."""

BLOCK_SHAPES = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
"""Words and bits that a block of 18 Kb can be. Source: UG473, "7 Series FPGAs Memory Resources"; FPGA-DS-02012."""


JOINED = "lut6"
"""STYLE of tritforge_rom.v: LUTs that cells by name join."""


class MemoryStyle(Enum):
    """What a ROM of weights is made of."""

    AUTO = "auto"
    """What synthesis likes."""

    BLOCK = "block"
    DISTRIBUTED = "distributed"


class Port(Enum):
    """How a memory is addressed."""

    SEPARATE = "separate"
    """Written at one address, read at another in the same cycle, into a register."""

    SHARED = "shared"
    """Written and read at one address, read without a register."""

    REGISTERED = "registered"
    """Written and read at one address, read into a register."""


@dataclass(frozen=True)
class LutMemory:
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


@dataclass(frozen=True, kw_only=True)
class MemoryRules:
    """What a family builds memories of.

    ``two_ports``, ``one_port`` : LUTs as memory, for memories of two addresses and of one.
    ``blocks`` : (cost, blocks of 18 Kb) of each size of block.
    ``choice`` : LUTs of a multiplexer of so many inputs, for a bit; wide multiplexers after them are free.
    ``chunk`` : words of a ROM that a LUT holds for a bit, and bits of one that cost 1 as logic.
    ``chunks`` : LUTs of a ROM that wide multiplexers join.
    ``guarded`` : whether synthesis guards a block against reading what is being written: registers for the word read, the
    word written, the address, and two bits; a LUT for each bit chooses. If it is written and read at one address, the word
    read and a bit are enough, as long as it is not wider than half of the widest block.
    ``steps`` : that logic has to do, by port: for LUTs as memory, for blocks, for blocks in their widest shape.
    ``deepest`` : words of a registered memory of one port in LUTs beyond which Yosys stops with an error.
    """

    two_ports: tuple[LutMemory, ...]
    one_port:  tuple[LutMemory, ...]
    blocks:    tuple[tuple[int, int], ...]
    choice:    Callable[[int], float]
    chunk:     int        = 64
    chunks:    int        = 4
    guarded:   bool       = False
    steps:     Mapping[Port, tuple[int, int, int]] = field(default_factory=lambda: {
        Port.SEPARATE: (1, 1, 1), Port.SHARED: (0, 1, 1), Port.REGISTERED: (0, 1, 1)})
    deepest:   int | None = None

    def in_luts(self, bits, depth, enables, port):
        """(cost, LUTs of a bank, banks, words of a bank) of the cheapest memory of this size in LUTs."""
        cells = self.two_ports if port is Port.SEPARATE else self.one_port
        cost, luts, banks, words = min(cell.cost(bits, depth, enables) for cell in cells)
        return cost + STEP_COST * self.steps[port][0], luts, banks, words

    def in_blocks(self, bits, depth, enables=1, *, fixed=False, before=0, steps=(0, 0)):
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
            for cost, size in self.blocks:
                count = -(-(before % (shape * size) + width) // (shape * size))
                found.append((cost * count + choose, count * size, banks))
        return min(found)

    def rom_in_blocks(self, lanes, depth):
        """Whether a ROM of ``depth`` words goes to blocks, of whose words each of several addresses reads its own bits;
        ``lanes``: how many. Each address has the whole ROM to itself, until what nothing reads vanishes."""
        bits = sum(lanes)
        return bits > 0 and bits * depth // self.chunk > int(self.in_blocks(bits, depth, fixed=True, steps=(1, 1))[0])


def _choice_cost(bits, banks, enables):
    """Cost of banks: a word is chosen from one, and each part of a word is written to one."""
    return CHOICE_COST * ((banks - 1) * bits + banks * enables) if banks > 1 else 0
