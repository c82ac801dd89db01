"""The graph of a torch model as steps, each a module: what ``tritforge.export.lowering.lower`` walks.

torch.fx records modules, functions and methods. Here a function or method becomes the module that does the
same (``torch.flatten(x, 1)`` an ``nn.Flatten``), so that lowering knows modules alone.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn
from torch.nn.utils import parametrize

from tritforge.errors import UserError
from tritforge.export.lowering.supported import SUPPORTED, nearest
from tritforge.quant.pooling import average_of

__all__ = ["ChannelPad", "ClassArgMax", "LoweringError", "Step", "Subsample", "Sum", "read_steps"]


class LoweringError(UserError):
    """A model that has no integer form here; the message names the module by its path in the model."""


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
        """Return the error for a kind of step that lowering does not know, with what would be accepted."""
        kind = type(self.module)
        if parametrize.is_parametrized(self.module):
            kind = kind.__bases__[0]
        return self.refuse(_unsupported([base.__name__ for base in kind.__mro__]))


class ClassArgMax(nn.Module):
    """Stands for torch.argmax over the classes."""


class Sum(nn.Module):
    """The sum of two branches."""

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Return [N, C, H, W]."""
        return left + right


class Subsample(nn.Module):
    """Every stride-th pixel from the first: x[:, :, ::vertical, ::horizontal].

    Parameters
    ----------
    stride: (vertical, horizontal), positive.
    """

    def __init__(self, stride: tuple[int, int]) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Return the pixels that are kept."""
        return x[:, :, :: self.stride[0], :: self.stride[1]]


class ChannelPad(nn.Module):
    """Channels of 0 ``before`` and ``after`` those of the input."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.before, self.after = before, after

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, before + C + after, H, W]."""
        return F.pad(x, (0, 0, 0, 0, self.before, self.after))


def read_steps(model: nn.Module, graph: fx.Graph) -> list[Step]:
    """Return the operations on the way from the model's one input to its one output, each after its inputs.

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
    tensors = _summands(node) or tuple(node.all_input_nodes)
    made = Sum() if _summands(node) else _as_module(model, node) if len(tensors) == 1 else None
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
    return f"not supported{f'; nearest is {form}' if form else ''}; supported are {SUPPORTED}"


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


def _summands(node: fx.Node) -> tuple[fx.Node, ...]:
    """The two tensors that ``node`` adds, which may be one and the same; none if it is no such sum."""
    if node.target not in (operator.add, operator.iadd, torch.add, "add", "add_") or node.kwargs:
        return ()
    tensors = tuple(argument for argument in node.args if isinstance(argument, fx.Node))
    return tensors if len(tensors) == len(node.args) == 2 else ()


def _as_module(model: nn.Module, node: fx.Node) -> nn.Module | None:
    """Return the module that does what a function or method call does; None if we know none."""

    def options(*names: str) -> dict[str, Any]:
        """The arguments after the tensor, by name."""
        return dict(zip(names, node.args[1:], strict=False)) | {
            name: value for name, value in node.kwargs.items() if name in names
        }

    if node.target in (F.relu, torch.relu, "relu"):
        return nn.ReLU()
    if node.target is F.dropout and options("p", "training").get("training") is False:
        return nn.Identity()
    if node.target in (torch.flatten, "flatten"):
        chosen = {"start_dim": 0, "end_dim": -1} | options("start_dim", "end_dim")
        return nn.Flatten(**chosen)
    if node.target in (F.max_pool2d, torch.max_pool2d):
        return nn.MaxPool2d(**options("kernel_size", "stride", "padding", "dilation", "ceil_mode"))
    if node.target in (torch.argmax, "argmax") and options("dim", "keepdim").get("dim") in (1, -1):
        return ClassArgMax()
    if node.target is operator.getitem:
        return _thinned(node.args[1])
    if (
        node.target is F.pad
        and options("pad", "mode", "value").get("mode", "constant") == "constant"
    ):
        return _zero_channels(**options("pad", "mode", "value"))
    return average_of(model, node)


def _thinned(index: Any) -> nn.Module | None:
    """The module for x[:, :, ::v, ::h]."""
    whole = slice(None)
    if not isinstance(index, tuple) or len(index) != 4 or index[:2] != (whole, whole):
        return None
    strides = []
    for part in index[2:]:
        if not isinstance(part, slice) or part.start not in (None, 0) or part.stop is not None:
            return None
        strides.append(1 if part.step is None else part.step)
    return (
        Subsample((strides[0], strides[1]))
        if all(isinstance(s, int) and s > 0 for s in strides)
        else None
    )


def _zero_channels(
    pad: Any, mode: str = "constant", value: float | None = None
) -> nn.Module | None:
    """The module for a padding of the channels with zeros."""
    if not isinstance(pad, (tuple, list)) or len(pad) != 6 or any(pad[:4]) or value:
        return None
    before, after = pad[4:]
    return ChannelPad(before, after) if min(before, after) >= 0 else None
