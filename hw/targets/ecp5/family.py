"""The ECP5 as a target: netlist cells, memories, synthesis, and LUT4 and CCU2C of arithmetic.

In LUT4, of operands of B bits, with cells by name (tritforge.hw.targets.ecp5.cells). C(B) is a
chain of whole CCU2C of two LUTs each (tritforge.hw.targets.ecp5.luts.chain_luts): B + 2, B + 1 if
B is odd, and without a carry out B or B + 1:

    sum of two ternary products          B + C(B)
    sum of n operands                    n - 1 chains; gates, one per bit, of up to 4 input bits
    accumulator                          a chain per operand
    comparator                           C(B); gates up to 2 bits, with an enable up to 3
    comparator with a threshold          C(B); gates up to 4 bits
    multiplexer of two numbers           B
    multiplexer of n inputs, per bit     measured (tritforge.hw.targets.ecp5.luts.choice_luts)

With operators, and for gates, LUTs follow from calibrated weights
(tritforge.hw.targets.target.Target.logic). Sources: Lattice FPGA-DS-02012, "ECP5 and ECP5-5G Family
Data Sheet"; TN1264, "ECP5 and ECP5-5G Memory Usage Guide"; Yosys 0.70, synth_lattice.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tritforge.hw.matrix.bit_heap import HeapRow, RowKind
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

if TYPE_CHECKING:
    from amaranth import Module

    from tritforge.export.ir.datatype import DataType
    from tritforge.hw.targets.operators import Operators

__all__ = ["ABC9", "Ecp5"]

ABC9 = (
    'scratchpad -set abc9.script "+&scorr; &sweep; &dc2; &dch -f -r; &ps; &if {W} {D} {R} -v"',
    "scratchpad -set abc9.D 2000",
)
"""Yosys' own script for mapping to LUTs, without its last command &mfs. In Yosys 0.70 that makes
wrong LUTs next to carry cells, such as those of the maximum of two signed numbers (a bug of this
kind: github.com/YosysHQ/yosys/issues/5777). And a target delay for each module in picoseconds:
without one, abc9 minimizes the delay of each module alone and joins LUTs by wide multiplexers along
the critical path of that module."""

_WRITTEN_16 = (LutMemory(16, 4, 4, 0, 4),)                    # TRELLIS_DPR16X4


class Ecp5(Target):
    """LUT4, CCU2C (two LUTs, two bits of carry), block RAM of 18 Kb.

    Costs in Yosys' pass memory_libmap, which takes the cheapest: a LUT RAM of 16 words of 4 bits in
    four LUT4 4, a block 128, a ROM as logic 1/16 per bit.
    Source: Yosys 0.70, share/lattice/lutrams_trellis.txt, brams_16kd.txt, synth_lattice.
    """

    NAME          = "ecp5"
    TITLE         = "ECP5"
    CALIBRATED_AS = "ecp5"
    FOLDER        = Path(__file__).parent
    LIBRARY       = "ecp5"
    LUT_INPUTS    = 4
    BLOCK_LUTS    = 402                                       # LFE5U-85F: 83,640 LUT4, 208 blocks
    DECODER_LUTS  = 17
    GATE_BITS     = MAX_GATE_BITS
    PLAIN_SUMS    = True
    COUNTING_NOTES = (
        "LUT: LUT4, and two for a CCU2C. LUTRAM: four LUT4 for a TRELLIS_DPR16X4 (memory of "
        "16 x 4); its write port takes another slice, whose LUTs stay free. MUXF: PFUMX and "
        "L6MUX21. BRAM18: DP16KD.",
    )
    PLACED_PARTS: ClassVar = {
        "lfe5u-25f": ("--25k", "CABGA381"),
        "lfe5u-45f": ("--45k", "CABGA554"),
        "lfe5u-85f": ("--85k", "CABGA756"),
    }
    CARRY_CELL    = "CCU2C"
    NETLIST_CELLS: ClassVar = {
        "LUT4": {"lut": 1}, "CCU2C": {"lut": 2, "carry": 1}, "TRELLIS_DPR16X4": {"lutram": 4},
        "PFUMX": {"muxf": 1}, "L6MUX21": {"muxf": 1}, "TRELLIS_FF": {"ff": 1},
        "DP16KD": {"bram18": 1}, "MULT18X18D": {"dsp": 1},
    }
    MEMORY        = MemoryRules(
        two_ports = _WRITTEN_16,
        one_port  = _WRITTEN_16,
        blocks    = ((128, 1),),
        choice    = choice_luts,
        chunk     = 16,
        chunks    = 8,
        guarded   = True,
        steps     = {Port.SEPARATE: (1, 7, 7), Port.SHARED: (1, 7, 7), Port.REGISTERED: (1, 3, 7)},
    )

    def arithmetic(self, m: Module, platform: object) -> Operators:
        """Return the rows of CCU2C and LUT4, or operators without cells."""
        from tritforge.hw.targets.ecp5.cells import Ecp5Cells
        return Ecp5Cells(m, platform) if self.cells else super().arithmetic(m, platform)

    def synthesis(self, files: Sequence[str], top: str) -> tuple[str, ...]:
        """Commands of Yosys: synth_ecp5 with the script ``ABC9``, without multipliers."""
        return (
            *(f'read_verilog -defer "{name}"' for name in files),
            *ABC9,
            f"synth_ecp5 -top {top} -noflatten -nodsp",
            "write_json netlist.json",
            "write_verilog -noattr netlist.v",
        )

    def netlist_models(self) -> tuple[Path, ...]:
        """Verilog files of the cells of a netlist and of those that the design instantiates."""
        return self.FOLDER / "netlist_cells.v", self.FOLDER / "cells.v"

    # Costs

    def _cells(self, luts: tuple[int, int]) -> Cost:
        """Cost of ``luts``: (of gates, of chains); two of a chain are a CCU2C."""
        gates, chains = luts
        return Cost(lut=gates + chains, sites=None, carry=chains // 2)

    def adder(self, left: DataType, right: DataType, width: int) -> Cost:
        """Cost of the sum of numbers of types ``left`` and ``right`` in ``width`` bits."""
        if left.bits + right.bits <= self.LUT_INPUTS:         # each bit is a function of all inputs
            return self.luts(width)
        return Cost(lut=self.chain(width), sites=None, carry=self.chain(width) // 2)

    def chain(self, bits: int) -> int:
        """LUTs of a carry chain of ``bits`` bits: whole CCU2C of two."""
        return bits + bits % 2

    def counter_multiplexer(self, inputs: int) -> Cost:
        """Cost, per bit, of a multiplexer of ``inputs`` inputs selected by a counter."""
        return Cost(lut=choice_luts(inputs), sites=choice_luts(inputs))

    def products(self, bits: int) -> Cost:
        """Cost of the sum of two ternary products of ``bits`` bits.

        One product is gates, the chain computes the other one; one bit is gates alone.
        """
        return self.logic("dot", of_1=1) if bits == 1 else self._cells(product_luts(bits))

    def product(self, bits: int) -> Cost:
        """Cost of one ternary product of ``bits`` bits: a LUT per bit."""
        return self.luts(bits)

    def sum(self, operands: Sequence[int], width: int) -> Cost:
        """Cost of the sum, in ``width`` bits, of two or three ``operands``, their numbers of bits.

        A chain for each but the first.
        """
        return self._cells(sum_luts(operands, width))

    def accumulated(self, operands: Sequence[int], width: int) -> Cost:
        """Cost of an accumulator of ``width`` bits to which one or two ``operands``, their numbers
        of bits, are added."""
        return self._cells(sum_luts(operands, width, width))

    def accumulated_product(self, bits: int, width: int) -> Cost:
        """Cost of an accumulator of ``width`` bits to which a ternary product of ``bits`` bits is
        added."""
        return self.luts(bits) + self.accumulated([bits], width)

    def ternary_lanes(self, lanes: int, taken: int) -> Cost:
        """Cost of the ``lanes`` of a dot product of ternary inputs, calibrated.

        ``taken`` : bits that enter rows of atoms, which are operators here.
        """
        return self.logic("ternary dot", lanes=lanes, taken=taken)

    def heap_row(self, row: HeapRow) -> Cost:
        """Cost of a row of a bit heap (tritforge.hw.matrix.bit_heap.HeapRow).

        That of a row of atoms is 0: it is operators, which are calibrated with the unit.
        """
        return (Cost(sites=None) if row.kind is RowKind.ATOMS
                else self._cells(row_luts(row.taken, row.top)))

    def heap_row_luts(self, row: HeapRow) -> float:
        """With cells their number; a row of atoms is a chain of operators, narrow ones are gates.
        """
        if not self.cells:
            return row.luts
        if row.kind is RowKind.TERNARY:
            return sum(row_luts(row.taken, row.top))
        luts = (self.logic("unrolled", chain=row.luts + row.luts % 2) if row.luts > 2
                else self.logic("unrolled", narrow=row.luts)).lut
        return row.luts if luts is None else luts

    def comparators(self, bits: int, count: float, component: str = "no less",
                    enable: bool = False) -> Cost:
        """With cells a carry chain each; narrow ones are gates.

        A comparator with an enable is the only one in a cycle, so it may be wider as gates.
        """
        if self.cells and bits > (MAX_GATE_COMPARE_BITS if enable
                                  else MAX_GATE_CASCADED_COMPARE_BITS):
            return self._cells((0, chain_luts(bits + enable))) * count
        return super().comparators(bits, count, component, enable)

    def threshold_comparators(self, bits: int, count: float) -> Cost:
        """A carry chain each; gates up to ``MAX_GATE_BITS`` bits."""
        if bits > MAX_GATE_BITS:
            return self._cells((0, chain_luts(bits))) * count
        return super().threshold_comparators(bits, count)

    def maxima(self, bits: int, count: float) -> Cost:
        """With cells a comparator and a selector each; narrow ones are gates."""
        return self._maxima(bits, count, MAX_GATE_CASCADED_COMPARE_BITS)

    def running_maxima(self, bits: int, count: float) -> Cost:
        """Cost of ``count`` maxima of a register and a value, which overwrites it at the start."""
        return self._maxima(bits, count, MAX_GATE_COMPARE_BITS)

    def _maxima(self, bits: int, count: float, most: int) -> Cost:
        if not self.cells or bits <= most:
            return super().maxima(bits, count)
        return self.comparators(bits, count) + self.selectors(bits, count)
