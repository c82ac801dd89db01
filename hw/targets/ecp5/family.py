"""The ECP5 as a target."""

from pathlib import Path
from typing import ClassVar

from tritforge.hw.matrix.bit_heap import RowKind
from tritforge.hw.targets.cost import Cost
from tritforge.hw.targets.ecp5.luts import (
    MAX_GATE_BITS,
    MAX_GATE_CASCADED_COMPARE_BITS,
    MAX_GATE_COMPARE_BITS,
    chain_luts,
    choice_luts,
    product_luts,
    row_luts,
    sum_luts,
)
from tritforge.hw.targets.memory import LutMemory, MemoryRules, Port
from tritforge.hw.targets.target import Target

__all__ = ["ABC9", "Ecp5"]

ABC9 = (
    'scratchpad -set abc9.script "+&scorr; &sweep; &dc2; &dch -f -r; &ps; &if {W} {D} {R} -v"',
    "scratchpad -set abc9.D 2000",
)
"""Yosys' own script for mapping to LUTs without its last command, &mfs: in Yosys 0.70 that makes wrong LUTs
beside carry cells, such as those of the larger one of two signed numbers (of this kind is
github.com/YosysHQ/yosys/issues/5777). And the delay in picoseconds that a module may have: without one each
is made as fast as it can be, alone, with LUTs that wide multiplexers join wherever its own longest path
leads."""

_WRITTEN_16 = (LutMemory(16, 4, 4, 0, 4),)                                   # TRELLIS_DPR16X4


class Ecp5(Target):
    """LUT4, a carry cell CCU2C of two LUTs for two bits, blocks of 18 Kb.

    In memory_libmap 16 words of 4 bits in four LUT4 cost 4, a block 128, a ROM as logic a 16th of its bits.
    Source: Yosys 0.70, share/lattice/lutrams_trellis.txt, brams_16kd.txt, synth_lattice.
    """

    NAME          = "ecp5"
    TITLE         = "ECP5"
    CALIBRATED_AS = "ecp5"
    FOLDER        = Path(__file__).parent
    LIBRARY       = "ecp5"
    LUT_INPUTS    = 4
    BLOCK_LUTS    = 402                                                      # LFE5U-85F: 83,640 LUT4, 208 blocks
    DECODER_LUTS  = 17
    GATE_BITS     = MAX_GATE_BITS
    PLAIN_SUMS    = True
    COUNTING_NOTES = (
        "LUT: LUT4, and two for a CCU2C. LUTRAM: four LUT4 for a TRELLIS_DPR16X4 (memory of 16 x 4); its write port takes "
        "another slice, whose LUTs stay free. MUXF: PFUMX and L6MUX21. BRAM18: DP16KD.",
    )
    PLACED_PARTS: ClassVar = {
        "lfe5u-25f": ("--25k", "CABGA381"),
        "lfe5u-45f": ("--45k", "CABGA554"),
        "lfe5u-85f": ("--85k", "CABGA756"),
    }
    CARRY_CELL    = "CCU2C"
    NETLIST_CELLS: ClassVar = {
        "LUT4": {"lut": 1}, "CCU2C": {"lut": 2, "carry": 1}, "TRELLIS_DPR16X4": {"lutram": 4}, "PFUMX": {"muxf": 1},
        "L6MUX21": {"muxf": 1}, "TRELLIS_FF": {"ff": 1}, "DP16KD": {"bram18": 1}, "MULT18X18D": {"dsp": 1},
    }
    MEMORY        = MemoryRules(
        two_ports = _WRITTEN_16, one_port = _WRITTEN_16, blocks = ((128, 1),), choice = choice_luts, chunk = 16, chunks = 8,
        guarded   = True,
        steps     = {Port.SEPARATE: (1, 7, 7), Port.SHARED: (1, 7, 7), Port.REGISTERED: (1, 3, 7)},
    )

    def arithmetic(self, m, platform):
        from tritforge.hw.targets.ecp5.cells import Ecp5Cells
        return Ecp5Cells(m, platform) if self.cells else super().arithmetic(m, platform)

    def synthesis(self, files, top):
        return (
            *(f'read_verilog -defer "{name}"' for name in files),
            *ABC9,
            f"synth_ecp5 -top {top} -noflatten -nodsp",
            "write_json netlist.json",
            "write_verilog -noattr netlist.v",
        )

    def netlist_models(self):
        return self.FOLDER / "netlist_cells.v", self.FOLDER / "cells.v"

    # Costs

    def _cells(self, luts):
        """Cost of ``luts``: (of gates, of chains), the latter of two a CCU2C."""
        gates, chains = luts
        return Cost(lut=gates + chains, sites=None, carry=chains // 2)

    def adder(self, left, right, width):
        """Cost of the sum of numbers of types ``left`` and ``right`` in ``width`` bits."""
        if left.bits + right.bits <= self.LUT_INPUTS:                        # each bit is a function of all of them
            return self.luts(width)
        return Cost(lut=self.chain(width), sites=None, carry=self.chain(width) // 2)

    def chain(self, bits):
        """LUTs of a chain of carries, whole cells of two bits."""
        return bits + bits % 2

    def counter_multiplexer(self, inputs):
        """Cost of a choice by a counter among so many inputs, for a bit."""
        return Cost(lut=choice_luts(inputs), sites=choice_luts(inputs))

    def multiplexer(self, inputs):
        """LUTs of a multiplexer of so many inputs by a register, for a bit."""
        return choice_luts(inputs)

    def products(self, bits):
        """Cost of the sum of two ternary products: the gates of one, the other one in the chain; of one bit gates alone."""
        return self.logic("dot", of_1=1) if bits == 1 else self._cells(product_luts(bits))

    def product(self, bits):
        """Cost of a single ternary product."""
        return self.luts(bits)

    def sum(self, operands, width):
        """Cost of the sum of two or three operands of so many bits: a chain for each but the first."""
        return self._cells(sum_luts(operands, width))

    def accumulated(self, operands, width):
        """Cost of an accumulator of ``width`` bits that one or two operands are added to."""
        return self._cells(sum_luts(operands, width, width))

    def accumulated_product(self, bits, width):
        """Cost of an accumulator that a ternary product is added to."""
        return self.luts(bits) + self.accumulated([bits], width)

    def ternary_lanes(self, lanes, taken):
        """Cost of the lanes of a dot product of ternary inputs; ``taken`` bits go into rows of atoms, which are operators."""
        return self.logic("ternary dot", lanes=lanes, taken=taken)

    def heap_row(self, row):
        """Cost of a row of a heap (tritforge.hw.matrix.bit_heap.HeapRow); rows of atoms are operators."""
        return Cost(sites=None) if row.kind is RowKind.ATOMS else self._cells(row_luts(row.taken, row.top))

    def heap_row_luts(self, row):
        """Of cells by their number; a row of atoms is a chain of operators, or gates where it is narrow."""
        if not self.cells:
            return row.luts
        if row.kind is RowKind.TERNARY:
            return sum(row_luts(row.taken, row.top))
        return self.logic("unrolled", **{"chain" if row.luts > 2 else "narrow": row.luts + row.luts % 2 * (row.luts > 2)}).lut

    def comparators(self, bits, count, component="no less", enable=False):
        """A carry chain each, or gates where they are narrow. With an enable there is only one in a cycle."""
        if self.cells and bits > (MAX_GATE_COMPARE_BITS if enable else MAX_GATE_CASCADED_COMPARE_BITS):
            return self._cells((0, chain_luts(bits + enable))) * count
        return super().comparators(bits, count, component, enable)

    def threshold_comparators(self, bits, count):
        """A carry chain each, or gates up to ``MAX_GATE_BITS``."""
        if bits > MAX_GATE_BITS:
            return self._cells((0, chain_luts(bits))) * count
        return super().threshold_comparators(bits, count)

    def maxima(self, bits, count):
        """A comparator and a selector each, or gates where they are narrow."""
        return self._maxima(bits, count, MAX_GATE_CASCADED_COMPARE_BITS)

    def running_maxima(self, bits, count):
        """As :meth:`maxima`, of a value and a register that is overwritten at the start."""
        return self._maxima(bits, count, MAX_GATE_COMPARE_BITS)

    def _maxima(self, bits, count, most):
        if not self.cells or bits <= most:
            return super().maxima(bits, count)
        return self.comparators(bits, count) + self.selectors(bits, count)
