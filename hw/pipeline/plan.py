"""From a network and a folding to a pipeline: which units, how wide, how many cycles. Nothing is built yet."""

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property
from math import gcd

from tritforge.export.ir.nodes import INPUT, Bias, Flatten, MatrixNode, Network, Node, Threshold
from tritforge.export.ir.requantize import Requantize
from tritforge.hw.engines.layer import MatrixLayer, PlanError
from tritforge.hw.pipeline.fifo_depths import Fifos, fitted
from tritforge.hw.pipeline.keywords import KEYWORDS
from tritforge.hw.pipeline.stage import Stage
from tritforge.hw.stream.axi_stream import Tdata, lanes_in, tdata_bits
from tritforge.hw.stream.event_graph import RUN_FRAMES, EventGraph, settled
from tritforge.hw.stream.registry import UNITS
from tritforge.hw.stream.width_converter import resized
from tritforge.hw.targets.target import Target

__all__ = ["Fork", "NodeSite", "Plan", "Solved", "node_sites", "plan", "stages"]


@dataclass(frozen=True)
class Fork:
    """A stage's output, or the network's input, with several ``takers``: (stage, number of its input)."""

    name:   str
    source: str
    takers: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Solved:
    """What the event graph of a plan was solved for: minutes for the largest, so it is kept beside the design.

    ``fifos``: by stage, the depth of the FIFO before each input; ``frame_cycles``: :attr:`Plan.frame_cycles`.
    """

    fifos:        dict[str, tuple[int, ...]]
    frame_cycles: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """The pipeline of a network: its stages, the last one's output is the network's; in exact cycles, its rate.

    ``target``: what it is built for; the Verilog of another one can be made of the same stages (``dataclasses.replace``).

    ``known_cycles``: :attr:`frame_cycles` of the same plan, where it was solved before.
    """

    network:      Network
    stages:       tuple[Stage, ...]
    target:       Target
    known_cycles: tuple[int, ...] | None = None
    tdata:        Tdata = Tdata.NATIVE

    @property
    def tdata_bits(self):
        """Widths of TDATA at the input and at the output."""
        return self.tdata.input or tdata_bits(self.i), self.tdata.output or tdata_bits(self.o)

    @property
    def i(self):
        return next(stage.input(number) for stage in self.stages
                    for number, source in enumerate(stage.sources) if source == INPUT)

    @property
    def o(self):
        return self.stages[-1].o

    @cached_property
    def takers(self):
        """By stage, or INPUT, everything that reads it: (stage, number of its input)."""
        takers = defaultdict(list)
        for stage in self.stages:
            for number, source in enumerate(stage.sources):
                takers[source].append((stage.name, number))
        return {source: tuple(found) for source, found in takers.items()}

    @cached_property
    def forks(self):
        """Every stream that has several takers."""
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

    def roms(self):
        """Every image of the design, as (tritforge.export.artifacts.rom.RomImage, packing or None)."""
        for stage in self.stages:
            yield from stage.roms()

    def stage(self, name):
        """The stage called ``name``."""
        return next(stage for stage in self.stages if stage.name == name)

    def output(self, source):
        """Beats that ``source``, a stage or INPUT, puts."""
        return self.i if source == INPUT else self.stage(source).o

    def tensor(self, source):
        """Tensor that ``source``, a stage or INPUT, puts."""
        return INPUT if source == INPUT else self.stage(source).tensor

    def frame_beats(self, source):
        """Beats a frame that ``source``, a stage or INPUT, puts."""
        return self.network.types[self.tensor(source)].size // self.output(source).lanes

    def schedule(self, graph, pace=None):
        """Add the pipeline to the event graph; returns the source's channel and the one behind every stage, by name.

        With ``pace`` the beats of a frame arrive evenly over as many cycles.
        """
        channels = {INPUT: graph.source(self.frame_beats(INPUT), pace)}
        for stage in self.stages:
            channels[stage.name] = stage.schedule(graph, *(channels[source] for source in stage.sources))
        return channels

    @property
    def frame_cycles(self):
        """Cycle in which the last beat of each frame of a run leaves, with the first beat accepted in cycle 0 and
        no pause on either side. Ends with the first frame of the steady state."""
        if self.known_cycles is not None:
            return self.known_cycles
        return self._run[0]

    @property
    def stream_cycles(self):
        """By stream (a stage's name, or stage.unit for one within), the cycles in which the last beat of each of the first
        ``RUN_FRAMES`` frames goes over it, counted as in :attr:`frame_cycles`."""
        return self._run[1]

    @cached_property
    def _run(self):
        """Frame and stream cycles; the graph itself is large and not kept."""
        graph    = EventGraph(RUN_FRAMES)
        channels = self.schedule(graph)
        graph.solve()
        start    = int(channels[INPUT].producer.time[0])
        return (settled(channels[self.stages[-1].name], RUN_FRAMES, start),
                {name: tuple(cycle - start for cycle in cycles) for name, cycles in graph.ends().items()})

    @property
    def solved(self):
        """What :func:`plan` takes to make this plan again without solving it."""
        return Solved({stage.name: stage.fifos for stage in self.stages}, self.frame_cycles)

    def with_fifos(self, depths):
        """The plan with FIFOs of these depths by stage, one before each of its inputs, 0 for none."""
        stages = tuple(stage.with_fifos(depths[stage.name], [self.frame_beats(source) for source in stage.sources])
                       for stage in self.stages)
        return replace(self, stages=stages, known_cycles=None)

    @property
    def latency_cycles(self):
        """From the first input beat accepted to the last output beat accepted, pipeline empty, no pauses."""
        return self.frame_cycles[0]

    @property
    def interval_cycles(self):
        """From frame to frame in the steady state, no pauses."""
        return self.frame_cycles[-1] - self.frame_cycles[-2]


def plan(network, foldings, target, fifos=Fifos.JOINS_ONLY, solved=None, tdata=Tdata.NATIVE):
    """Lay ``network`` out as a pipeline.

    Parameters
    ----------
    network : tritforge.export.ir.nodes.Network.
    foldings : an engine's folding (tritforge.hw.engines.layer.Folding) for every matrix layer, by name.
    target : what it is built for (tritforge.hw.targets.target.Target): its numbers decide where there is a choice.
    fifos : those besides the ones before residual adds (tritforge.hw.pipeline.fifo_depths.Fifos).
    solved : what :attr:`Plan.solved` said of a plan of the same network and settings, to save the time.
    tdata : widths of TDATA where they are not to follow from the first and the last layer.

    Raises
    ------
    PlanError : a folding is missing, unknown or does not fit; or a result is read by nothing; or a name is a word
        of Verilog; or TDATA is narrower than an element.
    """
    for name in (network.name, *(node.name for node in network.nodes)):
        if name in KEYWORDS:
            raise PlanError(f"{name!r} is a word of Verilog and can name neither the network nor a layer; rename it")
    layers = [node.name for node in network.matrix_nodes()]
    for name in foldings:
        if name not in layers:
            raise PlanError(f"hardware.layers names {name!r}, which is no layer with weights; those are: {', '.join(layers)}")
    readers = defaultdict(list)
    for node in network.nodes:
        for name in node.inputs:
            readers[name].append(node)
    for node in network.nodes[:-1]:
        if not readers[node.name]:
            raise PlanError(f"{node.kind} {node.name!r}: nothing reads its result, and it is not the network's output")
    bare = Plan(network, tuple(stages(network, foldings, target, tdata)), target, tdata=tdata)
    if solved is None:
        return fitted(bare, fifos)
    return replace(bare.with_fifos(solved.fifos), known_cycles=solved.frame_cycles)


@dataclass(frozen=True)
class NodeSite:
    """Place of a stage in a network: everything about it but its folding and the lanes that its inputs come with.

    Parameters
    ----------
    network : the network.
    node : what the stage is built around.
    behind : thresholds, multipliers or bias that belong to a layer with weights; else None.
    sources : names of the stages that are read, or tritforge.export.ir.nodes.INPUT.
    target : what the design is built for; None where no stage is made.
    """

    network: Network
    node:    Node
    behind:  Threshold | Requantize | Bias | None
    sources: tuple[str, ...]
    target:  Target | None

    @property
    def name(self):
        return self.node.name

    @property
    def tensor(self):
        """Name of the tensor that leaves the stage."""
        return self.node.name if self.behind is None else self.behind.name

    @property
    def matrix(self):
        """Whether it is a layer with weights, which needs a folding."""
        return isinstance(self.node, MatrixNode)

    def types(self, number=0):
        """Type of input ``number``."""
        return self.network.types[self.node.inputs[number]]

    def layer(self, lanes=None):
        """The layer with weights as an engine is given it (tritforge.hw.engines.layer.MatrixLayer)."""
        types = self.network.types
        return MatrixLayer(node=self.node, behind=self.behind, source=types[self.node.input], sums=types[self.node.name],
                     target=types[self.tensor], lanes=lanes, technology=self.target)

    def stage(self, lanes, folding=None):
        """The stage.

        Parameters
        ----------
        lanes : that each input comes with; None at the network's input while nothing reads it, which then comes with
            what the stage wants.
        folding : of a layer with weights.
        """
        if self.matrix:
            return Stage(self.name, self.tensor, folding.units(self.layer(*lanes)), self.node, folding, self.sources)
        if type(self.node) not in UNITS:
            raise PlanError(f"{self.node.kind} {self.node.name!r}: no unit builds it")
        sources = [self.types(number) for number in range(len(lanes))]
        widest  = max((given for given in lanes if given is not None), default=sources[0].channels)
        unit    = UNITS[type(self.node)](self.node, *sources, target=self.network.types[self.node.name], lanes=widest)
        before  = [tuple(resized(name, source.dtype, given, beats.lanes, source.size))
                   for name, source, given, beats in zip(_converters(len(lanes)), sources, lanes, unit.inputs, strict=True)]
        if len(before) == 1:
            return Stage(self.name, self.name, (*before[0], unit), sources=self.sources)
        return Stage(self.name, self.name, (unit,), sources=self.sources, branches=tuple(before))


def _converters(count):
    """Names of the width converters before the inputs of a unit with ``count`` of them."""
    return ["lanes"] if count == 1 else [f"lanes{number}" for number in range(count)]


def node_sites(network, target=None):
    """The stages of ``network`` in order, before anything about them is chosen; without ``target`` none of them can be
    built."""
    readers = defaultdict(list)
    for node in network.nodes:
        for name in node.inputs:
            readers[name].append(node)
    stage_of = {INPUT: INPUT}           # by tensor, the stage it leaves, or INPUT
    taken    = set()                    # thresholds and biases that belong to a layer with weights
    found    = []
    for node in network.nodes:
        if isinstance(node, Flatten):
            stage_of[node.name] = stage_of[node.input]      # the stream already has the vector's order
        elif node not in taken:
            behind = None
            if isinstance(node, MatrixNode) and len(readers[node.name]) == 1:
                reader = readers[node.name][0]
                if isinstance(reader, (Threshold, Requantize, Bias)):
                    behind = reader
                    taken.add(behind)
            slot = NodeSite(network, node, behind, tuple(stage_of[name] for name in node.inputs), target)
            stage_of[node.name] = stage_of[slot.tensor] = node.name
            found.append(slot)
    return tuple(found)


def _lanes_at_end(which, bits, tensor):
    """Lanes of a beat of ``bits`` bits at the input or the output."""
    lanes = lanes_in(bits, tensor)
    if not lanes:
        raise PlanError(f"hardware.{which}_tdata_bits must hold an element, of {tensor.dtype.bits} bits, not {bits}")
    return lanes


def stages(network, foldings, target, tdata=Tdata.NATIVE):
    """The stages of ``network`` without FIFOs, each taking what lanes the one before puts; PlanError as of :func:`plan`."""
    lanes = {}                          # by stage or INPUT, lanes of its output; the input's are its first reader's
    if tdata.input is not None:
        lanes[INPUT] = _lanes_at_end("input", tdata.input, network.input)
    for slot in node_sites(network, target):
        if slot.matrix and slot.name not in foldings:
            raise PlanError(f"hardware.layers has no entry for {slot.name!r}; give its engine and folding")
        given = [lanes.get(source) for source in slot.sources]
        ahead = ()
        if tdata.input is not None and slot.sources == (INPUT,) and not slot.matrix:    # these take some channels of a pixel
            wanted = gcd(*given, network.input.channels)
            ahead  = resized("width_in", network.input.dtype, *given, wanted, network.input.size)
            given  = [wanted]
        stage = slot.stage(given, foldings.get(slot.name))
        stage = replace(stage, units=(*ahead, *stage.units))
        if tdata.output is not None and stage.tensor == network.output:
            result = network.types[network.output]
            wanted = _lanes_at_end("output", tdata.output, result)
            stage = replace(stage, units=(*stage.units, *resized("width", result.dtype, stage.o.lanes, wanted, result.size)))
        lanes[stage.name] = stage.o.lanes
        for number, source in enumerate(stage.sources):
            lanes.setdefault(source, stage.input(number).lanes)
        yield stage
