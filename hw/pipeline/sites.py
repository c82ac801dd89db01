"""The stages of a network: which nodes each is built around, and its units in a given folding."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import gcd

from tritforge.export.ir.nodes import (
    INPUT,
    Bias,
    Flatten,
    MatrixNode,
    Network,
    Node,
    TensorType,
    Threshold,
)
from tritforge.export.ir.requantize import Requantize
from tritforge.hw.engines.layer import MatrixLayer, PlanError
from tritforge.hw.engines.registry import Folding
from tritforge.hw.pipeline.stage import Stage
from tritforge.hw.stream.axi_stream import Tdata, lanes_in
from tritforge.hw.stream.registry import UNITS
from tritforge.hw.stream.width_converter import resized
from tritforge.hw.targets.target import Target

__all__ = ["NodeSite", "node_sites", "stages"]


@dataclass(frozen=True)
class NodeSite:
    """A stage of the network without its folding and the lanes of its inputs.

    Parameters
    ----------
    network : the network.
    node : the node that the stage is built around.
    epilogue : thresholds, requantization or bias of a matrix layer; else None.
    sources : names of the upstream stages, or tritforge.export.ir.nodes.INPUT.
    target : target of the design; None if no stage is built.
    """

    network:  Network
    node:     Node
    epilogue: Threshold | Requantize | Bias | None
    sources:  tuple[str, ...]
    target:  Target | None

    @property
    def name(self) -> str:
        """Name of the stage."""
        return self.node.name

    @property
    def tensor(self) -> str:
        """Name of the output tensor."""
        return self.node.name if self.epilogue is None else self.epilogue.name

    @property
    def matrix(self) -> bool:
        """Whether it is a matrix layer, which needs a folding."""
        return isinstance(self.node, MatrixNode)

    def types(self, number: int = 0) -> TensorType:
        """Type of input ``number``."""
        return self.network.types[self.node.inputs[number]]

    def layer(self, lanes: int | None = None) -> MatrixLayer:
        """Return the matrix layer as an engine sees it.

        Raises
        ------
        TypeError : it is no matrix layer.
        """
        if not isinstance(self.node, MatrixNode):
            raise TypeError(f"{self.name!r} must be a matrix layer, not a {self.node.kind}")
        types = self.network.types
        return MatrixLayer(
            node=self.node,
            epilogue=self.epilogue,
            source=types[self.node.input],
            sums=types[self.node.name],
            target=types[self.tensor],
            lanes=lanes,
            technology=self.target,  # type: ignore[arg-type]  # None builds no units
        )

    def stage(self, lanes: Sequence[int | None], folding: Folding | None = None) -> Stage:
        """Return the stage.

        Parameters
        ----------
        lanes : lane count of each input stream, in the order of ``sources``; None for a network
            input that no earlier stage has fixed: the stage then chooses its preferred width.
        folding : of a matrix layer.
        """
        if isinstance(self.node, MatrixNode):
            if folding is None:
                raise PlanError(
                    f"hardware.layers has no entry for {self.name!r}; give its engine and folding"
                )
            return Stage(
                self.name,
                self.tensor,
                folding.units(self.layer(*lanes)),
                self.node,
                folding,
                self.sources,
            )
        if type(self.node) not in UNITS:
            raise PlanError(f"{self.node.kind} {self.node.name!r}: no unit builds it")
        sources = [self.types(number) for number in range(len(lanes))]
        # these read some channels of a pixel per beat; the input's beats may hold several pixels
        within = [
            gcd(given, source.channels)
            for given, source in zip(lanes, sources, strict=True)
            if given is not None
        ]
        widest = max(within, default=sources[0].channels)
        unit = UNITS[type(self.node)](
            self.node, *sources, target=self.network.types[self.node.name], lanes=widest
        )
        before = [
            tuple(resized(name, source.dtype, given, beats.lanes, source.size))
            for name, source, given, beats in zip(
                _converters(len(lanes)), sources, lanes, unit.inputs, strict=True
            )
        ]
        if len(before) == 1:
            return Stage(self.name, self.name, (*before[0], unit), sources=self.sources)
        return Stage(self.name, self.name, (unit,), sources=self.sources, branches=tuple(before))


def _converters(count: int) -> list[str]:
    """Names of the width converters before the inputs of a unit with ``count`` of them."""
    return ["lanes"] if count == 1 else [f"lanes{number}" for number in range(count)]


def node_sites(network: Network, target: Target | None = None) -> tuple[NodeSite, ...]:
    """Return the stages of ``network`` in topological order, without foldings and lanes.

    Only with ``target`` can they be built.
    """
    readers = defaultdict(list)
    for node in network.nodes:
        for name in node.inputs:
            readers[name].append(node)
    stage_of = {INPUT: INPUT}           # by tensor, the stage it leaves, or INPUT
    taken    = set()                    # thresholds and biases that belong to a layer with weights
    found    = []
    for node in network.nodes:
        if isinstance(node, Flatten):
            # the stream already has the vector's order
            stage_of[node.name] = stage_of[node.input]
        elif node not in taken:
            epilogue = None
            if isinstance(node, MatrixNode) and len(readers[node.name]) == 1:
                reader = readers[node.name][0]
                if isinstance(reader, (Threshold, Requantize, Bias)):
                    epilogue = reader
                    taken.add(epilogue)
            sources = tuple(stage_of[name] for name in node.inputs)
            site = NodeSite(network, node, epilogue, sources, target)
            stage_of[node.name] = stage_of[site.tensor] = node.name
            found.append(site)
    return tuple(found)


def _lanes_at_end(which: str, bits: int, tensor: TensorType) -> int:
    """Lanes of a beat of ``bits`` bits at the input or the output."""
    lanes = lanes_in(bits, tensor)
    if not lanes:
        raise PlanError(
            f"hardware.{which}_tdata_bits must hold an element, of {tensor.dtype.bits} bits, "
            f"not {bits}"
        )
    return lanes


def stages(
    network: Network,
    foldings: Mapping[str, Folding],
    target: Target,
    tdata: Tdata = Tdata.NATIVE,
) -> Iterator[Stage]:
    """Yield the stages of ``network`` without FIFOs, each with the lanes of its upstream stage.

    Raises
    ------
    PlanError : as of tritforge.hw.pipeline.plan.plan.
    """
    # by stage or INPUT, lanes of its output; the input's are its first reader's
    lanes: dict[str, int] = {}
    if tdata.input is not None:
        lanes[INPUT] = _lanes_at_end("input", tdata.input, network.input)
    for site in node_sites(network, target):
        given = [lanes.get(source) for source in site.sources]
        stage = site.stage(given, foldings.get(site.name))
        if tdata.output is not None and stage.tensor == network.output:
            result = network.types[network.output]
            wanted = _lanes_at_end("output", tdata.output, result)
            stage = replace(
                stage,
                units=(
                    *stage.units,
                    *resized("width", result.dtype, stage.o.lanes, wanted, result.size),
                ),
            )
        lanes[stage.name] = stage.o.lanes
        for number, source in enumerate(stage.sources):
            lanes.setdefault(source, stage.input(number).lanes)
        yield stage
