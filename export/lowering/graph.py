"""The graph of a torch model as steps, each a module; the input of ``lower``.

torch.fx records modules, functions and methods. Here a function or method becomes the module that
does the same (``torch.flatten(x, 1)`` an ``nn.Flatten``), so that lowering knows modules alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import fx, nn
from torch.nn.utils import parametrize

from tritforge.errors import UserError
from tritforge.export.lowering.supported import FUNCTIONS, nearest, supported

__all__ = ["ClassArgMax", "LoweringError", "Step", "read_steps"]


class LoweringError(UserError):
    """A model that has no integer form; the message names the module by its path."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One operation of the graph as a module, also where the model calls a function.

    Parameters
    ----------
    module: what computes it.
    name: the name it would like as a node.
    where: how messages call it.
    path: its path in the model; None if it is no module of the model.
    inputs: positions of the steps whose results it reads; -1 is the model's input.
    uses: how many steps read its result, the model's output among them.
    """

    module: nn.Module
    name: str
    where: str
    path: str | None
    inputs: tuple[int, ...]
    uses: int

    def refuse(self, reason: str) -> LoweringError:
        """Return the error that says why this step cannot be lowered."""
        return LoweringError(f"{self.where}: {reason}")

    def unsupported(self) -> LoweringError:
        """Return the error for a kind of step that lowering does not know, and what it accepts."""
        kind = type(self.module)
        if parametrize.is_parametrized(self.module):
            kind = kind.__bases__[0]
        return self.refuse(_unsupported([base.__name__ for base in kind.__mro__]))


class ClassArgMax(nn.Module):
    """A module in place of ``torch.argmax`` along ``dim``."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim


def read_steps(model: nn.Module, graph: fx.Graph) -> list[Step]:
    """Return the operations between the model's one input and one output, in topological order.

    Raises
    ------
    LoweringError: several inputs or outputs, or an operation that is not supported.
    """
    forward = f"{type(model).__name__}.forward"
    inputs = [node for node in graph.nodes if node.op == "placeholder"]
    if len(inputs) != 1:
        raise LoweringError(f"{forward} must take one input, not {len(inputs)}")
    output = next(node for node in graph.nodes if node.op == "output")
    if not isinstance(output.args[0], fx.Node):
        raise LoweringError(f"{forward} must return one tensor")
    needed = _ancestors(output)
    nodes = [
        node
        for node in graph.nodes
        if node in needed and node.op not in ("placeholder", "get_attr")
    ]
    position = {inputs[0]: -1} | {node: index for index, node in enumerate(nodes)}
    reached = {*needed, output}
    return [
        _read_step(model, node, position, sum(user in reached for user in node.users))
        for node in nodes
    ]


def _ancestors(output: fx.Node) -> set[fx.Node]:
    """Every node that the output depends on."""
    found: set[fx.Node] = set()
    waiting = list(output.all_input_nodes)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting.extend(node.all_input_nodes)
    return found


def _read_step(model: nn.Module, node: fx.Node, position: dict[fx.Node, int], uses: int) -> Step:
    where = _where(model, node)
    if (
        node.op == "call_module"
        and len(node.args) + len(node.kwargs) == len(node.all_input_nodes) == 1
    ):
        path = str(node.target)
        inputs = (position[node.all_input_nodes[0]],)
        module = model.get_submodule(path)
        return Step(
            module=module,
            name=path.replace(".", "_"),
            where=where,
            path=path,
            inputs=inputs,
            uses=uses,
        )
    tensors: list[fx.Node] = []
    fx.map_arg((node.args, node.kwargs), tensors.append)
    made = _as_module(model, node, len(tensors))
    if made is None or any(tensor.op == "get_attr" for tensor in tensors):
        raise LoweringError(f"{where}: {_unsupported([_operation(node)])}")
    return Step(
        module=made,
        name=f"{_owner(node)}.{_operation(node)}".lstrip(".").replace(".", "_"),
        where=where,
        path=None,
        inputs=tuple(position[tensor] for tensor in tensors),
        uses=uses,
    )


def _unsupported(kinds: Sequence[str]) -> str:
    form = nearest(kinds)
    return f"not supported{f'; nearest is {form}' if form else ''}; supported are {supported()}"


def _operation(node: fx.Node) -> str:
    return (
        node.target if isinstance(node.target, str) else getattr(node.target, "__name__", node.name)
    )


def _owner(node: fx.Node) -> str:
    """The path of the module whose forward calls the node's function; "" for the model's own."""
    return str((list(node.meta.get("nn_module_stack", {})) or [""])[-1])


def _where(model: nn.Module, node: fx.Node) -> str:
    """Describe a node of the graph to the person who wrote the model."""
    if node.op == "call_module":
        module = model.get_submodule(str(node.target))
        # Parametrization makes a subclass on the fly; the person knows the class it derives from.
        kind = type(module).__bases__[0] if parametrize.is_parametrized(module) else type(module)
        return f"module {str(node.target)!r} ({kind.__name__})"
    place = f"module {_owner(node)!r}" if _owner(node) else f"{type(model).__name__}.forward"
    return f"operation {_operation(node)!r} in {place}"


def _as_module(model: nn.Module, node: fx.Node, inputs: int) -> nn.Module | None:
    """Return the module that does what a function or method call does; None if we know none."""
    known = FUNCTIONS.get(node.target) if node.op != "call_module" else None
    if known is None or known.inputs not in (None, inputs):
        return None
    made: nn.Module | None = known.call(model, node)
    return made
