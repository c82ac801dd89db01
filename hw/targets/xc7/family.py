"""The 7 series as a target: netlist cells, memories, synthesis, and LUTs and CARRY4 of arithmetic.

In LUTs, of operands of B bits, with cells by name (tritforge.hw.targets.xc7.cells):

    sum of two ternary products          B
    sum of two or three operands         one per column (tritforge.hw.targets.xc7.luts.row_columns)
    accumulator of W bits                W
    comparator                           1 up to 3 bits, else ceil(B/2)
    comparator with a threshold          ceil(B/2)
    multiplexer of two numbers           ceil(B/2)
    multiplexer of n inputs, per bit     ceil(n/4), MUXF7 and MUXF8 are free

n LUTs of a carry chain take ceil(n/4) CARRY4. With operators, LUTs follow from calibrated weights
(tritforge.hw.targets.target.Target.logic). Sources: UG474, "7 Series FPGAs Configurable Logic
Block"; UG473, "7 Series FPGAs Memory Resources"; Yosys 0.70, synth_xilinx.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tritforge.hw.targets.cost import Cost
from tritforge.hw.targets.memory import JOINED, LutMemory, MemoryRules, MemoryStyle
from tritforge.hw.targets.target import Target
from tritforge.hw.targets.xc7.luts import adder_luts, choice_luts, mux_luts, row_columns

if TYPE_CHECKING:
    from amaranth import Module

    from tritforge.export.ir.datatype import DataType
    from tritforge.hw.matrix.bit_heap import HeapRow
    from tritforge.hw.targets.operators import Operators

__all__ = ["Xc7", "netlist_cells"]


def netlist_cells() -> dict[str, dict[str, int]]:
    """Return the resources of each cell of a netlist without pads and clock buffers.

    For the 7 series and UltraScale+. Source of the LUT sites of LUT RAM: UG474 and, for those of
    eight sites, UG574, "Distributed RAM".
    """
    table = ({f"LUT{inputs}": {"lut": 1} for inputs in range(1, 7)}
             | {"LUT6_2": {"lut": 1}, "INV": {"inv": 1}})
    sites = {
        "RAM16X1S": 1, "RAM16X1D": 2,
        "RAM32X1S": 1, "RAM32X2S": 2, "RAM32X1D": 2, "RAM32M": 4,
        "RAM64X1S": 1, "RAM64X1D": 2, "RAM64M": 4,
        "RAM128X1S": 2, "RAM128X1D": 4, "RAM256X1S": 4,
        "RAM32M16": 8, "RAM64M8": 8, "RAM256X1D": 8, "RAM512X1S": 8, "RAM64X8SW": 8,
        "RAM32X16DR8": 8,
    }
    table |= {cell: {"lutram": count} for cell, count in sites.items()}
    table |= {cell: {"srl": 1} for cell in ("SRL16", "SRL16E", "SRLC16", "SRLC16E", "SRLC32E")}
    for cell in ("FDRE", "FDSE", "FDCE", "FDPE", "LDCE", "LDPE"):    # a latch occupies a flip-flop
        table |= {cell: {"ff": 1}, f"{cell}_1": {"ff": 1}}
    table |= {"CARRY4": {"carry": 1}, "MUXF7": {"muxf": 1}, "MUXF8": {"muxf": 1}}
    for version in ("E1", "E2"):                              # of the 7 series, of UltraScale+
        table |= {f"{kind}18{version}": {"bram18": 1} for kind in ("RAMB", "FIFO")}
        table |= {f"{kind}36{version}": {"bram36": 1} for kind in ("RAMB", "FIFO")}
        table[f"DSP48{version}"] = {"dsp": 1}
    return table


class Xc7(Target):
    """LUT6, CARRY4, block RAM of 18 and 36 Kb.

    Costs in Yosys' pass memory_libmap, which takes the cheapest: a block of 18 Kb 129, one of 36 Kb
    257; a LUT RAM of four LUTs 8, less where bits of a word are unused; a ROM as logic 1/64 per
    bit; another memory as flip-flops 1 per bit. LUT RAM is read combinationally, so its read
    register takes flip-flops; block RAM has that register inside.
    Source: Yosys 0.70, share/xilinx/lutrams_xc5v.txt, brams_xc4v.txt, synth_xilinx.
    """

    NAME          = "xc7"
    TITLE         = "7 series"
    CALIBRATED_AS = "xc7"
    FOLDER        = Path(__file__).parent
    LIBRARY       = "xilinx7"
    CALIBRATED    = ("lut", "sites", "carry")
    LUT_INPUTS    = 6
    BLOCK_LUTS    = 156                                       # XC7K480T: 298,600 LUT, 1,910 blocks
    DECODER_LUTS  = 9
    GATE_BITS     = 2
    ATOMS         = True
    FUNCTIONS     = True
    NETLIST_CELLS = netlist_cells()
    COUNTING_NOTES = (
        "LUT: cells LUT1..LUT6 and LUT6_2. INV: inverters that synthesis left as cells of their "
        "own; packing may absorb them into a LUT. LUT total: LUT + INV + LUTRAM + SRL.",
        "BRAM36: blocks of 36 Kb; one of 18 Kb counts a half.",
        "LUT6 sites, est.: estimated, not placed: the sites that LUT and INV need when small LUTs "
        "that share inputs are paired greedily, two in one LUT6_2.",
    )
    CARRY_CELL    = "CARRY4"
    BLOCK_KBITS   = 36
    MEMORY        = MemoryRules(
        two_ports = (LutMemory(32, 6, 1, 7, 4), LutMemory(64, 3, 1, 7, 4),       # RAM32M, RAM64M
                     LutMemory(32, 4, 0, 8, 4), LutMemory(64, 2, 0, 8, 4),       # the same
                     LutMemory(128, 1, 0, 8, 4)),                                # RAM128X1D
        one_port  = (LutMemory(32, 8, 0, 8, 4), LutMemory(64, 4, 0, 8, 1, True),  # RAM32M, RAM64X1S
                     LutMemory(128, 2, 0, 8, 2, True),                           # RAM128X1S
                     LutMemory(256, 1, 0, 8, 4, True)),                          # RAM256X1S
        blocks    = ((129, 1), (257, 2)),
        choice    = mux_luts,
    )

    def arithmetic(self, m: Module, platform: object) -> Operators:
        """Return the rows of LUT6_2 and CARRY4, or operators without cells."""
        from tritforge.hw.targets.xc7.cells import SevenSeries
        return SevenSeries(m, platform) if self.cells else super().arithmetic(m, platform)

    def rom_style(self, varying: Sequence[int], depth: int, style: MemoryStyle) -> str:
        """With cells, the style of a ROM deeper than a LUT is decided here, not by synthesis.

        So it does not depend on which bits happen to be constant.
        """
        if not self.cells or depth <= self.lut_words or style is MemoryStyle.BLOCK:
            return style.value
        if style is MemoryStyle.AUTO and self.MEMORY.rom_in_blocks(varying, depth):
            return MemoryStyle.BLOCK.value
        return JOINED

    def synthesis(self, files: Sequence[str], top: str) -> tuple[str, ...]:
        """Commands of Yosys: synth_xilinx without pads and clock buffers."""
        return (
            # without -defer Yosys elaborates a module that calls $readmemh with its default
            # parameters first
            *(f'read_verilog -defer "{name}"' for name in files),
            f"synth_xilinx -family {self.NAME} -top {top} -noiopad -noclkbuf",
            "write_json netlist.json",
            "write_verilog -noattr netlist.v",
        )

    def netlist_models(self) -> tuple[Path, ...]:
        """Verilog files of the cells and of block RAM."""
        return self.FOLDER / "netlist_cells.v", self.FOLDER / "netlist_block_ram.v"

    # Costs

    def adder(self, left: DataType, right: DataType, width: int) -> Cost:
        """Cost of the sum of numbers of types ``left`` and ``right`` in ``width`` bits.

        LUTs alone: the CARRY4 are part of the calibrated logic around it.
        """
        return self.luts(adder_luts(left, right, width))

    def counter_multiplexer(self, inputs: int) -> Cost:
        """Cost, per bit, of a multiplexer of ``inputs`` inputs selected by a counter."""
        return self.luts(choice_luts(inputs))

    @property
    def keeps_idle(self) -> bool:
        """Whether constant flip-flops stay: synthesis does not optimize through cells by name."""
        return self.cells

    def _row(self, columns: int) -> Cost:
        return Cost(lut=columns, sites=columns, carry=-(-columns // 4))

    def products(self, bits: int) -> Cost:
        """Cost of the sum of two ternary products of ``bits`` bits: a LUT per bit."""
        return self._row(bits)

    def product(self, bits: int) -> Cost:
        """Cost of one ternary product of ``bits`` bits: a small LUT per bit, two in a site."""
        return Cost(lut=bits, sites=-(-bits // 2))

    def sum(self, operands: Sequence[int], width: int) -> Cost:
        """Cost of the sum, in ``width`` bits, of two or three ``operands``, their numbers of bits.

        A LUT per column, a CARRY4 for four of them.
        """
        return self._row(row_columns(operands, width))

    def accumulated(self, operands: Sequence[int], width: int) -> Cost:
        """Cost of an accumulator of ``width`` bits to which one or two ``operands``, their numbers
        of bits, are added."""
        return self._row(row_columns([*operands, width], width))

    def accumulated_product(self, bits: int, width: int) -> Cost:
        """Cost of an accumulator of ``width`` bits to which a ternary product is added."""
        return self._row(width)

    def ternary_lanes(self, lanes: int, taken: int) -> Cost:
        """Cost of the ``lanes`` of a dot product of ternary inputs: a LUT for each.

        ``taken`` : bits that enter rows of atoms, which are cells and counted as rows.
        """
        return self.luts(lanes)

    def heap_row(self, row: HeapRow) -> Cost:
        """Cost of a row of a bit heap (tritforge.hw.matrix.bit_heap.HeapRow)."""
        return self._row(row.luts)

    def decoders(self, count: float) -> Cost:
        """With cells ``DECODER_LUTS`` each, also for a byte of fewer than five trits, because all
        decoders are one module."""
        return self.luts(self.DECODER_LUTS * count) if self.cells else super().decoders(count)

    def comparators(self, bits: int, count: float, component: str = "no less",
                    enable: bool = False) -> Cost:
        """With cells one LUT6 up to 3 bits, else ceil(bits/2) LUT6 and a CARRY4 for four of
        them."""
        if not self.cells:
            return super().comparators(bits, count, component, enable)
        bits += enable
        luts  = 1 if bits <= 3 else -(-bits // 2)
        return Cost(lut=luts, sites=luts, carry=-(-luts // 4) * (bits > 3)) * count

    def threshold_comparators(self, bits: int, count: float) -> Cost:
        """ceil(bits/2) LUT6 and ceil(bits/8) CARRY4 each."""
        luts = count * -(-bits // 2)
        return Cost(lut=luts, sites=luts, carry=count * -(-bits // 8))

    def selectors(self, bits: int, count: float = 1) -> Cost:
        """With cells a LUT6_2 for two bits, else a LUT per bit."""
        return self.luts(count * (-(-bits // 2) if self.cells else bits))

    def maxima(self, bits: int, count: float) -> Cost:
        """With cells one LUT6 up to 2 bits, else a comparator and a selector."""
        if not self.cells:
            return super().maxima(bits, count)
        if bits <= 2:
            return self.luts(count)
        return self.comparators(bits, count) + self.selectors(bits, count)

    def running_maxima(self, bits: int, count: float) -> Cost:
        """Cost of ``count`` maxima of a register and a value, which overwrites it at the start."""
        if not self.cells:
            return super().maxima(bits, count)
        if bits <= 2:
            return self.luts(count)
        return self.comparators(bits, count, enable=True) + self.selectors(bits, count)
