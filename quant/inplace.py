"""Operations that change a tensor in place, in a traced graph.

torch.fx records what a function returns, not what it changes: in ``z = x; z += y`` it takes ``z``
for a new tensor, and a later read of ``x`` for the old one. Here an in-place operation becomes the
one that makes a new tensor, and whatever reads the changed tensor afterwards reads that. Where the
change is seen through another view of the same memory, the model is refused.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from typing import Any

from torch import fx, nn

from tritforge.errors import UserError

__all__ = ["InPlaceError", "InPlaceProxy", "without_in_place"]


class InPlaceError(UserError):
    """A change in place that is read through another view of the same memory."""


OPERATORS: dict[Any, Any] = {
    getattr(operator, f"i{name}"): getattr(operator, name)
    for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
}
"""The operator of ``+=`` and the like -> that of ``+``."""

_VIEWS = """
    view view_as reshape reshape_as flatten unflatten ravel squeeze unsqueeze transpose t permute
    swapaxes swapdims movedim moveaxis expand expand_as broadcast_to narrow select diagonal unfold
    chunk split tensor_split unbind getitem detach contiguous to type float double half identity
    as_strided adjoint dropout dropout2d feature_dropout alpha_dropout
"""

VIEWS = frozenset(_VIEWS.split())
"""Functions and methods that may return the memory they were given."""

VIEW_MODULES = (nn.Identity, nn.Flatten, nn.Unflatten, nn.modules.dropout._DropoutNd)
"""Modules that do; dropout in evaluation is the identity."""


class InPlaceProxy(fx.Proxy):
    """A proxy that records ``x += y`` as it is; torch.fx takes it for ``x = x + y``."""

    def __getattr__(self, name: str) -> fx.proxy.Attribute:
        """Return what stands for an attribute (``x.data``, ``x.mT``) or a method."""
        return _InPlaceAttribute(self, name)


class _InPlaceAttribute(fx.proxy.Attribute, InPlaceProxy):
    pass


def _recorded(target: Any) -> Callable[[fx.Proxy, Any], fx.Proxy]:
    def record(self: fx.Proxy, other: Any) -> fx.Proxy:
        return self.tracer.create_proxy("call_function", target, (self, other), {})

    return record


for _target in OPERATORS:
    setattr(InPlaceProxy, f"__{_target.__name__}__", _recorded(_target))


def without_in_place(model: nn.Module, graph: fx.Graph) -> None:
    """Rewrite ``graph`` of ``model`` so that nothing is changed in place.

    Raises
    ------
    InPlaceError: the changed tensor is read afterwards through another view of its memory,
        or nothing reads the result, so that the change is seen elsewhere or nowhere.
    """
    changed: list[tuple[fx.Node, str]] = []
    memory: dict[fx.Node, fx.Node] = {}  # of a node that may share it, the one that allocated it
    position = {node: index for index, node in enumerate(graph.nodes)}
    for node in list(graph.nodes):
        source = _first(node)
        changes = source is not None and _changes(model, node)
        shares = source is not None and (changes or _is_view(model, node))
        memory[node] = memory[source] if shares and source is not None else node
        if source is None and node.op in ("call_function", "call_method") and _in_place(node):
            raise _unfollowed(model, _called(node))  # of a list of tensors
        if not changes or source is None:
            continue
        changed.append((node, _called(node)))
        for other in [other for other in memory if memory[other] is memory[node]]:
            if other is node:
                continue
            later = [user for user in other.users if position[user] > position[node]]
            if later and other is not source:
                raise InPlaceError(
                    f"{_called(node)} in {type(model).__name__}.forward changes "
                    f"{source.name!r} in place, and {_called(later[0])} reads the same memory "
                    f"afterwards as {other.name!r}: make a new tensor instead, as in z = x + y"
                )
            for user in later:
                user.replace_input_with(other, node)
        node.target = OPERATORS.get(node.target, node.target)
        node.kwargs = {name: value for name, value in node.kwargs.items() if name != "out"}
    for node, called in changed:
        if not node.users:  # what nobody reads was done for its effect on memory unknown here
            raise _unfollowed(model, called)


def _unfollowed(model: nn.Module, called: str) -> InPlaceError:
    return InPlaceError(
        f"{called} in {type(model).__name__}.forward changes a tensor in place, and nothing reads "
        "its result: make a new tensor instead, as in z = x + y"
    )


def _first(node: fx.Node) -> fx.Node | None:
    """The tensor that an operation would change: ``out``, or its first argument."""
    given = [*node.args, *node.kwargs.values()]
    first = node.kwargs.get("out", given[0] if given else None)
    return first if isinstance(first, fx.Node) and node.op != "output" else None


def _name(node: fx.Node) -> str:
    return node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")


def _called(node: fx.Node) -> str:
    return repr(str(node.target) if node.op == "call_module" else _name(node))


def _changes(model: nn.Module, node: fx.Node) -> bool:
    """Whether the operation changes its first argument."""
    if node.op == "call_module":
        module = model.get_submodule(str(node.target))
        return bool(getattr(module, "inplace", False)) and not isinstance(module, VIEW_MODULES)
    if node.op not in ("call_function", "call_method"):
        return False
    return _in_place(node)


def _in_place(node: fx.Node) -> bool:
    """Whether a function or method changes what it is given."""
    name = _name(node)
    return (
        node.target in OPERATORS
        or (name.endswith("_") and not name.endswith("__"))
        or "out" in node.kwargs
        or _asked_in_place(node)
    )


def _asked_in_place(node: fx.Node) -> bool:
    """Whether a function is called with ``inplace=True``, by name or by position."""
    try:
        given = inspect.signature(node.target).bind(*node.args, **node.kwargs)  # type: ignore[arg-type]
    except (TypeError, ValueError):  # a method, or a function without a signature
        return False
    return given.arguments.get("inplace") is True


def _is_view(model: nn.Module, node: fx.Node) -> bool:
    """Whether the result may share the memory of the first argument."""
    if node.op == "call_module":
        return isinstance(model.get_submodule(str(node.target)), VIEW_MODULES)
    return node.op in ("call_function", "call_method") and _name(node) in VIEWS
