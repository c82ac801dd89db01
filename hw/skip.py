"""The ``skip`` engine: only nonzero weights are executed, in the order that export.schedule computed."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from amaranth import *
from amaranth.lib import memory

from export.correction import accumulator_bits
from export.datatype import DataType
from export.ir import Convolution, MatrixNode, TensorType
from export.packing import TRIT_CODES
from export.rom import RomImage
from export.schedule import IDLE, Schedule
from hw.arithmetic import offset_binary
from hw.dot import Dot, DotShape
from hw.rom import Rom
from hw.stream import Beats, Unit, UnitComponent, below, name_ports, output_register, room
from hw.timing import Channel
from hw.window import Window

__all__ = ["SCHEDULE", "Skip", "SkipArray"]

SCHEDULE = "schedule"
"""Role of the image with the nonzeros."""


@dataclass(frozen=True, kw_only=True)
class Skip(Unit):
    """sum'[plane, row] (export.correction) of every pixel of an output row, for each plane of each pass.

    The lanes of a row are the pixels of an output row: all execute the same nonzero, and every word of the row
    memory holds one channel of a whole input row. A dense layer is the case of one pixel. Each of the ``pe`` rows of
    a pass has ``entries`` such lanes, each with a memory of its own, and all run in step: ``program.cycles`` cycles an
    output row, the input's beats meanwhile.

    Parameters
    ----------
    name : instance name.
    node : the layer.
    source : the input's type.
    program : the schedule (export.schedule).
    """

    name:    str
    node:    MatrixNode
    source:  TensorType
    program: Schedule

    @cached_property
    def window(self):
        """Which input rows an output row needs and leaves behind (hw.window)."""
        node = self.node
        kernel, stride, padding = ((node.kernel, node.stride, node.padding) if isinstance(node, Convolution)
                                   else ((1, 1), (1, 1), (0, 0)))
        return Window(name="window", tensor=self.source, kernel=kernel, stride=stride, padding=padding,
                      lanes=self.program.banks)

    @property
    def i(self):
        return Beats(self.source.dtype, self.program.banks)

    @property
    def o(self):
        matrix = self.program.planes.reshape(-1, self.program.planes.shape[2])
        return Beats(DataType(accumulator_bits(matrix, self.source.dtype), signed=False), self.program.pe * self.pixels)

    @property
    def pixels(self):
        """Pixels of an output row."""
        return self.window.output_size[1]

    @property
    def ring_rows(self):
        """Input rows that the memory holds: a dense layer's next vector waits until the last is done."""
        return self.window.rows if isinstance(self.node, Convolution) else 1

    @property
    def dot(self):
        """What a pixel of a row is made of (hw.dot.DotShape)."""
        return DotShape(self.program.entries, self.source.dtype.bits, self.o.dtype.bits)

    @property
    def selects(self):
        """Whether a lane chooses among the columns of a kernel, or an input row may be padding."""
        return self.window.kernel[1] > 1 or self.window.padding != (0, 0)

    @property
    def stages(self):
        """Registers from the ROM's word to the accumulator."""
        return 2 + self.selects + self.dot.stages

    @property
    def interval_cycles(self):
        height = self.window.output_size[0]
        load   = self.source.height * self.window.row_beats
        work   = height * self.program.cycles
        return max(load, work) if isinstance(self.node, Convolution) else load + work + 1

    @property
    def frame_beats(self):
        return self.window.output_size[0] * self.program.ends.size

    @property
    def shift_bits(self):
        """Width of a kernel's column in the ROM."""
        return (self.window.kernel[1] - 1).bit_length()

    @property
    def offset_bits(self):
        """Width of an address, relative to the kernel's first row, in the ROM."""
        return (self.window.kernel[0] * self.window.pixel_beats - 1).bit_length()

    @property
    def entry_bits(self):
        """Width of a nonzero in the ROM: code, kernel column, address."""
        return 2 + self.shift_bits + self.offset_bits

    @property
    def bits_per_nonzero(self):
        """Bits of the ROM for each nonzero weight, idle lanes included; None without any."""
        program = self.program
        return self.rom.word_bits * program.cycles / program.nonzeros if program.nonzeros else None

    @cached_property
    def rom(self):
        """A word a cycle: lane l of PE p at bit (p * entries + l) * entry_bits, its code lowest; on top, whether the
        cycle ends a plane."""
        program   = self.program
        tap, channel = np.divmod(program.columns, program.channels)
        ky, kx    = np.divmod(tap, self.window.kernel[1])
        offset    = ky * self.window.pixel_beats + channel // program.banks
        codes     = np.array([TRIT_CODES[trit] for trit in (-1, 0, 1)])[program.codes + 1]
        entries   = np.where(program.columns == IDLE, 0, codes | kx << 2 | offset << 2 + self.shift_bits)
        lasts     = np.zeros(program.cycles, dtype=np.int64)
        lasts[program.ends.ravel()] = 1
        flat      = np.concatenate((entries.reshape(program.cycles, -1), lasts[:, None]), axis=1)
        words     = tuple(sum(field << at * self.entry_bits for at, field in enumerate(fields)) for fields in flat.tolist())
        return RomImage(self.node.name, SCHEDULE, (flat.shape[1] - 1) * self.entry_bits + 1, words)

    def schedule(self, graph, channel):
        window  = self.window
        height  = window.output_size[0]
        cycles  = self.program.cycles
        steps   = height * cycles
        write   = graph.process(f"{self.name}.write", self.source.height * window.row_beats)
        graph.take(channel, write, np.arange(write.steps))
        issue   = graph.process(f"{self.name}.issue", steps)
        frames  = np.arange(graph.frames)[:, None] * self.source.height
        needs   = (frames + [window.rows_until(oy) for oy in range(height)]).ravel()       # input rows of the run
        issue.waits.append((write, np.repeat(needs * window.row_beats - 1, cycles), 1))

        every   = np.arange(steps)
        before  = graph.chain(f"{self.name}.read", Channel(issue, np.arange(issue.steps)), steps, every, every)
        left_by = np.empty(graph.frames * self.source.height, dtype=np.int64)              # step that frees each input row
        for frame in range(graph.frames):
            for oy in range(height):
                rows = slice(frame * self.source.height + window.first_row(oy), frame * self.source.height + window.first_row(oy + 1))
                left_by[rows] = (frame * height + oy + 1) * cycles - 1
        free = np.full(len(left_by), -1, dtype=np.int64)
        free[self.ring_rows:] = left_by[:-self.ring_rows]
        write.waits.append((before.producer, np.repeat(free, window.row_beats), 1))

        for stage in range(self.stages - 2):
            before = graph.chain(f"{self.name}.stage_{stage}", before, steps, every, every)
        ends  = (np.arange(height)[:, None] * cycles + self.program.ends.ravel()).ravel()
        total = graph.chain(f"{self.name}.accumulate", before, steps, every, ends)
        return replace(total, spoils=total.put[:-1] + 1)

    def component(self):
        return SkipArray(self)


class SkipArray(UnitComponent):
    """The circuit of :class:`Skip`: a writer, and registered stages behind it, each with its own valid.

    write       an input row into the row memory of every lane, while one of its rows is free
    issue       reads the ROM: a nonzero for each lane
    read        each lane reads its memory, at the row the kernel is on plus the nonzero's offset
    select      every pixel chooses its column of the kernel, or 0 where the row is padding; absent where neither occurs
    sum         the stages of :class:`hw.dot.Dot`
    accumulate  adds the sums of a plane; the last one puts the result, which waits in the accumulator itself

    Members
    -------
    i : beats of ``banks`` channels, a frame in raster order; lane = bank.
    o : for each plane of each pass ``pe`` rows of sums, each the pixels of an output row.
    """

    def elaborate(self, platform):
        unit    = self._unit
        program = unit.program
        window  = unit.window
        bits    = unit.source.dtype.bits
        width   = unit.source.width
        beats   = window.pixel_beats
        height  = window.output_size[0]
        depth   = unit.ring_rows * beats
        m       = Module()
        m.submodules.nonzeros = nonzeros = Rom(unit.rom)

        def around(name, address, ahead):
            """``address`` + ``ahead`` (0 to depth) around the ring of rows."""
            total = Signal(below(2 * depth + 1), name=name)
            m.d.comb += total.eq(address + ahead)
            return Mux(total >= depth, total - depth, total)

        # write ----------------------------------------------------------------------------------------------------
        beat        = Signal(below(beats))
        column      = Signal(below(width))
        row         = Signal(below(depth))               # address of the row that is written
        held        = Signal(below(unit.ring_rows + 1))  # whole rows that some output row still reads
        row_arrives = Signal()
        row_leaves  = Signal(below(unit.ring_rows + 1))
        taken       = Signal()
        beat_last, column_last = beat == beats - 1, column == width - 1
        m.d.comb += [
            self.i.ready.eq(held < unit.ring_rows),
            taken.eq(self.i.valid & self.i.ready),
            row_arrives.eq(taken & beat_last & column_last),
        ]
        m.d.sync += held.eq(held + row_arrives - row_leaves)
        with m.If(taken):
            m.d.sync += beat.eq(Mux(beat_last, 0, beat + 1))
            with m.If(beat_last):
                m.d.sync += column.eq(Mux(column_last, 0, column + 1))
        with m.If(row_arrives):
            m.d.sync += row.eq(around("row_ahead", row, beats))

        # issue ----------------------------------------------------------------------------------------------------
        valid   = [Signal(name=f"valid_{stage}") for stage in range(unit.stages)]
        ready   = [Signal(name=f"ready_{stage}") for stage in range(unit.stages)]
        moves   = [Signal(name=f"moves_{stage}") for stage in range(unit.stages - 1)]    # from a stage to the next
        for stage, moving in enumerate(moves):
            m.d.comb += [ready[stage].eq(~valid[stage] | ready[stage + 1]), moving.eq(valid[stage] & ready[stage + 1])]
            with m.If(ready[stage + 1]):
                m.d.sync += valid[stage + 1].eq(valid[stage])

        oy       = Signal(below(height))
        step     = Signal(below(program.cycles))
        arrived  = Signal(below(unit.ring_rows + 1))     # whole rows that output row oy or a later one reads
        need     = Signal(below(unit.ring_rows + 1))
        leaves   = Signal(below(unit.ring_rows + 1))
        leaving  = Signal(below(unit.ring_rows + 1))
        issue    = Signal()
        oy_last, step_last = oy == height - 1, step == program.cycles - 1
        self._choose(m, oy, [(need, [window.needs(at) for at in range(height)]),
                             (leaves, [window.releases(at) for at in range(height)])])
        m.d.comb += [
            issue.eq((arrived >= need) & ready[0]),
            nonzeros.address.eq(step), nonzeros.enable.eq(issue),
            leaving.eq(Mux(issue & step_last, leaves, 0)),
        ]
        m.d.sync += arrived.eq(arrived + row_arrives - leaving)
        with m.If(ready[0]):
            m.d.sync += valid[0].eq(issue)
        with m.If(issue):
            m.d.sync += step.eq(Mux(step_last, 0, step + 1))
            with m.If(step_last):
                m.d.sync += oy.eq(Mux(oy_last, 0, oy + 1))

        # read -----------------------------------------------------------------------------------------------------
        read     = moves[0]
        first_y  = [at * window.stride[0] - window.padding[0] for at in range(height + 1)]
        bases    = [y % unit.ring_rows * beats for y in first_y]
        base     = Signal(below(depth), init=bases[0])   # address of the kernel's first row, of the output row issued
        read_base   = Signal(below(depth))               # and of the one that is read
        read_leaves = Signal.like(leaves)
        m.d.comb += row_leaves.eq(Mux(read, read_leaves, 0))
        with m.If(issue):
            m.d.sync += [read_base.eq(base), read_leaves.eq(leaving)]
            with m.If(step_last):
                ahead  = window.stride[0] % unit.ring_rows * beats
                behind = (unit.source.height - first_y[height - 1] + first_y[0]) % unit.ring_rows * beats   # the next frame
                m.d.sync += base.eq(Mux(oy_last, around("base_behind", base, behind), around("base_ahead", base, ahead)))
        padded   = window.padding[0] > 0
        low, high           = Signal(below(unit.window.kernel[0] * beats + 1)), Signal(below(unit.window.kernel[0] * beats + 1))
        read_low, read_high = Signal.like(low), Signal.like(high)      # offsets inside the image
        if padded:
            self._choose(m, oy, [
                (low, [max(0, -y) * beats for y in first_y[:height]]),
                (high, [min(window.kernel[0], unit.source.height - y) * beats for y in first_y[:height]]),
            ])
            with m.If(issue):
                m.d.sync += [read_low.eq(low), read_high.eq(high)]

        ends     = Signal(unit.stages - 1)               # bit k: what is in stage k + 1 ends a plane,
        starts   = Signal(unit.stages - 1)               # and starts one
        start    = Signal(init=1)
        with m.If(read):
            m.d.sync += [ends[0].eq(nonzeros.data[-1]), starts[0].eq(start), start.eq(nonzeros.data[-1])]
        for stage, moving in enumerate(moves[1:]):
            with m.If(moving):
                m.d.sync += [ends[stage + 1].eq(ends[stage]), starts[stage + 1].eq(starts[stage])]

        operands, codes = [], []
        outside = window.kernel[1]                       # choice of a row that is padding
        for pe in range(program.pe):
            lane_codes, lane_words, choices = [], [], []
            for lane in range(program.entries):
                at     = pe * program.entries + lane
                entry  = nonzeros.data.word_select(at, unit.entry_bits)
                offset = entry[2 + unit.shift_bits:]
                store  = memory.Memory(shape=width * bits, depth=max(2, depth), init=[])
                m.submodules[f"rows_{pe}_{lane}"] = store
                write  = store.write_port(granularity=bits)
                port   = store.read_port()
                code   = Signal(2, name=f"code_{pe}_{lane}")
                choice = Signal(range(outside + 1), name=f"choice_{pe}_{lane}")
                m.d.comb += [
                    write.addr.eq(row + beat), write.en.eq(Mux(taken, 1 << column, 0)),
                    write.data.eq(self.i.payload.word_select(lane // program.ports, bits).replicate(width)),
                    port.addr.eq(around(f"address_{pe}_{lane}", read_base, offset)), port.en.eq(read),
                ]
                inside = (offset >= read_low) & (offset < read_high) if padded else Const(1)
                with m.If(read):
                    m.d.sync += [code.eq(entry[:2]), choice.eq(Mux(inside, entry[2:2 + unit.shift_bits], outside))]
                lane_codes.append(code)
                lane_words.append(port.data)
                choices.append(choice)
            if unit.selects:
                held_codes = Signal(2 * program.entries, name=f"codes_{pe}")
                with m.If(moves[1]):
                    m.d.sync += held_codes.eq(Cat(lane_codes))
                codes.append(held_codes)
            else:
                codes.append(Cat(lane_codes))
            for pixel in range(unit.pixels):
                values = [self._select(m, f"value_{pe}_{lane}_{pixel}", word, choice, pixel, moves)
                          for lane, (word, choice) in enumerate(zip(lane_words, choices, strict=True))]
                operands.append(Cat(values))

        # sum, accumulate ------------------------------------------------------------------------------------------
        accumulate = Signal()
        m.d.comb += [accumulate.eq(valid[-1] & room(self.o)), ready[-1].eq(~valid[-1] | accumulate)]
        dots = []
        for at, operand in enumerate(operands):
            name = f"dot_{at // unit.pixels}_{at % unit.pixels}"
            dot  = Dot(unit.dot)
            m.submodules[name] = dot
            name_ports(name, dot)
            m.d.comb += [
                dot.values.eq(operand), dot.codes.eq(codes[at // unit.pixels]), dot.steps.eq(Cat(moves[1 + unit.selects:])),
                dot.so_far.eq(self.o.payload.word_select(at, unit.dot.width)), dot.clear.eq(starts[-1]),
            ]
            dots.append(dot)
        with m.If(accumulate):
            m.d.sync += self.o.payload.eq(Cat(dot.total for dot in dots))
        output_register(m, self.o, accumulate & ends[-1])
        return m

    def _choose(self, m, oy, choices):
        """Drive each signal of ``choices`` by its value for output row ``oy``; only rows at the edges differ from most."""
        for signal, values in choices:
            common = max(sorted(set(values)), key=values.count)
            m.d.comb += signal.eq(common)
            for at, value in enumerate(values):
                if value != common:
                    with m.If(oy == at):
                        m.d.comb += signal.eq(value)

    def _select(self, m, name, word, choice, pixel, moves):
        """The operand of one lane of one pixel, unsigned: its element of the input row in ``word``."""
        unit    = self._unit
        window  = unit.window
        element = signed(unit.source.dtype.bits) if unit.source.dtype.signed else unsigned(unit.source.dtype.bits)
        if not unit.selects:
            bits = word.word_select(pixel * window.stride[1], element.width)
            return offset_binary(bits.as_signed() if element.signed else bits)
        value = Signal(element, name=f"{name}_chosen")
        with m.Switch(choice):
            for kx in range(window.kernel[1]):
                x = pixel * window.stride[1] + kx - window.padding[1]
                if 0 <= x < unit.source.width:
                    with m.Case(kx):
                        m.d.comb += value.eq(word.word_select(x, element.width))
        register = Signal(element.width, name=name)
        with m.If(moves[1]):
            m.d.sync += register.eq(offset_binary(value))
        return register
