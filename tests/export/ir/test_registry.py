from __future__ import annotations

from tests.export.networks import chain, residual
from tritforge.export.ir.registry import NODE_KINDS
from tritforge.export.ir.requantize import Requantize


def test_every_kind_of_node_is_registered() -> None:
    nodes = (*chain().nodes, *residual().nodes)
    kinds = {node.kind: type(node) for node in nodes}
    assert {**kinds, Requantize.kind: Requantize} == NODE_KINDS
