"""The hierarchy of a netlist from Yosys' ``write_json``: each instance and its own cells.

Synthesis does not flatten, so a module is read once and counted for each of its instances.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

__all__ = ["REST", "layers_of", "outermost", "readable", "walk"]

REST = "rest"
"""Name of the group of every cell that belongs to no named layer."""

T = TypeVar("T")


def walk(
    netlist: Mapping[str, Any],
    top: str,
    measure: Callable[[str, Mapping[str, Any], Mapping[str, Any]], T],
) -> tuple[tuple[str, str, T], ...]:
    """List every instance from ``top`` down as (path, module, result of ``measure``).

    Parents come first.

    A path is dotted below the top, whose own is empty. ``measure`` gets the readable name of a
    module, its primitive cells by name, and the whole module, once for each module.

    Raises
    ------
    KeyError: no module ``top``.
    """
    modules = netlist["modules"]
    if top not in modules:
        raise KeyError(top)
    measured: dict[str, T] = {}
    children: dict[str, list[tuple[str, str]]] = {}

    def visit(module: str) -> None:
        if module in measured:
            return
        cells = modules[module]["cells"]
        children[module] = sorted(
            (name, c["type"]) for name, c in cells.items() if _is_design(modules, c)
        )
        leaves = {name: c for name, c in cells.items() if not _is_design(modules, c)}
        measured[module] = measure(readable(module), leaves, modules[module])
        for _, child in children[module]:
            visit(child)

    visit(top)
    found: list[tuple[str, str, T]] = []

    def list_instances(path: str, module: str) -> None:
        found.append((path, readable(module), measured[module]))
        for name, child in children[module]:
            list_instances(f"{path}.{name}" if path else name, child)

    list_instances("", top)
    return tuple(found)


def _is_design(modules: Mapping[str, Any], cell: Mapping[str, Any]) -> bool:
    """Whether ``cell`` instantiates a module of the design, not a primitive of the library."""
    attributes = modules.get(cell["type"], {}).get("attributes", {"blackbox": 1})
    return not ("blackbox" in attributes or "whitebox" in attributes)


def readable(module: str) -> str:
    """Source name of a module that Yosys specialised: ``$paramod\\rom\\DEPTH=...`` is ``rom``."""
    return module.split("\\")[1] if module.startswith("$paramod") else module


def outermost(paths: Iterable[str], names: Iterable[str]) -> dict[str, str]:
    """The path of the outermost instance with each name; names without instance are left out."""
    found: dict[str, str] = {}
    for path in sorted(paths, key=lambda path: path.count(".")):
        found.setdefault(path.rpartition(".")[2], path)
    return {name: found[name] for name in names if name in found}


def layers_of(paths: Iterable[str], groups: Mapping[str, str]) -> dict[str, str]:
    """By path, the name of the group it is in, or REST; ``groups`` has the path of each."""
    by_path = {path: name for name, path in groups.items()}
    owners = {}
    for path in paths:
        above = path
        while above and above not in by_path:
            above = above.rpartition(".")[0]
        owners[path] = by_path.get(above, REST)
    return owners
