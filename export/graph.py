"""The graph of a torch model as a chain of modules: what ``export.lower`` walks.

torch.fx records modules, functions and methods. Here a function or method becomes the module that does the
same (``torch.flatten(x, 1)`` an ``nn.Flatten``), so that lowering knows modules alone. This file and
``export.lower`` are the only ones of ``export`` that import torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn
from torch.nn.utils import parametrize

__all__ = ["SUPPORTED", "ClassArgMax", "LoweringError", "Step", "read_steps"]

SUPPORTED = (
    "UnsignedQuantizer, SignedQuantizer, TernaryActivation, Conv2d, Linear, BatchNorm1d, BatchNorm2d, ReLU, "
    "MaxPool2d, Flatten, Dropout, Identity, and relu, max_pool2d, flatten, dropout and argmax as functions"
)
"""The modules and functions that lowering understands, for messages."""


class LoweringError(ValueError):
    """A model that has no integer form here; the message names the module by its path in the model."""


@dataclass(frozen=True)
class Step:
    """One operation of the graph as a module, also where the model calls a function.

    Parameters
    ----------
    module: what computes it.
    name: the name it would like as a node.
    where: how messages call it.
    path: its path in the model; None if it is no module of the model.
    """

    module: nn.Module
    name: str
    where: str
    path: str | None

    def refuse(self, reason: str) -> LoweringError:
        """Return the error that says why this step cannot be lowered."""
        return LoweringError(f"{self.where}: {reason}")


class ClassArgMax(nn.Module):
    """Stands for torch.argmax over the classes."""


def read_steps(model: nn.Module, graph: fx.Graph) -> list[Step]:
    """Return the operations between the model's one input and its one output, in order.

    Raises
    ------
    LoweringError: several inputs or outputs, a branch, or an operation that is not supported.
    """
    forward = f"{type(model).__name__}.forward"
    inputs = [node for node in graph.nodes if node.op == "placeholder"]
    if len(inputs) != 1:
        raise LoweringError(f"{forward} must take one input, not {len(inputs)}")
    steps: list[Step] = []
    node, where = inputs[0], "the input"
    while True:
        if len(node.users) != 1:
            raise LoweringError(
                f"{where}: its result is used {len(node.users)} times, only a chain is supported"
            )
        node = next(iter(node.users))
        if node.op == "output":
            if not isinstance(node.args[0], fx.Node):
                raise LoweringError(f"{forward} must return one tensor")
            return steps
        where = _where(model, node)
        steps.append(_read_step(model, node, where))


def _read_step(model: nn.Module, node: fx.Node, where: str) -> Step:
    if node.op == "call_module" and len(node.args) + len(node.kwargs) == 1:
        path = str(node.target)
        return Step(model.get_submodule(path), path.replace(".", "_"), where, path)
    module = _as_module(node) if len(node.all_input_nodes) == 1 else None
    if module is None:
        raise LoweringError(f"{where}: not supported here; supported are {SUPPORTED}")
    return Step(module, node.name, where, None)


def _where(model: nn.Module, node: fx.Node) -> str:
    """Describe a node of the graph to the person who wrote the model."""
    if node.op == "call_module":
        module = model.get_submodule(str(node.target))
        # Parametrization makes a subclass on the fly; the person knows the class it derives from.
        kind = type(module).__bases__[0] if parametrize.is_parametrized(module) else type(module)
        return f"module {str(node.target)!r} ({kind.__name__})"
    operation = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", node.name)
    stack = list(node.meta.get("nn_module_stack", {}))
    owner = f"module {stack[-1]!r}" if stack and stack[-1] else f"{type(model).__name__}.forward"
    return f"operation {operation!r} in {owner}"


def _as_module(node: fx.Node) -> nn.Module | None:
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
    return None
