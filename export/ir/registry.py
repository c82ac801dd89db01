"""Every kind of node of the integer contract, by the name that files and messages use."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from tritforge.registry import Registry

if TYPE_CHECKING:
    from tritforge.export.ir.nodes import Node

__all__ = ["NODE_KINDS", "node_kind"]

NODE_KINDS: Registry[str, type[Node]] = Registry("node kind", "tritforge.export.ir")
"""Classes of nodes by their ``kind``."""

_Kind = TypeVar("_Kind", bound="type[Node]")


def node_kind(cls: _Kind) -> _Kind:
    """Register a class of nodes under its ``kind``; files save and load it by its fields' types."""
    return NODE_KINDS.register(cls.kind)(cls)
