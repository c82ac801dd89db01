"""Every kind of node of the integer contract, by the name that files and messages use."""

from __future__ import annotations

from tritforge.export.ir.nodes import (
    ArgMax,
    Bias,
    Convolution,
    Dense,
    Flatten,
    MaxPool,
    Node,
    Threshold,
)
from tritforge.export.ir.pools import SumPool, TopK
from tritforge.export.ir.requantize import Requantize
from tritforge.export.ir.residual import Add, Shortcut

__all__ = ["NODE_KINDS"]

NODE_KINDS: dict[str, type[Node]] = {
    node.kind: node
    for node in (
        Convolution,
        Dense,
        Threshold,
        Requantize,
        Bias,
        MaxPool,
        SumPool,
        Add,
        Shortcut,
        Flatten,
        ArgMax,
        TopK,
    )
}
