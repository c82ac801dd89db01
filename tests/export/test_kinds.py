from __future__ import annotations

from export.kinds import NODE_KINDS
from tests.export.networks import chain, residual


def test_every_kind_of_node_is_registered() -> None:
    nodes = (*chain().nodes, *residual().nodes)
    assert {node.kind: type(node) for node in nodes} == NODE_KINDS
