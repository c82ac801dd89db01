"""What lowering understands: a handler for each module, a module for each function.

Handlers register themselves here (``tritforge.export.lowering.layers``), with the names of what
they come nearest to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from torch import fx, nn

from tritforge.registry import Registry

__all__ = [
    "FUNCTIONS",
    "HANDLERS",
    "Supported",
    "handler_of",
    "lowers",
    "nearest",
    "supported",
    "written_as",
]

Handler = Callable[..., Any]
"""(lowering, step, value of each input ...) -> value (``Value`` of ``lowering.segment``)."""

Maker = Callable[[nn.Module, fx.Node], "nn.Module | None"]
"""(model, node of a function or method) -> module that does the same, None where there is none."""

_Registered = TypeVar("_Registered", Handler, Maker)


@dataclass(frozen=True)
class Supported:
    """A handler of modules, or a maker of modules from functions.

    Parameters
    ----------
    call: the function itself.
    shown: what messages call the modules or functions; none where another entry names them.
    inputs: tensors that a function takes; None where that is any number.
    nearest: supported form, and names of unsupported classes or functions that it is nearest to.
    once: whether the model must not call such a module more than once.
    anywhere: whether it may read the model's input itself, whose value is None.
    """

    call: Callable[..., Any]
    shown: tuple[str, ...]
    inputs: int | None = None
    nearest: Mapping[str, Sequence[str]] = field(default_factory=dict)
    once: bool = False
    anywhere: bool = False


HANDLERS: Registry[type[nn.Module], Supported] = Registry(
    "lowering of", "tritforge.export.lowering"
)
"""By class of the module, for its subclasses too."""

FUNCTIONS: Registry[Any, Supported] = Registry("module for", "tritforge.export.lowering")
"""By function, or name of the method, as torch.fx records it."""


def lowers(
    *kinds: type[nn.Module],
    shown: Sequence[str] | None = None,
    nearest: Mapping[str, Sequence[str]] | None = None,
    once: bool = False,
    anywhere: bool = False,
) -> Callable[[_Registered], _Registered]:
    """Register the decorated handler for modules of these classes."""

    def register(function: _Registered) -> _Registered:
        names = tuple(kind.__name__ for kind in kinds) if shown is None else tuple(shown)
        entry = Supported(function, names, nearest=nearest or {}, once=once, anywhere=anywhere)
        HANDLERS.register(*kinds)(entry)
        return function

    return register


def written_as(
    *targets: Any, shown: Sequence[str] | None = None, inputs: int | None = 1
) -> Callable[[_Registered], _Registered]:
    """Register the decorated maker of a module for these functions and names of methods."""

    def register(function: _Registered) -> _Registered:
        names = [target if isinstance(target, str) else target.__name__ for target in targets]
        entry = Supported(function, tuple(names if shown is None else shown), inputs)
        FUNCTIONS.register(*targets)(entry)
        return function

    return register


def handler_of(module: nn.Module) -> Supported | None:
    """Return what handles a module's class or its nearest base class; None if nothing does."""
    kinds = (kind for kind in type(module).__mro__ if kind in HANDLERS)
    return next((HANDLERS[kind] for kind in kinds), None)


def supported() -> str:
    """Return the modules and functions that lowering understands, for messages."""
    modules, functions = (
        sorted({name for entry in entries.values() for name in entry.shown}, key=str.lower)
        for entries in (HANDLERS, FUNCTIONS)
    )
    return f"{', '.join(modules)}, and {', '.join(functions)} as functions"


def nearest(kinds: Sequence[str]) -> str | None:
    """Return the supported form nearest to the first known class or function named in ``kinds``.

    >>> nearest(["ReLU6", "Hardtanh"])
    'an UnsignedQuantizer, or a SignedQuantizer where the sign counts'
    """
    forms = {
        name: form
        for entry in HANDLERS.values()
        for form, names in entry.nearest.items()
        for name in names
    }
    return next((forms[kind] for kind in kinds if kind in forms), None)
