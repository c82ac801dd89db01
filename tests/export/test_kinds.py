from __future__ import annotations

from export.kinds import NODE_KINDS
from export.requantize import Requantize
from tests.export.networks import chain, residual


def test_every_kind_of_node_is_registered() -> None:
    nodes = (*chain().nodes, *residual().nodes)
    kinds = {node.kind: type(node) for node in nodes}
    assert {**kinds, Requantize.kind: Requantize} == NODE_KINDS
