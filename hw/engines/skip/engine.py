"""The ``skip`` engine: only nonzero weights are executed, in the order that tritforge.hw.matrix.skip_schedule computed.

Here is what its two forms have in common; tritforge.hw.engines.skip.dense and tritforge.hw.engines.skip.convolution say where the operands come from.
"""

from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from amaranth import *

from tritforge.export.artifacts.packing import TRIT_CODES
from tritforge.export.artifacts.rom import Role, RomImage
from tritforge.export.ir.nodes import MatrixNode, TensorType
from tritforge.hw.engines.array.ternary_dot import dot_shape
from tritforge.hw.matrix.offset_binary import Sums
from tritforge.hw.matrix.skip_schedule import IDLE, Schedule
from tritforge.hw.stream.rom import Rom
from tritforge.hw.stream.unit import (
    Beats,
    Unit,
    UnitComponent,
    can_accept,
    name_ports,
    output_register,
)

__all__ = ["SkipArray", "SkipUnit"]


@dataclass(frozen=True, kw_only=True)
class SkipUnit(Unit):
    """sum'[plane, row] (tritforge.hw.matrix.offset_binary) of every pixel of an output row, for each plane of each pass.

    Each of the ``pe`` rows of a pass has ``entries`` lanes a pixel, each with a memory of the inputs of its bank, and
    all run in step: ``program.cycles`` cycles an output row. All pixels execute the same nonzero.

    Parameters
    ----------
    name : instance name.
    node : the layer.
    source : the input's type.
    program : the schedule (tritforge.hw.matrix.skip_schedule).
    lut_words : words of one bit in a LUT of what it is built for; a deeper memory of inputs is a block.
    """

    name:      str
    node:      MatrixNode
    source:    TensorType
    program:   Schedule
    lut_words: int = 64

    @property
    @abstractmethod
    def pixels(self):
        """Pixels of an output row."""

    @property
    @abstractmethod
    def output_rows(self):
        """Output rows a frame."""

    @property
    @abstractmethod
    def kernel(self):
        """Height and width of the kernel."""

    @property
    @abstractmethod
    def dilation(self):
        """Rows and columns from tap to tap."""

    @property
    @abstractmethod
    def selects(self):
        """Whether a stage between memory and sums chooses the operands."""

    @abstractmethod
    def operands(self, graph, channel):
        """Add the processes up to the memories to ``graph``; returns the channel of their words, one a cycle."""

    @property
    def i(self):
        return Beats(self.source.dtype, self.program.banks)

    @property
    def o(self):
        matrix = self.program.planes.reshape(-1, self.program.planes.shape[2])
        return Beats(Sums.of(matrix, self.source.dtype).dtype, self.program.pe * self.pixels)

    @property
    def dot(self):
        """What a pixel of a row is made of (tritforge.hw.engines.array.dot, tritforge.hw.engines.array.ternary_dot)."""
        return dot_shape(self.program.entries, self.source.dtype, self.o.dtype.bits)

    @property
    def stages(self):
        """Registers from the ROM's word to the accumulator."""
        return 2 + self.selects + self.dot.stages

    @property
    def pixel_beats(self):
        """Beats of an input pixel, and words of a lane's memory for it."""
        return self.source.channels // self.program.banks

    @property
    def frame_beats(self):
        return self.output_rows * self.program.ends.size

    @property
    def shift_bits(self):
        """Width of a kernel's column in the ROM."""
        return (self.kernel[1] - 1).bit_length()

    @property
    def offset_bits(self):
        """Width of an address, relative to the kernel's first row, in the ROM."""
        return (((self.kernel[0] - 1) * self.dilation[0] + 1) * self.pixel_beats - 1).bit_length()

    @property
    def entry_bits(self):
        """Width of a nonzero in the ROM: code, kernel column, address."""
        return 2 + self.shift_bits + self.offset_bits

    @property
    def bits_per_nonzero(self):
        """Bits of the ROM for each nonzero weight, idle lanes included; None without any."""
        return self.rom.word_bits * self.rom.depth / self.program.nonzeros if self.program.nonzeros else None

    @property
    def preamble(self):
        """Fields of the words before the first nonzero, the flag of a plane's end behind the lanes."""
        return []

    @cached_property
    def rom(self):
        """A word a cycle: lane l of PE p at bit (p * entries + l) * entry_bits, its code lowest; on top, whether the
        cycle ends a plane."""
        program   = self.program
        tap, channel = np.divmod(program.columns, program.channels)
        ky, kx    = np.divmod(tap, self.kernel[1])
        offset    = ky * self.dilation[0] * self.pixel_beats + channel // program.banks
        codes     = np.array([TRIT_CODES[trit] for trit in (-1, 0, 1)])[program.codes + 1]
        entries   = np.where(program.columns == IDLE, 0, codes | kx << 2 | offset << 2 + self.shift_bits)
        lasts     = np.zeros(program.cycles, dtype=np.int64)
        lasts[program.ends.ravel()] = 1
        flat      = np.concatenate((entries.reshape(program.cycles, -1), lasts[:, None]), axis=1)
        bits      = self.entry_bits
        fields    = np.concatenate((np.array(self.preamble, dtype=np.int64).reshape(-1, flat.shape[1]), flat))
        columns   = (fields[:, :, None] >> np.arange(bits) & 1).reshape(len(fields), -1).astype(np.uint8)
        packed    = np.packbits(columns, axis=1, bitorder="little")
        words     = tuple(int.from_bytes(word.tobytes(), "little") for word in packed)
        return RomImage(self.node.name, Role.SCHEDULE, (flat.shape[1] - 1) * bits + 1, words)

    def schedule(self, graph, channel):
        before = self.operands(graph, channel)
        steps  = self.output_rows * self.program.cycles
        every  = np.arange(steps)
        for stage in range(self.stages - 2):
            before = graph.chain(f"{self.name}.stage_{stage}", before, steps, every, every)
        ends  = (np.arange(self.output_rows)[:, None] * self.program.cycles + self.program.ends.ravel()).ravel()
        total = graph.chain(f"{self.name}.accumulate", before, steps, every, ends)
        return replace(total, overwrites=total.put + 1)


class SkipArray(UnitComponent):
    """The circuit of :class:`SkipUnit`: registered stages, each with its own valid.

    issue       reads the ROM: a nonzero for each lane
    read        each lane reads its memory
    select      the operands of each pixel, where that takes a choice
    sum         the stages of :class:`tritforge.hw.engines.array.dot.Dot`
    accumulate  adds the sums of a plane; the last one puts the result, which waits in the accumulator itself

    Members
    -------
    i : beats of ``banks`` elements; lane = bank.
    o : for each plane of each pass ``pe`` rows of sums, each the pixels of an output row.
    """

    @abstractmethod
    def feed(self, m, rom, valid, ready, read):
        """Build what takes the input, issues and reads.

        Parameters
        ----------
        rom : to read; its word is there while ``valid`` is high.
        valid, ready : of the register behind the ROM; ``feed`` drives valid.
        read : the word in that register goes on.

        Returns
        -------
        computes : whether that word executes nonzeros.
        lanes : for each PE, for each lane: whatever :meth:`operand` makes an element of.
        """

    @abstractmethod
    def operand(self, m, name, lane, pixel, select):
        """The operand of a lane of ``feed`` for a pixel, an unsigned number; registered by ``select``, if the unit selects."""

    def elaborate(self, platform):
        unit    = self.unit
        program = unit.program
        m       = Module()
        m.submodules.nonzeros = nonzeros = Rom(unit.rom)
        valid = [Signal(name=f"valid_{stage}") for stage in range(unit.stages)]
        ready = [Signal(name=f"ready_{stage}") for stage in range(unit.stages)]
        moves = [Signal(name=f"moves_{stage}") for stage in range(unit.stages - 1)]      # from a stage to the next

        read = moves[0]
        computes, lanes = self.feed(m, nonzeros, valid[0], ready[0], read)
        for stage, moving in enumerate(moves):
            m.d.comb += [ready[stage].eq(~valid[stage] | ready[stage + 1]), moving.eq(valid[stage] & ready[stage + 1])]
            with m.If(ready[stage + 1]):
                m.d.sync += valid[stage + 1].eq(valid[stage] & computes if stage == 0 else valid[stage])

        ends   = Signal(unit.stages - 1)                 # bit k: what is in stage k + 1 ends a plane,
        starts = Signal(unit.stages - 1)                 # and starts one
        start  = Signal(init=1)
        codes  = [Signal(2 * program.entries, name=f"codes_{pe}") for pe in range(program.pe)]
        with m.If(read & computes):
            m.d.sync += [ends[0].eq(nonzeros.data[-1]), starts[0].eq(start), start.eq(nonzeros.data[-1])]
        with m.If(read):
            for pe, code in enumerate(codes):
                m.d.sync += code.eq(Cat(nonzeros.data.word_select(pe * program.entries + lane, unit.entry_bits)[:2]
                                        for lane in range(program.entries)))
        for stage, moving in enumerate(moves[1:]):
            with m.If(moving):
                m.d.sync += [ends[stage + 1].eq(ends[stage]), starts[stage + 1].eq(starts[stage])]
        if unit.selects:
            before, codes = codes, [Signal.like(code, name=f"selected_{code.name}") for code in codes]
            with m.If(moves[1]):
                m.d.sync += [code.eq(early) for code, early in zip(codes, before, strict=True)]

        accumulate = Signal()
        m.d.comb += [accumulate.eq(valid[-1] & can_accept(self.o)), ready[-1].eq(~valid[-1] | accumulate)]
        dots = []
        for pe, code in enumerate(codes):
            for pixel in range(unit.pixels):
                name = f"dot_{pe}_{pixel}"
                m.submodules[name] = dot = unit.dot.component()
                name_ports(name, dot)
                m.d.comb += [
                    dot.values.eq(Cat(self.operand(m, f"value_{pe}_{lane}_{pixel}", word, pixel, moves[unit.selects])
                                      for lane, word in enumerate(lanes[pe]))),
                    dot.codes.eq(code), dot.steps.eq(Cat(moves[1 + unit.selects:])), dot.clear.eq(starts[-1]),
                    dot.so_far.eq(self.o.payload.word_select(len(dots), unit.dot.width)),
                ]
                dots.append(dot)
        with m.If(accumulate):
            m.d.sync += self.o.payload.eq(Cat(dot.total for dot in dots))
        output_register(m, self.o, accumulate & ends[-1])
        return m
