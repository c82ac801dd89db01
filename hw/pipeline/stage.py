"""A stage of the pipeline: one layer of the network as units in series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tritforge.export.artifacts.packing import Packing
from tritforge.export.artifacts.rom import RomImage
from tritforge.export.ir.nodes import MatrixNode
from tritforge.hw.engines.registry import Folding
from tritforge.hw.stream.event_graph import Channel, EventGraph
from tritforge.hw.stream.fifo import FifoUnit
from tritforge.hw.stream.rom import files
from tritforge.hw.stream.unit import Beats, Unit, input_names, name_ports

__all__ = ["Stage", "StageCircuit"]


@dataclass(frozen=True)
class Stage:
    """One layer as units in series.

    Parameters
    ----------
    name : of the layer, and of its instance in the Verilog.
    tensor : the network's tensor at the output.
    units : in series; the first has as many inputs as the stage.
    node, folding : of a layer with weights; else None.
    sources : the stage, or tritforge.export.ir.nodes.INPUT, that feeds each input.
    branches : for each input, the units between it and the first of ``units``.
    """

    name:     str
    tensor:   str
    units:    tuple[Unit, ...]
    node:     MatrixNode | None = None
    folding:  Folding | None = None
    sources:  tuple[str, ...] = ()
    branches: tuple[tuple[Unit, ...], ...] = ((),)

    def input(self, branch: int) -> Beats:
        """Beats of input number ``branch``."""
        if self.branches[branch]:
            return self.branches[branch][0].i
        return self.units[0].inputs[branch]

    @property
    def o(self) -> Beats:
        """Beats of the output."""
        return self.units[-1].o

    @property
    def all_units(self) -> tuple[Unit, ...]:
        """All units, those of the branches first."""
        return (*(unit for branch in self.branches for unit in branch), *self.units)

    @property
    def interval_cycles(self) -> int:
        """Initiation interval in cycles per frame: that of the slowest unit."""
        return max(unit.interval_cycles for unit in self.all_units)

    @property
    def fifos(self) -> tuple[int, ...]:
        """Depth in beats of the FIFO at each input; 0 for none."""
        return tuple(
            branch[0].depth if branch and isinstance(branch[0], FifoUnit) else 0
            for branch in self.branches
        )

    def with_fifos(self, depths: Sequence[int], frame_beats: Sequence[int]) -> Stage:
        """Return the stage with FIFOs of these depths at its inputs.

        Parameters
        ----------
        depths : in beats, for each input; 0 for none.
        frame_beats : beats per frame of each input.
        """
        branches = []
        for number, branch in enumerate(self.branches):
            units = branch[1:] if self.fifos[number] else branch
            if depths[number]:
                name  = "fifo" if len(self.branches) == 1 else f"fifo{number}"
                bare = replace(
                    self, branches=(*self.branches[:number], units, *self.branches[number + 1 :])
                )
                beats = bare.input(number)
                units = (FifoUnit(name=name, beats=beats, depth=depths[number],
                                  elements=frame_beats[number] * beats.lanes), *units)
            branches.append(units)
        return replace(self, branches=tuple(branches))

    def schedule(self, graph: EventGraph, *channels: Channel | None) -> Channel:
        """Add the stage to the event graph; return the channel of its output."""
        def add(unit: Unit, *before: Channel | None) -> Channel:
            after = unit.schedule(graph, *before)
            graph.name(self.name if unit is self.units[-1] else f"{self.name}.{unit.name}", after)
            return after

        ends = []
        for channel, branch in zip(channels, self.branches, strict=True):
            for unit in branch:
                channel = add(unit, channel)
            ends.append(channel)
        channel = add(self.units[0], *ends)
        for unit in self.units[1:]:
            channel = add(unit, channel)
        return channel

    def roms(self) -> Iterator[tuple[RomImage, Packing | None]]:
        """Yield the ROM images of the stage as (RomImage, Packing or None)."""
        for unit in self.units:
            rom = getattr(unit, "rom", None)
            if rom is not None:
                packing = getattr(unit, "packing", None)
                for image in files(rom, getattr(unit, "split", None)):
                    yield image, packing


class StageCircuit(wiring.Component):
    """The circuit of a stage: every unit is an instance under its own name.

    Latency and interval are those of the units in series; the stage adds no logic.

    Parameters
    ----------
    stage : the Stage.

    Members
    -------
    i : input stream, ``stage.input(0).payload_bits`` bits; i0, i1, .. if there are several.
    o : output stream of the last unit, ``stage.o.payload_bits`` bits.
    """

    o: stream.Interface

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        super().__init__(
            {
                **{
                    name: In(stage.input(number).signature())
                    for number, name in enumerate(input_names(len(stage.branches)))
                },
                "o": Out(stage.o.signature()),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Instantiate the units and connect their streams."""
        m     = Module()
        stage = self.stage

        def instance(unit: Unit) -> Any:
            part = unit.component()
            m.submodules[unit.name] = part
            name_ports(unit.name, part)
            return part

        def series(before: Any, units: Sequence[Unit]) -> Any:
            """Connect ``units`` downstream of the stream ``before``; return their output."""
            for unit in units:
                part = instance(unit)
                wiring.connect(m, before, part.i)
                before = part.o
            return before

        names = input_names(len(stage.branches))
        ends  = [series(wiring.flipped(getattr(self, name)), branch)
                 for name, branch in zip(names, stage.branches, strict=True)]
        first = instance(stage.units[0])
        for name, before in zip(names, ends, strict=True):
            wiring.connect(m, before, getattr(first, name))
        wiring.connect(m, series(first.o, stage.units[1:]), wiring.flipped(self.o))
        return m
