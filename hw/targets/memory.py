"""How synthesis builds memories and ROMs: LUT RAM, block RAM or logic, whichever it ranks cheapest.

The pass memory_libmap of Yosys gives each implementation a cost and takes the cheapest. It adds the
cost of the cells, which a family states (:class:`MemoryRules`), 1/2 for each bit of a two-way read
multiplexer between banks and for each write enable of one of several banks, and 2 for each feature
of the port that the cells lack and logic emulates.

Source: Yosys 0.70, memory_libmap; costs and choices as it prints them itself for 1,300 memories.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

__all__ = ["BLOCK_SHAPES", "JOINED", "STEP_COST", "LutMemory", "MemoryRules", "MemoryStyle", "Port"]

CHOICE_COST = 0.5
"""Of a bit of a two-way multiplexer between banks, and of a bank's write enable."""

STEP_COST = 2
"""Of a feature of a port that logic emulates."""

BYTE = 9
"""Bits of a block that share a write enable; narrower shapes have no enables."""

BLOCK_SHAPES = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
"""Depths and widths of a block of 18 Kb.

Source: UG473, "7 Series FPGAs Memory Resources"; FPGA-DS-02012."""


JOINED = "lut6"
"""STYLE of tritforge_rom.v: LUTs joined by instantiated cells."""


class MemoryStyle(Enum):
    """What a ROM of weights is made of."""

    AUTO = "auto"
    """As synthesis chooses."""

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
    """A LUT RAM cell of ``depth`` words of ``bits`` bits.

    Its cost is ``fixed`` + ``scaled`` * (share of the bits in use). ``luts`` are its LUTs; with
    ``by_bit`` those of each bit, since unused bits are removed.
    """

    depth:  int
    bits:   int
    fixed:  int
    scaled: int
    luts:   int
    by_bit: bool = False

    def cost(self, bits: int, depth: int, enables: int) -> tuple[float, int, int, int]:
        """Return the cost of a memory of ``depth`` words of ``bits`` bits.

        ``enables`` : write enables, each of an equal part of a word.

        Returns
        -------
        (cost, LUTs of a bank, banks, words of a bank)
        """
        part  = bits // enables
        banks = -(-depth // self.depth)
        bank  = self.fixed * -(-part // self.bits) + self.scaled * part / self.bits
        luts  = self.luts * (part if self.by_bit else -(-part // self.bits))
        cost = bank * banks * enables + _choice_cost(bits, banks, enables)
        return cost, luts * enables, banks, self.depth


@dataclass(frozen=True, kw_only=True)
class MemoryRules:
    """The memories of a family.

    Parameters
    ----------
    two_ports, one_port : LUT RAM cells with two addresses and with one.
    blocks : (cost, blocks of 18 Kb) of each size of block RAM.
    choice : LUTs of a multiplexer of n inputs, for a bit; wide multiplexers after them are free.
    chunk : words of a ROM in a LUT, for a bit; as logic, so many bits of a ROM cost 1.
    chunks : LUTs of a ROM that wide multiplexers join.
    guarded : whether synthesis adds logic to a block RAM for a read of the word being written.
    steps : features that logic emulates, by port: (of LUT RAM, of block RAM, of its widest shape).
    deepest : words of a registered LUT RAM of one port above which Yosys stops with an error.
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

    def in_luts(self, bits: int, depth: int, enables: int,
                port: Port) -> tuple[float, int, int, int]:
        """Return the cost of a memory of the cheapest LUT RAM cells, as :meth:`LutMemory.cost`."""
        cells = self.two_ports if port is Port.SEPARATE else self.one_port
        cost, luts, banks, words = min(cell.cost(bits, depth, enables) for cell in cells)
        return cost + STEP_COST * self.steps[port][0], luts, banks, words

    def in_blocks(self, bits: int, depth: int, enables: int = 1, *, fixed: bool = False,
                  before: int = 0, steps: tuple[int, int] = (0, 0)) -> tuple[float, int, int]:
        """Return the cost of a memory of the cheapest shape of block RAM.

        A block of 36 Kb is twice as wide as one of 18 Kb. Banks can share a block side by side;
        then a memory that is not ``fixed`` is written in whole bytes.

        Parameters
        ----------
        fixed : a ROM.
        before : lower bits of a word that another address reads, from copies of the same blocks.
        steps : features that logic emulates: (of a block, of its widest shape).

        Returns
        -------
        (cost, blocks of 18 Kb, banks)
        """
        part  = bits // enables
        found = []
        for words, shape in BLOCK_SHAPES:
            banks = -(-depth // words)
            whole = not fixed and (enables > 1 or banks > 1)
            if whole and shape < BYTE:
                continue
            width  = banks * (enables * -(-part // BYTE) * BYTE if whole else bits)
            choose = (_choice_cost(bits, banks, 0 if fixed else enables)
                      + STEP_COST * steps[(words, shape) == BLOCK_SHAPES[0]])
            for cost, size in self.blocks:
                count = -(-(before % (shape * size) + width) // (shape * size))
                found.append((cost * count + choose, count * size, banks))
        return min(found)

    def rom_in_blocks(self, lanes: Sequence[int], depth: int) -> bool:
        """Whether synthesis puts a ROM of ``depth`` words into block RAM.

        ``lanes`` : of each read address, the bits of a word that it reads. Each address reads a
        copy of the whole ROM; bits that nothing reads are removed afterwards.
        """
        bits = sum(lanes)
        blocks = self.in_blocks(bits, depth, fixed=True, steps=(1, 1))[0]
        return bits > 0 and bits * depth // self.chunk > int(blocks)


def _choice_cost(bits: int, banks: int, enables: int) -> float:
    """Cost of the read multiplexer and write enables of several banks."""
    return CHOICE_COST * ((banks - 1) * bits + banks * enables) if banks > 1 else 0
