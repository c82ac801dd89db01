"""From a network and a folding to a pipeline: which units, how wide, how many cycles. Nothing is built yet."""

from dataclasses import dataclass
from functools import cached_property
from math import gcd

from export.correction import corrected_bias, corrected_thresholds, threshold_bits
from export.ir import (INPUT, ArgMax, Bias, Convolution, Flatten, MatrixNode, MaxPool, Network, Threshold)
from export.packing import Packing
from hw.argmax import Largest
from hw.array import Array
from hw.keywords import KEYWORDS
from hw.line_window import LineWindow
from hw.pool import Pool
from hw.resize import Resize
from hw.stream import Unit
from hw.threshold import Biases, Thresholds
from hw.timing import EventGraph, TimingError
from hw.window import Window
import itertools

__all__ = ["Folding", "Plan", "PlanError", "Stage", "plan"]

RUN_FRAMES = 8
"""Frames solved for the timing; the last three must follow each other at the same distance."""


class PlanError(ValueError):
    """A plan that cannot be built; the message names the layer, the rule and what would do."""


@dataclass(frozen=True, kw_only=True)
class Folding:
    """How a matrix layer is folded onto the array: ``pe`` rows and ``simd`` columns at a time."""

    pe:      int
    simd:    int
    packing: Packing = Packing.TWO_BIT

    def __post_init__(self):
        for name in ("pe", "simd"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} must be an int, not {value!r}")
            if value < 1:
                raise ValueError(f"{name} must be positive, not {value!r}")
        if not isinstance(self.packing, Packing):
            raise TypeError(f"packing must be a Packing, not {self.packing!r}")


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

    @property
    def array(self):
        """The unit with the weights; None for a stage without."""
        return next((unit for unit in self.units if isinstance(unit, Array)), None)

    def roms(self):
        """The images the stage reads, as (export.rom.RomImage, packing or None)."""
        for unit in self.units:
            if hasattr(unit, "rom"):
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
    foldings : a Folding for every matrix layer, by name.

    Raises
    ------
    PlanError : a folding is missing, unknown or does not divide; or the nodes do not form a chain that the
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
                raise PlanError(f"hardware.layers has no entry for {node.name!r}; give its pe and simd")
            behind = nodes.pop(0) if nodes and isinstance(nodes[0], (Threshold, Bias)) else None
            stage  = _matrix_stage(node, behind, source, network, foldings[node.name], beats)
            tensor = stage.tensor
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


def _matrix_stage(node, behind, source, network, folding, lanes):
    """Window, array and thresholds or bias of one layer, with changes of lane count where they are needed."""
    rows, columns = node.plane_matrices().shape[1:]
    if len(node.planes) != 1 or node.coefficients != (1,):
        raise PlanError(f"{node.name!r} has {len(node.planes)} planes of coefficients {node.coefficients!r}; "
                        "the array engine builds one plane of coefficient 1")
    for parameter, value, total, what in (("pe", folding.pe, rows, "rows"), ("simd", folding.simd, columns, "columns")):
        if total % value:
            raise PlanError(f"{node.name!r}: {parameter} must divide its {total} {what} ({_divisors(total)}), "
                            f"not {value!r}")
    units = []
    output = network.types[node.name]
    pixels = output.height * output.width
    if isinstance(node, Convolution):
        channels = source.channels
        if channels % folding.simd and folding.simd % channels:
            raise PlanError(f"{node.name!r}: simd must divide its {channels} channels or be a multiple of them, "
                            f"not {folding.simd!r}")
        window_lanes = gcd(folding.simd, channels)
        _resize(units, "lanes", source.dtype, lanes, window_lanes, source.size)
        lanes = window_lanes
        if folding.simd > channels and node.padding == (0, 0):     # faster than a pixel of the window a cycle
            units.append(LineWindow(name="window", tensor=source, kernel=node.kernel, stride=node.stride))
            lanes = units[-1].o.lanes
        elif (node.kernel, node.stride, node.padding) != ((1, 1), (1, 1), (0, 0)):
            units.append(Window(name="window", tensor=source, kernel=node.kernel, stride=node.stride,
                                padding=node.padding, lanes=window_lanes))
    _resize(units, "columns", source.dtype, lanes, folding.simd, pixels * columns)
    array = Array(name="array", node=node, source=source.dtype, vectors=pixels, pe=folding.pe, simd=folding.simd,
                  packing=folding.packing)
    units.append(array)
    common = {"layer": node.name, "source": array.o.dtype, "pe": folding.pe, "vectors": pixels}
    if isinstance(behind, Threshold):
        values = corrected_thresholds(behind.thresholds, array.matrix, source.dtype)
        units.append(Thresholds(name="thresholds", values=values, target=behind.output,
                                value_bits=threshold_bits(values, array.matrix, source.dtype), **common))
    else:
        bias   = behind.bias if behind is not None else [0] * rows
        values = corrected_bias(bias, array.matrix, source.dtype)[:, None]
        bits   = 1 + max(int(value).bit_length() for value in values.flat)
        target = network.types[behind.name if behind is not None else node.name].dtype
        units.append(Biases(name="bias", values=values, target=target, value_bits=bits, **common))
    tensor = behind.name if behind is not None else node.name
    return Stage(node.name, tensor, tuple(units), node, folding)


def _resize(units, name, dtype, lanes, wanted, elements):
    """Append what changes ``lanes`` into ``wanted``; by way of a common divisor when neither divides the other."""
    if lanes is None or lanes == wanted:
        return
    common = gcd(lanes, wanted)
    if common not in (lanes, wanted):
        units.append(Resize(name=f"{name}_split", dtype=dtype, i_lanes=lanes, o_lanes=common, elements=elements))
        lanes = common
    units.append(Resize(name=name, dtype=dtype, i_lanes=lanes, o_lanes=wanted, elements=elements))


def _divisors(number):
    return ", ".join(str(divisor) for divisor in range(1, number + 1) if number % divisor == 0)
