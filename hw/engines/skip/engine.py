"""The ``skip`` engine: only nonzero weights are executed, by a static schedule.

This file holds what its two forms share; tritforge.hw.engines.skip.dense and
tritforge.hw.engines.skip.convolution provide the operands. The schedule is computed by
tritforge.hw.matrix.skip_schedule.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from amaranth import *

from tritforge.export.artifacts.packing import TRIT_CODES
from tritforge.export.artifacts.rom import Role, RomImage
from tritforge.export.ir.nodes import MatrixNode, TensorType
from tritforge.hw.engines.array.dot import DotShape
from tritforge.hw.engines.array.ternary_dot import TernaryShape, dot_shape
from tritforge.hw.matrix.offset_binary import Sums
from tritforge.hw.matrix.skip_schedule import IDLE, Schedule
from tritforge.hw.stream.event_graph import Channel, EventGraph
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
    """sum'[plane, row] (tritforge.hw.matrix.offset_binary) of every pixel of an output row.

    Each of the ``pe`` rows of a pass has ``entries`` lanes per pixel, each with a memory of the
    inputs of its bank; all lanes run in lockstep. Interval ``program.cycles`` cycles per output
    row, in which all pixels execute the same nonzero weight. Latency ``stages`` + 1 cycles from a
    ROM word to a sum. Cost: pe * entries * pixels lanes, the schedule ROM, and the lane memories.

    Parameters
    ----------
    name : instance name.
    node : the layer.
    source : type of the input.
    program : the schedule (tritforge.hw.matrix.skip_schedule).
    lut_words : depth of the target's 1-bit LUT RAM in words; deeper lane memories are block RAM.
    """

    name:      str
    node:      MatrixNode
    source:    TensorType
    program:   Schedule
    lut_words: int = 64

    @property
    @abstractmethod
    def pixels(self) -> int:
        """Pixels of an output row."""

    @property
    @abstractmethod
    def output_rows(self) -> int:
        """Output rows per frame."""

    @property
    @abstractmethod
    def kernel(self) -> tuple[int, int]:
        """Kernel (height, width)."""

    @property
    @abstractmethod
    def dilation(self) -> tuple[int, int]:
        """Dilation (vertical, horizontal)."""

    @property
    @abstractmethod
    def selects(self) -> bool:
        """Whether a pipeline stage between memory and sums selects the operands."""

    @abstractmethod
    def operands(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add the processes up to the memories; return the channel of their words."""

    @property
    def i(self) -> Beats:
        """``banks`` elements of a pixel."""
        return Beats(self.source.dtype, self.program.banks)

    @property
    def o(self) -> Beats:
        """pe * pixels sums of a plane."""
        matrix = self.program.planes.reshape(-1, self.program.planes.shape[2])
        return Beats(Sums.of(matrix, self.source.dtype).dtype, self.program.pe * self.pixels)

    @property
    def dot(self) -> DotShape | TernaryShape:
        """Shape of a row of a pixel (tritforge.hw.engines.array.dot)."""
        return dot_shape(self.program.entries, self.source.dtype, self.o.dtype.bits)

    @property
    def stages(self) -> int:
        """Registers from the ROM word to the accumulator."""
        return 2 + self.selects + self.dot.stages

    @property
    def pixel_beats(self) -> int:
        """Beats of an input pixel, and words per pixel in a lane's memory."""
        return self.source.channels // self.program.banks

    @property
    def frame_beats(self) -> int:
        """output_rows * passes * planes."""
        return self.output_rows * self.program.ends.size

    @property
    def shift_bits(self) -> int:
        """Width of a kernel column in the ROM, in bits."""
        return (self.kernel[1] - 1).bit_length()

    @property
    def offset_bits(self) -> int:
        """Width of an address relative to the kernel's first row in the ROM, in bits."""
        return (((self.kernel[0] - 1) * self.dilation[0] + 1) * self.pixel_beats - 1).bit_length()

    @property
    def entry_bits(self) -> int:
        """Width of a nonzero in the ROM, in bits: code, kernel column, address."""
        return 2 + self.shift_bits + self.offset_bits

    @property
    def bits_per_nonzero(self) -> float | None:
        """ROM bits per nonzero weight, idle lanes included; None without nonzeros."""
        return (
            self.rom.word_bits * self.rom.depth / self.program.nonzeros
            if self.program.nonzeros
            else None
        )

    @property
    def preamble(self) -> list[list[int]]:
        """Fields of the ROM words before the first nonzero; the flag of a plane's end is last."""
        return []

    @cached_property
    def rom(self) -> RomImage:
        """The ROM image of the schedule, one word per cycle.

        Lane l of PE p is at bit (p * entries + l) * entry_bits, its code lowest; the top bit marks
        the last cycle of a plane.
        """
        program   = self.program
        tap, channel = np.divmod(program.columns, program.channels)
        ky, kx    = np.divmod(tap, self.kernel[1])
        offset    = ky * self.dilation[0] * self.pixel_beats + channel // program.banks
        codes     = np.array([TRIT_CODES[trit] for trit in (-1, 0, 1)])[program.codes + 1]
        entries = np.where(
            program.columns == IDLE, 0, codes | kx << 2 | offset << 2 + self.shift_bits
        )
        lasts     = np.zeros(program.cycles, dtype=np.int64)
        lasts[program.ends.ravel()] = 1
        flat      = np.concatenate((entries.reshape(program.cycles, -1), lasts[:, None]), axis=1)
        bits      = self.entry_bits
        fields = np.concatenate(
            (np.array(self.preamble, dtype=np.int64).reshape(-1, flat.shape[1]), flat)
        )
        columns = (
            (fields[:, :, None] >> np.arange(bits) & 1).reshape(len(fields), -1).astype(np.uint8)
        )
        packed    = np.packbits(columns, axis=1, bitorder="little")
        words     = tuple(int.from_bytes(word.tobytes(), "little") for word in packed)
        return RomImage(self.node.name, Role.SCHEDULE, (flat.shape[1] - 1) * bits + 1, words)

    def schedule(self, graph: EventGraph, channel: Channel | None) -> Channel:
        """Add the processes of the operands, of each stage and of the accumulator."""
        before = self.operands(graph, channel)
        steps  = self.output_rows * self.program.cycles
        every  = np.arange(steps)
        for stage in range(self.stages - 2):
            before = graph.chain(f"{self.name}.stage_{stage}", before, steps, every, every)
        ends = (
            np.arange(self.output_rows)[:, None] * self.program.cycles + self.program.ends.ravel()
        ).ravel()
        total = graph.chain(f"{self.name}.accumulate", before, steps, every, ends)
        return replace(total, overwrites=total.put + 1)


class SkipArray(UnitComponent):
    """The circuit of :class:`SkipUnit`: pipeline stages, each with its own valid.

    Latency and interval are those of the unit.

    issue       reads the ROM: one nonzero per lane
    read        each lane reads its memory
    select      the operands of each pixel, if the unit selects
    sum         the stages of :class:`tritforge.hw.engines.array.dot.Dot`
    accumulate  adds the sums of a plane in the output register; the last one makes it valid

    Members
    -------
    i : ``banks`` elements per beat; lane = bank.
    o : for each plane of each pass, ``pe`` rows of the sums of an output row.
    """

    unit: SkipUnit

    @abstractmethod
    def feed(
        self, m: Module, rom: Rom, valid: Signal, ready: Signal, read: Value
    ) -> tuple[Value, list[list[Any]]]:
        """Build the input side: accept beats, issue ROM words, read the memories.

        Parameters
        ----------
        rom : the schedule ROM; its word is available while ``valid`` is high.
        valid, ready : of the register after the ROM; ``feed`` drives ``valid``.
        read : the word in that register advances.

        Returns
        -------
        computes : whether that word executes nonzeros.
        lanes : for each PE and lane, the operand source that :meth:`operand` reads.
        """

    @abstractmethod
    def operand(self, m: Module, name: str, lane: Any, pixel: int, select: Value) -> Value:
        """Return a lane's unsigned operand for a pixel, registered by ``select`` if used."""

    def elaborate(self, platform: object) -> Module:
        """The handshake of the stages, the control bits, and a row of lanes per PE and pixel."""
        unit = self.unit
        m    = Module()
        m.submodules.nonzeros = nonzeros = Rom(unit.rom)
        valid = [Signal(name=f"valid_{stage}") for stage in range(unit.stages)]
        ready = [Signal(name=f"ready_{stage}") for stage in range(unit.stages)]
        # from a stage to the next
        moves = [Signal(name=f"moves_{stage}") for stage in range(unit.stages - 1)]
        computes, lanes = self.feed(m, nonzeros, valid[0], ready[0], moves[0])
        for stage, moving in enumerate(moves):
            m.d.comb += [
                ready[stage].eq(~valid[stage] | ready[stage + 1]),
                moving.eq(valid[stage] & ready[stage + 1]),
            ]
            with m.If(ready[stage + 1]):
                m.d.sync += valid[stage + 1].eq(
                    valid[stage] & computes if stage == 0 else valid[stage]
                )
        starts, ends, codes = self._control(m, nonzeros, moves, computes)
        accumulate = Signal()
        m.d.comb += [
            accumulate.eq(valid[-1] & can_accept(self.o)),
            ready[-1].eq(~valid[-1] | accumulate),
        ]
        totals = self._dots(m, codes, lanes, moves, starts)
        with m.If(accumulate):
            m.d.sync += self.o.payload.eq(Cat(totals))
        output_register(m, self.o, accumulate & ends)
        return m

    def _control(
        self, m: Module, nonzeros: Rom, moves: list[Signal], computes: Value
    ) -> tuple[Value, Value, list[Signal]]:
        """Return plane start and end in the last stage, and each PE's codes in the first sum."""
        unit    = self.unit
        program = unit.program
        read    = moves[0]
        # bit k: what is in stage k + 1 ends a plane,
        ends   = Signal(unit.stages - 1)
        starts = Signal(unit.stages - 1)                 # and starts one
        start  = Signal(init=1)
        codes  = [Signal(2 * program.entries, name=f"codes_{pe}") for pe in range(program.pe)]
        with m.If(read & computes):
            m.d.sync += [
                ends[0].eq(nonzeros.data[-1]),
                starts[0].eq(start),
                start.eq(nonzeros.data[-1]),
            ]
        with m.If(read):
            for pe, code in enumerate(codes):
                m.d.sync += code.eq(
                    Cat(
                        nonzeros.data.word_select(pe * program.entries + lane, unit.entry_bits)[:2]
                        for lane in range(program.entries)
                    )
                )
        for stage, moving in enumerate(moves[1:]):
            with m.If(moving):
                m.d.sync += [ends[stage + 1].eq(ends[stage]), starts[stage + 1].eq(starts[stage])]
        if unit.selects:
            before, codes = (
                codes,
                [Signal.like(code, name=f"selected_{code.name}") for code in codes],
            )
            with m.If(moves[1]):
                m.d.sync += [code.eq(early) for code, early in zip(codes, before, strict=True)]
        return starts[-1], ends[-1], codes

    def _dots(
        self, m: Module, codes: list[Signal], lanes: list[list[Any]], moves: list[Signal],
        starts: Value,
    ) -> list[Value]:
        """Build the dot product of each PE and pixel; return the new sums, PE-major."""
        unit = self.unit
        totals: list[Value] = []
        for pe, code in enumerate(codes):
            for pixel in range(unit.pixels):
                name = f"dot_{pe}_{pixel}"
                m.submodules[name] = dot = unit.dot.component()
                name_ports(name, dot)
                m.d.comb += [
                    dot.values.eq(
                        Cat(
                            self.operand(
                                m, f"value_{pe}_{lane}_{pixel}", word, pixel, moves[unit.selects]
                            )
                            for lane, word in enumerate(lanes[pe])
                        )
                    ),
                    dot.codes.eq(code),
                    dot.steps.eq(Cat(moves[1 + unit.selects :])),
                    dot.clear.eq(starts),
                    dot.so_far.eq(self.o.payload.word_select(len(totals), unit.dot.width)),
                ]
                totals.append(dot.total)
        return totals
