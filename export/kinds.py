"""Every kind of node of the integer contract, by the name that files and messages use."""

from __future__ import annotations

from export.ir import ArgMax, Bias, Convolution, Dense, Flatten, MaxPool, Node, Threshold
from export.pools import SumPool, TopK
from export.requantize import Requantize
from export.residual import Add, Shortcut

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
