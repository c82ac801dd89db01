"""The plan: a network with its foldings as a pipeline of units, before anything is built."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from tritforge.export.artifacts.packing import Packing
from tritforge.export.artifacts.rom import RomImage
from tritforge.export.ir.nodes import (
    INPUT,
    Network,
)
from tritforge.hw.engines.layer import PlanError
from tritforge.hw.engines.registry import Folding
from tritforge.hw.pipeline.fifo_depths import Fifos, fitted
from tritforge.hw.pipeline.keywords import KEYWORDS
from tritforge.hw.pipeline.sites import stages
from tritforge.hw.pipeline.stage import Stage
from tritforge.hw.stream.axi_stream import Tdata, tdata_bits
from tritforge.hw.stream.event_graph import RUN_FRAMES, Channel, EventGraph, settled
from tritforge.hw.stream.unit import Beats
from tritforge.hw.targets.target import Target

__all__ = ["Fork", "Plan", "Solved", "plan"]


@dataclass(frozen=True)
class Fork:
    """A stream with several consumers.

    Parameters
    ----------
    name : instance name.
    source : the upstream stage, or INPUT.
    takers : consumers as (stage, number of its input).
    """

    name:   str
    source: str
    takers: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Solved:
    """Results of the event graph of a plan, stored with the design: solving may take minutes.

    Parameters
    ----------
    fifos : depth of the FIFO at each input, by stage.
    frame_cycles : :attr:`Plan.frame_cycles`.
    """

    fifos:        dict[str, tuple[int, ...]]
    frame_cycles: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """The pipeline of a network and its exact cycle counts; its output is that of the last stage.

    Parameters
    ----------
    network : the network.
    stages : in topological order.
    target : target of the design. ``dataclasses.replace`` gives the same stages for another one.
    known_cycles : :attr:`frame_cycles` if they were solved before.
    tdata : requested widths of TDATA.
    """

    network:      Network
    stages:       tuple[Stage, ...]
    target:       Target
    known_cycles: tuple[int, ...] | None = None
    tdata:        Tdata = Tdata.NATIVE

    @property
    def tdata_bits(self) -> tuple[int, int]:
        """Widths of TDATA at input and output in bits."""
        return self.tdata.input or tdata_bits(self.i), self.tdata.output or tdata_bits(self.o)

    @property
    def i(self) -> Beats:
        """Beats of the network's input."""
        return next(stage.input(number) for stage in self.stages
                    for number, source in enumerate(stage.sources) if source == INPUT)

    @property
    def o(self) -> Beats:
        """Beats of the network's output."""
        return self.stages[-1].o

    @cached_property
    def takers(self) -> dict[str, tuple[tuple[str, int], ...]]:
        """Consumers of each stage, or of INPUT: (stage, number of its input)."""
        takers = defaultdict(list)
        for stage in self.stages:
            for number, source in enumerate(stage.sources):
                takers[source].append((stage.name, number))
        return {source: tuple(found) for source, found in takers.items()}

    @cached_property
    def forks(self) -> tuple[Fork, ...]:
        """All streams with several consumers."""
        names = {stage.name for stage in self.stages}
        forks = []
        for source, takers in self.takers.items():
            if len(takers) > 1:
                name = f"{source}_fork"
                while name in names:
                    name += "_"
                names.add(name)
                forks.append(Fork(name, source, takers))
        return tuple(forks)

    def roms(self) -> Iterator[tuple[RomImage, Packing | None]]:
        """Yield the ROM images of the design as (RomImage, Packing or None)."""
        for stage in self.stages:
            yield from stage.roms()

    def stage(self, name: str) -> Stage:
        """Return the stage called ``name``."""
        return next(stage for stage in self.stages if stage.name == name)

    def output(self, source: str) -> Beats:
        """Return the output beats of ``source``, a stage or INPUT."""
        return self.i if source == INPUT else self.stage(source).o

    def tensor(self, source: str) -> str:
        """Return the name of the tensor that ``source``, a stage or INPUT, outputs."""
        return INPUT if source == INPUT else self.stage(source).tensor

    def frame_beats(self, source: str) -> int:
        """Return the output beats per frame of ``source``, a stage or INPUT."""
        return self.network.types[self.tensor(source)].size // self.output(source).lanes

    def schedule(self, graph: EventGraph, pace: int | None = None) -> dict[str, Channel]:
        """Add the pipeline to the event graph; return the channels of INPUT and each stage by name.

        With ``pace``, the beats of a frame arrive evenly spread over that many cycles.
        """
        channels = {INPUT: graph.source(self.frame_beats(INPUT), pace)}
        for stage in self.stages:
            channels[stage.name] = stage.schedule(
                graph, *(channels[source] for source in stage.sources)
            )
        return channels

    @property
    def frame_cycles(self) -> tuple[int, ...]:
        """Cycle of the last output transfer of each frame, up to the first of the steady state.

        Counted from the transfer of the first input beat, without stalls on either side.
        """
        if self.known_cycles is not None:
            return self.known_cycles
        return self._run[0]

    @property
    def stream_cycles(self) -> dict[str, tuple[int, ...]]:
        """Cycle of the last transfer of each of ``RUN_FRAMES`` frames, by stream.

        Counted like :attr:`frame_cycles`. A stream is named like its stage; within a stage,
        stage.unit.
        """
        return self._run[1]

    @cached_property
    def _run(self) -> tuple[tuple[int, ...], dict[str, tuple[int, ...]]]:
        """Frame and stream cycles; the graph itself is large and not stored."""
        graph    = EventGraph(RUN_FRAMES)
        channels = self.schedule(graph)
        graph.solve()
        start    = int(channels[INPUT].producer.time[0])
        return (
            settled(channels[self.stages[-1].name], RUN_FRAMES, start),
            {
                name: tuple(cycle - start for cycle in cycles)
                for name, cycles in graph.ends().items()
            },
        )

    @property
    def solved(self) -> Solved:
        """Input of :func:`plan` to build this plan again without solving it."""
        return Solved({stage.name: stage.fifos for stage in self.stages}, self.frame_cycles)

    def with_fifos(self, depths: Mapping[str, Sequence[int]]) -> Plan:
        """Return the plan with FIFOs of these depths, by stage, one per input; 0 for none."""
        stages = tuple(
            stage.with_fifos(
                depths[stage.name], [self.frame_beats(source) for source in stage.sources]
            )
            for stage in self.stages
        )
        return replace(self, stages=stages, known_cycles=None)

    @property
    def latency_cycles(self) -> int:
        """Latency from the first input transfer to the frame's last output transfer, no stalls."""
        return self.frame_cycles[0]

    @property
    def interval_cycles(self) -> int:
        """Initiation interval: cycles per frame in the steady state, without stalls."""
        return self.frame_cycles[-1] - self.frame_cycles[-2]


def plan(
    network: Network,
    foldings: Mapping[str, Folding],
    target: Target,
    fifos: Fifos = Fifos.JOINS_ONLY,
    solved: Solved | None = None,
    tdata: Tdata = Tdata.NATIVE,
) -> Plan:
    """Lay ``network`` out as a pipeline.

    Parameters
    ----------
    network : tritforge.export.ir.nodes.Network.
    foldings : folding of every matrix layer, by name (tritforge.hw.engines.registry.Folding).
    target : target of the design (tritforge.hw.targets.target.Target).
    fifos : FIFOs besides those before residual adds (tritforge.hw.pipeline.fifo_depths.Fifos).
    solved : :attr:`Plan.solved` of a plan of the same network and settings, instead of solving.
    tdata : widths of TDATA; by default they follow from the first and the last layer.

    Raises
    ------
    PlanError : a folding is missing, unknown or does not fit; nothing reads a result; a name is a
        Verilog keyword; or TDATA is narrower than an element.
    """
    for name in (network.name, *(node.name for node in network.nodes)):
        if name in KEYWORDS:
            raise PlanError(
                f"{name!r} is a word of Verilog and can name neither the network nor a layer; "
                "rename it"
            )
    layers = [node.name for node in network.matrix_nodes()]
    for name in foldings:
        if name not in layers:
            raise PlanError(
                f"hardware.layers names {name!r}, which is no layer with weights; those are: "
                f"{', '.join(layers)}"
            )
    readers = defaultdict(list)
    for node in network.nodes:
        for name in node.inputs:
            readers[name].append(node)
    for node in network.nodes[:-1]:
        if not readers[node.name]:
            raise PlanError(
                f"{node.kind} {node.name!r}: nothing reads its result, and it is not the "
                "network's output"
            )
    bare = Plan(network, tuple(stages(network, foldings, target, tdata)), target, tdata=tdata)
    if solved is None:
        return fitted(bare, fifos)
    return replace(bare.with_fifos(solved.fifos), known_cycles=solved.frame_cycles)
