"""What a design is built for: cells, memories, costs, synthesis and netlist models of an FPGA
family, in one object."""

import functools
import json
from abc import ABC
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import ClassVar

from tritforge.hw.targets.cost import Cost
from tritforge.hw.targets.memory import MemoryRules

__all__ = ["CARRY_COMPARE_MIN_BITS", "Modelled", "Target", "calibration"]

CARRY_COMPARE_MIN_BITS = 7
"""Narrowest comparator of two signals that synthesis makes a carry chain; a narrower one is
gates."""


@functools.cache
def calibration():
    """The calibration (hw/cost/cost.json), written by tritforge.reports.estimate.calibrate.

    ``components`` : weights {component: {key of the target: {field of a Cost: {feature: number}}}}.
    ``error`` : by family, how far estimates of other configurations were off.
    """
    path = resources.files("tritforge.hw.cost").joinpath("cost.json")
    return json.loads(path.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Target(ABC):
    """A family, and whether arithmetic is made of its cells. A family is a subclass in a package of
    its own.

    Parameters
    ----------
    cells : rows of additions and comparisons are cells of the family by name; else operators, of
        which synthesis makes what it likes.
    """

    cells: bool = True

    NAME: ClassVar[str]
    """As the command line and the table of devices have it."""

    TITLE: ClassVar[str]
    """For people."""

    FOLDER: ClassVar[Path]
    """The family's files: cells.v, and the models of the cells of a netlist."""

    CALIBRATED_AS: ClassVar[str]
    """Name of the calibration with operators; synthesis may treat two families alike."""

    LIBRARY: ClassVar[str | None] = None
    """Name of the calibration with cells; None where the family has no cells by name."""

    CALIBRATED: ClassVar[tuple[str, ...]] = ("lut", "carry")
    """The fields of a cost to which features add."""

    LUT_INPUTS: ClassVar[int]

    BLOCK_LUTS: ClassVar[int]
    """LUTs that a block of 18 Kb stands for where a choice is between them: as many as the largest
    part has for each."""

    DECODER_LUTS: ClassVar[int]
    """LUTs that turn a byte into five trits (tritforge.hw.stream.rom.ByteDecoder)."""

    GATE_BITS: ClassVar[int]
    """Bits up to which synthesis makes gates of a sum instead of a chain of carries."""

    ATOMS: ClassVar[bool] = False
    """Whether rows of atoms (tritforge.hw.matrix.bit_heap) are cells too."""

    FUNCTIONS: ClassVar[bool] = False
    """Whether cells by name compute any function of a few bits, and so decode trits and join
    ROMs."""

    PLAIN_SUMS: ClassVar[bool] = False
    """Whether cells by name beat operators also where numbers are only added."""

    MEMORY: ClassVar[MemoryRules]

    NETLIST_CELLS: ClassVar[dict[str, dict[str, int]]] = {}
    """Of each cell that a netlist can hold, what it is in
    tritforge.reports.synth.resources.Resources."""

    COUNTING_NOTES: ClassVar[tuple[str, ...]] = ()
    """What a table of the cells of a netlist means, in sentences."""

    PLACED_PARTS: ClassVar[dict[str, tuple[str, str]]] = {}
    """Of each part that nextpnr places and routes its option and a package."""

    CARRY_CELL: ClassVar[str] = ""
    """Name of a carry cell in tables."""

    BLOCK_KBITS: ClassVar[int] = 18
    """Size of a block RAM in tables."""

    def __post_init__(self):
        if self.cells and self.LIBRARY is None:
            raise ValueError(f"{self.NAME} has no cells by name: cells must be False")

    @property
    def key(self):
        """Name of the calibration."""
        return f"{self.CALIBRATED_AS} {self.LIBRARY if self.cells else 'generic'}"

    @property
    def keeps_idle(self):
        """Whether synthesis keeps constant flip-flops after cells, because it does not see through
        these."""
        return False

    @property
    def lut_words(self):
        """Words of one bit in a LUT."""
        return 1 << self.LUT_INPUTS

    # Circuits

    def arithmetic(self, m, platform):
        """What adds rows of additions and comparisons to the module ``m``
        (tritforge.hw.targets.operators.Operators)."""
        from tritforge.hw.targets.operators import Operators     # Amaranth takes a second to import
        return Operators()

    def rom_style(self, varying, depth, style):
        """STYLE of tritforge_rom.v of a ROM.

        Parameters
        ----------
        varying : bits of each part of a word, read at an address of its own, that are not the same
            in all words.
        depth : words.
        style : what was asked for (tritforge.hw.targets.memory.MemoryStyle).
        """
        return style.value

    def cell_models(self):
        """Verilog for simulators alone: the behaviour of the cells that a design holds by name."""
        return (self.FOLDER / "cells.v").read_text(encoding="utf-8")

    # Synthesis

    def synthesis(self, files, top):
        """Commands of Yosys that map the Verilog ``files`` and write netlist.json and netlist.v;
        the hierarchy is kept."""
        raise NotImplementedError

    def netlist_models(self):
        """Verilog files with the cells of a netlist, for simulators; none where a netlist cannot be
        simulated."""
        return ()

    # Costs

    def logic(self, component, **features):
        """Cost of calibrated logic: the sum of ``features`` times their weights for ``component``.

        Each of the fields ``CALIBRATED`` is None where nothing was calibrated for this target.
        """
        weights = calibration()["components"].get(component, {}).get(self.key)
        sites   = {} if "sites" in self.CALIBRATED else {"sites": None}
        if weights is None:
            return Cost(**dict.fromkeys(self.CALIBRATED), **sites)
        found = {name: sum(weights[name][feature] * value for feature, value in features.items())
                 for name in self.CALIBRATED}
        return Cost(**found, **sites)

    def by_width(self, component, bits, count):
        """Cost of ``count`` calibrated operators of ``bits`` bits: a weight for each width below
        ``CARRY_COMPARE_MIN_BITS``, linear above."""
        narrow = range(1, CARRY_COMPARE_MIN_BITS)
        widths = {f"of_{width}": count * (bits == width) for width in narrow}
        wide   = count * (bits >= CARRY_COMPARE_MIN_BITS)
        return self.logic(component, **widths, wide=wide, bits=wide * bits)

    def comparators(self, bits, count, component="no less", enable=False):
        """Cost of ``count`` comparators ``left >= right`` of ``bits``-bit operands.

        Parameters
        ----------
        component : whose calibration holds, without cells.
        enable : compared as an extra most significant bit.
        """
        return self.by_width(component, bits + enable, count)

    def threshold_comparators(self, bits, count):
        """Cost of ``count`` comparators of an unsigned number of ``bits`` bits with a threshold, of
        cells."""
        return self.by_width("level", bits, count)

    def selectors(self, bits, count=1):
        """Cost of ``count`` multiplexers of two inputs of ``bits`` bits."""
        return self.luts(count * bits)

    def maxima(self, bits, count):
        """Cost of ``count`` maxima of two ``bits``-bit operands: a comparator and a selector
        each."""
        return self.by_width("larger", bits, count)

    def heap_row_luts(self, row):
        """LUTs of a row of a compressor tree (tritforge.hw.matrix.bit_heap.HeapRow), to choose rows
        by."""
        return row.luts

    def decoders(self, count):
        """Cost of ``count`` decoders of a byte into five trits
        (tritforge.hw.stream.rom.ByteDecoder)."""
        return self.logic("decoder", decoders=count)

    def luts(self, count):
        """Cost of ``count`` LUTs."""
        return Cost(lut=count, sites=count if "sites" in self.CALIBRATED else None)


class Modelled:
    """Elaboration platform for Amaranth's simulator: rows made of cells, and each cell of its
    behaviour."""

    def __init__(self, target):
        self.target = target
