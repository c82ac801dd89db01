"""The graph of a model: which layers give the scores, and which quantizer feeds a layer."""

from __future__ import annotations

from torch import fx, nn

from tritforge.errors import UserError
from tritforge.quant.activation import Quantizer
from tritforge.quant.inplace import InPlaceProxy, without_in_place
from tritforge.quant.pooling import GlobalPool

__all__ = [
    "Tracer",
    "TracingError",
    "feeding_quantizer",
    "is_matrix_layer",
    "nodes_between",
    "score_layers",
    "trace",
]


class TracingError(UserError):
    """A model whose graph cannot be read, or in which a needed quantizer is missing."""


def is_matrix_layer(module: nn.Module) -> bool:
    """Return whether ``quant.ternarize`` makes the weight of ``module`` ternary."""
    return isinstance(module, (nn.Conv2d, nn.Linear))


class Tracer(fx.Tracer):
    """A torch.fx tracer that keeps quantizers and matrix layers whole, subclasses included.

    It records operations in place as such.
    """

    def proxy(self, node: fx.Node) -> fx.Proxy:
        """Return what stands for the node's value in the traced function."""
        return InPlaceProxy(node, self)

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Return whether a call of ``m`` stays one node of the graph."""
        whole = isinstance(m, (Quantizer, GlobalPool)) or is_matrix_layer(m)
        return whole or super().is_leaf_module(m, module_qualified_name)


def trace(model: nn.Module) -> fx.Graph:
    """Return the graph of ``model.forward``, in which nothing is changed in place.

    Raises
    ------
    TracingError: torch.fx cannot follow the forward function.
    InPlaceError: a tensor that it changes in place is read afterwards through another view.
    """
    try:
        graph = Tracer().trace(model)
    except Exception as error:  # a tracer runs the user's forward: it can raise anything
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise TracingError(
            f"torch.fx cannot trace {type(model).__name__}.forward ({reason}): "
            "write it without control flow that depends on the data"
        ) from error
    without_in_place(model, graph)
    return graph


def score_layers(model: nn.Module, graph: fx.Graph) -> list[str]:
    """Return the paths of the matrix layers that no quantizer and no other layer follows."""
    scores = []
    for node in graph.nodes:
        if (
            is_matrix_layer(_module(model, node))
            and node.target not in scores
            and _reaches_output(model, node)
        ):
            scores.append(node.target)
    return scores


def feeding_quantizer(model: nn.Module, graph: fx.Graph, layer: str) -> str:
    """Return the path of a quantizer whose codes enter the matrix layer at path ``layer``.

    Other modules between them, such as pooling or flattening, do not matter. Several quantizers may
    feed the layer if they share one step.

    Raises
    ------
    TracingError: the layer is never called, or its input does not come from quantizers of one step.
    """
    calls = [node for node in graph.nodes if node.op == "call_module" and node.target == layer]
    if not calls:
        raise TracingError(
            f"layer {layer!r} is never called as a module by {type(model).__name__}.forward"
        )
    found: dict[str, Quantizer] = {}
    for node in _feeding(model, graph, layer):
        module = _module(model, node)
        if isinstance(module, Quantizer):
            found[str(node.target)] = module
        elif node.op == "placeholder" or is_matrix_layer(module):
            raise TracingError(
                f"layer {layer!r} reads {str(node.target)!r} without a quantizer between them: "
                "put an UnsignedQuantizer before the layer"
            )
    if len({id(getattr(quantizer, "step", quantizer)) for quantizer in found.values()}) != 1:
        raise TracingError(
            f"layer {layer!r} must be fed by one step, not by those of {sorted(found)}"
        )
    return min(found)


def nodes_between(model: nn.Module, graph: fx.Graph, layer: str) -> list[fx.Node]:
    """Return the nodes between the matrix layer ``layer`` (a path) and its feeding quantizers."""
    ends = (Quantizer, nn.Conv2d, nn.Linear)
    return [
        node for node in _feeding(model, graph, layer) if not isinstance(_module(model, node), ends)
    ]


def _feeding(model: nn.Module, graph: fx.Graph, layer: str) -> list[fx.Node]:
    """Every node from the matrix layer ``layer`` back to quantizers and layers, inclusive."""
    waiting = [
        source
        for call in graph.nodes
        if call.op == "call_module" and call.target == layer
        for source in call.all_input_nodes
    ]
    seen: list[fx.Node] = []
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.append(node)
        module = _module(model, node)
        if not isinstance(module, Quantizer) and not is_matrix_layer(module):
            waiting.extend(node.all_input_nodes)
    return seen


def _reaches_output(model: nn.Module, start: fx.Node) -> bool:
    """Whether a path from ``start`` to the output passes no quantizer and no matrix layer."""
    waiting, seen = list(start.users), set()
    while waiting:
        node = waiting.pop()
        module = _module(model, node)
        if node in seen or isinstance(module, Quantizer) or is_matrix_layer(module):
            continue
        if node.op == "output":
            return True
        seen.add(node)
        waiting.extend(node.users)
    return False


def _module(model: nn.Module, node: fx.Node) -> nn.Module:
    """Return the module a node calls; an empty one for any other node."""
    return model.get_submodule(str(node.target)) if node.op == "call_module" else nn.Identity()
