"""From a network and a folding to a pipeline: which units, how wide, how many cycles. Nothing is built yet."""

from dataclasses import dataclass
from functools import cached_property
import itertools

from export.ir import INPUT, ArgMax, Bias, Flatten, MatrixNode, MaxPool, Network, Requantize, Threshold
from hw.argmax import Largest
from hw.keywords import KEYWORDS
from hw.layer import Folding, Layer, PlanError
from hw.pool import Pool
from hw.stream import Unit
from hw.timing import EventGraph, TimingError

__all__ = ["Plan", "Stage", "plan"]

RUN_FRAMES = 8
"""Frames solved for the timing; the last three must follow each other at the same distance."""


@dataclass(frozen=True)
class Stage:
    """A layer as the Verilog shows it: units one behind the other, the last one's output is ``tensor``."""

    name:    str
    tensor:  str
    units:   tuple[Unit, ...]
    node:    MatrixNode | None = None
    folding: Folding | None = None

    @property
    def i(self):
        return self.units[0].i

    @property
    def o(self):
        return self.units[-1].o

    @property
    def interval_cycles(self):
        """Cycles a frame of the slowest unit."""
        return max(unit.interval_cycles for unit in self.units)

    def roms(self):
        """The images the stage reads, as (export.rom.RomImage, packing or None)."""
        for unit in self.units:
            if getattr(unit, "rom", None) is not None:
                yield unit.rom, getattr(unit, "packing", None)


@dataclass(frozen=True)
class Plan:
    """The pipeline of a network: its stages and, in exact cycles, its rate."""

    network: Network
    stages:  tuple[Stage, ...]

    @property
    def i(self):
        return self.stages[0].i

    @property
    def o(self):
        return self.stages[-1].o

    def roms(self):
        """Every image of the design, as (export.rom.RomImage, packing or None)."""
        for stage in self.stages:
            yield from stage.roms()

    @cached_property
    def frame_cycles(self):
        """Cycle in which the last beat of each frame of a run leaves, with the first beat accepted in cycle 0 and
        no pause on either side. Ends with the first frame of the steady state."""
        graph, channel = EventGraph(RUN_FRAMES), None
        for stage in self.stages:
            for unit in stage.units:
                channel = unit.schedule(graph, channel)
        graph.solve()
        beats    = len(channel.put) // RUN_FRAMES
        leaves   = [int(channel.producer.time[put]) + 1 for put in channel.put[beats - 1::beats]]
        distance = [after - before for before, after in itertools.pairwise(leaves)]
        if len(set(distance[-3:])) != 1:
            raise TimingError(f"the frames of {self.network.name!r} do not settle into a period: {distance}")
        while len(leaves) > 2 and distance[-1] == distance[-2]:
            leaves.pop()
            distance.pop()
        return tuple(leaves)

    @property
    def latency_cycles(self):
        """From the first input beat accepted to the last output beat accepted, pipeline empty, no pauses."""
        return self.frame_cycles[0]

    @property
    def interval_cycles(self):
        """From frame to frame in the steady state, no pauses."""
        return self.frame_cycles[-1] - self.frame_cycles[-2]


def plan(network, foldings):
    """Lay ``network`` out as a pipeline.

    Parameters
    ----------
    network : export.ir.Network.
    foldings : an engine's folding (hw.layer.Folding) for every matrix layer, by name.

    Raises
    ------
    PlanError : a folding is missing, unknown or does not fit; or the nodes do not form a chain that the
        stages can serve; or a name is a word of Verilog.
    """
    for name in (network.name, *(node.name for node in network.nodes)):
        if name in KEYWORDS:
            raise PlanError(f"{name!r} is a word of Verilog and can name neither the network nor a layer; rename it")
    layers = [node.name for node in network.matrix_nodes()]
    for name in foldings:
        if name not in layers:
            raise PlanError(f"hardware.layers names {name!r}, which is no layer with weights; those are: {', '.join(layers)}")
    stages = []
    nodes  = list(network.nodes)
    tensor = INPUT           # the last tensor that was made
    beats  = None            # lanes it comes with; None at the network's input, which takes what the first stage wants
    while nodes:
        node = nodes.pop(0)
        if node.input != tensor:
            raise PlanError(f"{node.kind} {node.name!r} reads {node.input!r}; only chains can be built, "
                            f"it would have to read {tensor!r}")
        source, tensor = network.types[node.input], node.name
        if isinstance(node, Flatten):
            continue         # the stream already has the vector's order
        if isinstance(node, MatrixNode):
            if node.name not in foldings:
                raise PlanError(f"hardware.layers has no entry for {node.name!r}; give its engine and folding")
            behind  = nodes.pop(0) if nodes and isinstance(nodes[0], (Threshold, Requantize, Bias)) else None
            tensor  = behind.name if behind is not None else node.name
            folding = foldings[node.name]
            layer   = Layer(node=node, behind=behind, source=source, sums=network.types[node.name],
                            target=network.types[tensor], lanes=beats)
            stage   = Stage(node.name, tensor, folding.units(layer), node, folding)
        elif isinstance(node, MaxPool):
            lanes = beats if beats is not None else source.channels
            stage = Stage(node.name, node.name, (Pool(name="pool", tensor=source, size=node.size, lanes=lanes),))
        elif isinstance(node, ArgMax):
            lanes = beats if beats is not None else source.channels
            stage = Stage(node.name, node.name, (
                Largest(name="largest", dtype=source.dtype, elements=source.channels, lanes=lanes),))
        else:
            raise PlanError(f"{node.kind} {node.name!r} must follow a layer with weights, not {node.input!r}")
        stages.append(stage)
        beats = stage.o.lanes
    return Plan(network, tuple(stages))
