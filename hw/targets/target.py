"""What a design is built for: cells, memories, costs, synthesis and netlist models of an FPGA
family, in one object."""

from __future__ import annotations

import functools
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tritforge.hw.targets.cost import UNKNOWN, Cost
from tritforge.hw.targets.memory import MemoryRules, MemoryStyle

if TYPE_CHECKING:
    from amaranth import Module

    from tritforge.export.ir.datatype import DataType
    from tritforge.hw.matrix.bit_heap import HeapRow
    from tritforge.hw.targets.operators import Operators

__all__ = ["CARRY_COMPARE_MIN_BITS", "Modelled", "Target", "calibration"]

CARRY_COMPARE_MIN_BITS = 7
"""Narrowest comparator of two signals that synthesis makes a carry chain; a narrower one is
gates."""


@functools.cache
def calibration() -> dict[str, Any]:
    """The calibration (hw/cost/cost.json), written by tritforge.reports.estimate.calibrate.

    ``components`` : weights {component: {key of the target: {field of a Cost: {feature: number}}}}.
    ``error`` : by family, how far estimates of other configurations were off.
    """
    path = resources.files("tritforge.hw.cost").joinpath("cost.json")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True)
class Target(ABC):
    """An FPGA family, and whether arithmetic instantiates its cells; a subclass for each family.

    Parameters
    ----------
    cells : whether adder rows and comparators are instantiated cells of the family; else they are
        operators, which synthesis maps.

    Raises
    ------
    ValueError : ``cells`` of a family without cells by name.
    """

    cells: bool = True

    NAME: ClassVar[str]
    """Name in the command line and in the table of devices."""

    TITLE: ClassVar[str]
    """Name in texts and tables."""

    FOLDER: ClassVar[Path]
    """The family's files: cells.v, and the models of the cells of a netlist."""

    CALIBRATED_AS: ClassVar[str]
    """Name of the calibration with operators; synthesis may treat two families alike."""

    LIBRARY: ClassVar[str | None] = None
    """Name of the calibration with cells; None where the family has no cells by name."""

    CALIBRATED: ClassVar[tuple[str, ...]] = ("lut", "carry")
    """The fields of a cost that have calibrated weights."""

    LUT_INPUTS: ClassVar[int]
    """Inputs of a LUT."""

    BLOCK_LUTS: ClassVar[int]
    """LUTs worth a block of 18 Kb where a memory can be either: LUTs / blocks of the largest
    part."""

    DECODER_LUTS: ClassVar[int]
    """LUTs that turn a byte into five trits (tritforge.hw.stream.rom.ByteDecoder)."""

    GATE_BITS: ClassVar[int]
    """Widest sum, in bits, that synthesis makes gates instead of a carry chain."""

    ATOMS: ClassVar[bool] = False
    """Whether rows of atoms (tritforge.hw.matrix.bit_heap) are cells too."""

    FUNCTIONS: ClassVar[bool] = False
    """Whether instantiated LUTs decode trits and join the LUTs of a ROM."""

    PLAIN_SUMS: ClassVar[bool] = False
    """Whether instantiated carry chains beat operators also for plain sums, without gates."""

    MEMORY: ClassVar[MemoryRules]
    """LUT RAM and block RAM, and how synthesis chooses among them."""

    NETLIST_CELLS: ClassVar[dict[str, dict[str, int]]] = {}
    """Cells of a netlist: of each the fields of tritforge.reports.synth.resources.Resources."""

    COUNTING_NOTES: ClassVar[tuple[str, ...]] = ()
    """Notes to a table of the cells of a netlist, in sentences."""

    PLACED_PARTS: ClassVar[dict[str, tuple[str, str]]] = {}
    """Parts that nextpnr places and routes: of each the option and a package."""

    CARRY_CELL: ClassVar[str] = ""
    """Name of a carry cell in tables."""

    BLOCK_KBITS: ClassVar[int] = 18
    """Size of a block RAM in tables, in Kb."""

    def __post_init__(self) -> None:
        if self.cells and self.LIBRARY is None:
            raise ValueError(f"{self.NAME} has no cells by name: cells must be False")

    @property
    def key(self) -> str:
        """Key of the calibrated weights of this family and its cells."""
        return f"{self.CALIBRATED_AS} {self.LIBRARY if self.cells else 'generic'}"

    @property
    def keeps_idle(self) -> bool:
        """Whether constant flip-flops stay: synthesis does not optimize through cells by name."""
        return False

    @property
    def lut_words(self) -> int:
        """Words of one bit in a LUT."""
        return 1 << self.LUT_INPUTS

    # Circuits

    def arithmetic(self, m: Module, platform: object) -> Operators:
        """Return the factory of adder rows and comparators in the module ``m``.

        Parameters
        ----------
        platform : of the elaboration; a :class:`Modelled` one gets models instead of cells.
        """
        # Amaranth takes a second to import
        from tritforge.hw.targets.operators import Operators
        return Operators()

    def rom_style(self, varying: Sequence[int], depth: int, style: MemoryStyle) -> str:
        """Return the parameter STYLE of tritforge_rom.v for a ROM.

        Parameters
        ----------
        varying : of each lane of a word, its bits that are not the same in all words.
        depth : words.
        style : the style in the configuration (tritforge.hw.targets.memory.MemoryStyle).
        """
        return style.value

    def cell_models(self) -> str:
        """Return Verilog models, for simulators, of the cells that a design instantiates."""
        return (self.FOLDER / "cells.v").read_text(encoding="utf-8")

    # Synthesis

    @abstractmethod
    def synthesis(self, files: Sequence[str], top: str) -> tuple[str, ...]:
        """Commands of Yosys that map the Verilog ``files`` to a netlist.

        They write netlist.json and netlist.v and do not flatten the hierarchy.
        """

    def netlist_models(self) -> tuple[Path, ...]:
        """Verilog files of the cells of a netlist, for simulators; none if it cannot be
        simulated."""
        return ()

    # Costs

    def logic(self, component: str, **features: float) -> Cost:
        """Cost of calibrated logic: of each field in ``CALIBRATED``, sum(weight * feature).

        The weights are those of ``component``; without weights for this target, the fields are
        None.
        """
        weights = calibration()["components"].get(component, {}).get(self.key)
        sites   = {} if "sites" in self.CALIBRATED else {"sites": None}
        if weights is None:
            return Cost(**dict.fromkeys(self.CALIBRATED), **sites)
        found = {name: sum(weights[name][feature] * value for feature, value in features.items())
                 for name in self.CALIBRATED}
        return Cost(**found, **sites)

    def adder(self, left: DataType, right: DataType, width: int) -> Cost:
        """Cost of the sum of numbers of types ``left`` and ``right`` in ``width`` bits."""
        return UNKNOWN

    def chain(self, bits: int) -> int:
        """LUTs of a carry chain of ``bits`` bits: one for each."""
        return bits

    def counter_multiplexer(self, inputs: int) -> Cost:
        """Cost, per bit, of a multiplexer of ``inputs`` inputs selected by a counter."""
        return UNKNOWN

    def running_maxima(self, bits: int, count: float) -> Cost:
        """Cost of ``count`` maxima of a register and a value, which overwrites it at the start."""
        return UNKNOWN

    def by_width(self, component: str, bits: int, count: float) -> Cost:
        """Cost of ``count`` calibrated operators of ``bits`` bits.

        A weight for each width below ``CARRY_COMPARE_MIN_BITS``, linear in the width above.
        """
        narrow = range(1, CARRY_COMPARE_MIN_BITS)
        widths = {f"of_{width}": count * (bits == width) for width in narrow}
        wide   = count * (bits >= CARRY_COMPARE_MIN_BITS)
        return self.logic(component, **widths, wide=wide, bits=wide * bits)

    def comparators(self, bits: int, count: float, component: str = "no less",
                    enable: bool = False) -> Cost:
        """Cost of ``count`` comparators ``left >= right`` of ``bits``-bit operands.

        Parameters
        ----------
        component : component of the weights, without cells.
        enable : whether an enable is compared as an additional most significant bit.
        """
        return self.by_width(component, bits + enable, count)

    def threshold_comparators(self, bits: int, count: float) -> Cost:
        """Cost of ``count`` comparators of unsigned ``bits``-bit numbers with thresholds, with
        cells."""
        return self.by_width("level", bits, count)

    def selectors(self, bits: int, count: float = 1) -> Cost:
        """Cost of ``count`` two-input multiplexers of ``bits`` bits: a LUT per bit."""
        return self.luts(count * bits)

    def multiplexer(self, inputs: int) -> float:
        """LUTs, per bit, of a multiplexer of ``inputs`` inputs selected by a register."""
        return self.MEMORY.choice(inputs)

    def maxima(self, bits: int, count: float) -> Cost:
        """Cost of ``count`` maxima of two ``bits``-bit operands: a comparator and a selector
        each."""
        return self.by_width("larger", bits, count)

    def heap_row_luts(self, row: HeapRow) -> float:
        """LUTs of a row of a compressor tree (tritforge.hw.matrix.bit_heap.HeapRow).

        The compressor tree is built of the rows that take the fewest.
        """
        return row.luts

    def decoders(self, count: float) -> Cost:
        """Cost of ``count`` decoders of a byte into five trits
        (tritforge.hw.stream.rom.ByteDecoder)."""
        return self.logic("decoder", decoders=count)

    # Costs of the rows of :meth:`arithmetic` where they are cells

    def products(self, bits: int) -> Cost:
        """Cost of the sum of two ternary products of ``bits`` bits."""
        return UNKNOWN

    def product(self, bits: int) -> Cost:
        """Cost of one ternary product of ``bits`` bits."""
        return UNKNOWN

    def sum(self, operands: Sequence[int], width: int) -> Cost:
        """Cost of the sum, in ``width`` bits, of two or three ``operands``, their numbers of
        bits."""
        return UNKNOWN

    def accumulated(self, operands: Sequence[int], width: int) -> Cost:
        """Cost of an accumulator of ``width`` bits to which one or two ``operands``, their numbers
        of bits, are added."""
        return UNKNOWN

    def accumulated_product(self, bits: int, width: int) -> Cost:
        """Cost of an accumulator of ``width`` bits to which a ternary product of ``bits`` bits is
        added."""
        return UNKNOWN

    def ternary_lanes(self, lanes: int, taken: int) -> Cost:
        """Cost of the ``lanes`` of a dot product of ternary inputs.

        ``taken`` : bits that enter rows of atoms, for families where these are operators.
        """
        return UNKNOWN

    def heap_row(self, row: HeapRow) -> Cost:
        """Cost of a row of a bit heap (tritforge.hw.matrix.bit_heap.HeapRow)."""
        return UNKNOWN

    def luts(self, count: float) -> Cost:
        """Cost of ``count`` LUTs."""
        return Cost(lut=count, sites=count if "sites" in self.CALIBRATED else None)


class Modelled:
    """Elaboration platform for Amaranth's simulator: rows of cells, each modelled by its
    function."""

    def __init__(self, target: Target) -> None:
        self.target = target
