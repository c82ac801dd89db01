"""A layer as the Verilog shows it: units one behind the other, and what stands before each input."""

from dataclasses import dataclass, replace

from amaranth import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tritforge.export.ir.nodes import MatrixNode
from tritforge.hw.engines.registry import Folding
from tritforge.hw.stream.fifo import FifoUnit
from tritforge.hw.stream.rom import files
from tritforge.hw.stream.unit import Beats, Unit, input_names, name_ports

__all__ = ["Stage", "StageCircuit"]


@dataclass(frozen=True)
class Stage:
    """One layer.

    Parameters
    ----------
    name : of the node that the layer is built around.
    tensor : what the last unit's output is.
    units : one behind the other; the first has as many inputs as the stage.
    node, folding : of a layer with weights.
    sources : the stages that are read, or tritforge.export.ir.nodes.INPUT.
    branches : for each source the units between it and the first of ``units``.
    """

    name:     str
    tensor:   str
    units:    tuple[Unit, ...]
    node:     MatrixNode | None = None
    folding:  Folding | None = None
    sources:  tuple[str, ...] = ()
    branches: tuple[tuple[Unit, ...], ...] = ((),)

    def input(self, branch) -> Beats:
        """Beats that the stage takes from its source number ``branch``."""
        if self.branches[branch]:
            return self.branches[branch][0].i
        return self.units[0].inputs[branch]

    @property
    def o(self):
        return self.units[-1].o

    @property
    def all_units(self):
        """Every unit, those before the inputs first."""
        return (*(unit for branch in self.branches for unit in branch), *self.units)

    @property
    def interval_cycles(self):
        """Cycles a frame of the slowest unit."""
        return max(unit.interval_cycles for unit in self.all_units)

    @property
    def fifos(self):
        """Depth in beats of the FIFO before each input, 0 where there is none."""
        return tuple(branch[0].depth if branch and isinstance(branch[0], FifoUnit) else 0 for branch in self.branches)

    def with_fifos(self, depths, frame_beats):
        """The stage with FIFOs of these depths, 0 for none, before its inputs, which take ``frame_beats`` beats a frame."""
        branches = []
        for number, branch in enumerate(self.branches):
            units = branch[1:] if self.fifos[number] else branch
            if depths[number]:
                name  = "fifo" if len(self.branches) == 1 else f"fifo{number}"
                bare  = replace(self, branches=(*self.branches[:number], units, *self.branches[number + 1:]))
                beats = bare.input(number)
                units = (FifoUnit(name=name, beats=beats, depth=depths[number],
                                  elements=frame_beats[number] * beats.lanes), *units)
            branches.append(units)
        return replace(self, branches=tuple(branches))

    def schedule(self, graph, *channels):
        """Add the stage to the event graph; returns the channel behind it."""
        def behind(unit, *before):
            after = unit.schedule(graph, *before)
            graph.name(self.name if unit is self.units[-1] else f"{self.name}.{unit.name}", after)
            return after

        ends = []
        for channel, branch in zip(channels, self.branches, strict=True):
            for unit in branch:
                channel = behind(unit, channel)
            ends.append(channel)
        channel = behind(self.units[0], *ends)
        for unit in self.units[1:]:
            channel = behind(unit, channel)
        return channel

    def roms(self):
        """The images the stage reads, as (tritforge.export.artifacts.rom.RomImage, packing or None)."""
        for unit in self.units:
            if getattr(unit, "rom", None) is not None:
                yield from ((image, getattr(unit, "packing", None)) for image in files(unit.rom, getattr(unit, "split", None)))


class StageCircuit(wiring.Component):
    """The circuit of a :class:`Stage`: every unit an instance under its own name.

    Members
    -------
    i : the input; i0, i1, .. of a stage with several.
    o : the output of the last unit.
    """

    def __init__(self, stage):
        self._stage = stage
        super().__init__({
            **{name: In(stage.input(number).signature()) for number, name in enumerate(input_names(len(stage.branches)))},
            "o": Out(stage.o.signature()),
        })

    def elaborate(self, platform):
        m     = Module()
        stage = self._stage

        def instance(unit):
            part = unit.component()
            m.submodules[unit.name] = part
            name_ports(unit.name, part)
            return part

        ends  = []
        names = input_names(len(stage.branches))
        for name, branch in zip(names, stage.branches, strict=True):
            before = wiring.flipped(getattr(self, name))
            for unit in branch:
                part = instance(unit)
                wiring.connect(m, before, part.i)
                before = part.o
            ends.append(before)
        part = instance(stage.units[0])
        for name, before in zip(names, ends, strict=True):
            wiring.connect(m, before, getattr(part, name))
        before = part.o
        for unit in stage.units[1:]:
            part = instance(unit)
            wiring.connect(m, before, part.i)
            before = part.o
        wiring.connect(m, before, wiring.flipped(self.o))
        return m
