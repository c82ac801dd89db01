"""Slightly changed networks, to price more zeros or another activation bit.

They are derived from the integers and not trained: their price is real, their accuracy unknown.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import IRError, MatrixNode, Network, Node, Threshold
from tritforge.types import IntArray

__all__ = ["another_bit", "more_zeros"]


def more_zeros(network: Network, share: float, seed: int = 0) -> Network:
    """Return ``network`` with ``share`` of the weights of each layer changed from nonzero to 0.

    >>> from tritforge.export.ir.nodes import Dense, TensorType
    >>> dense = Dense(name="d", input="input", planes=np.ones((1, 2, 8), np.int8))
    >>> network = Network("n", TensorType(1, 1, 8, DataType(2, signed=False)), (dense,))
    >>> int((more_zeros(network, 0.25).nodes[0].planes == 0).sum())
    4

    Raises
    ------
    ValueError: ``share`` is not in 0..1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share must be in 0..1, not {share!r}")
    numbers = np.random.default_rng(seed)
    nodes: list[Node] = []
    for node in network.nodes:
        if isinstance(node, MatrixNode):
            planes = node.planes.copy()
            flat = planes.reshape(-1)
            weights = np.flatnonzero(flat)
            count = min(len(weights), round(share * flat.size))
            flat[numbers.choice(weights, count, replace=False)] = 0
            nodes.append(replace(node, planes=planes))
        else:
            nodes.append(node)
    return replace(network, nodes=tuple(nodes))


def another_bit(network: Network, bits: int) -> Network | None:
    """Return ``network`` with ``bits`` more (or fewer) bits in each MultiThreshold activation.

    A bit less keeps every second threshold; a bit more puts one between each two. None where the
    other layers do not take the new types, or a width leaves 1..8 bits.
    """
    nodes: list[Node] = []
    for node in network.nodes:
        if not isinstance(node, Threshold):
            nodes.append(node)
            continue
        width = node.output.bits + bits
        if not 1 <= width <= 8:
            return None
        levels = node.thresholds
        for _ in range(-bits):
            levels = levels[:, 1::2]
        for _ in range(bits):
            levels = _between(levels)
        nodes.append(
            replace(node, thresholds=levels, output=DataType(width, signed=node.output.signed))
        )
    try:
        return replace(network, nodes=tuple(nodes))
    except IRError:
        return None


def _between(levels: IntArray) -> IntArray:
    """Thresholds [C, 2 L + 1] with those of ``levels`` [C, L] at the odd places."""
    middle = (levels[:, 1:] + levels[:, :-1]) // 2
    first, last = levels[:, :1] - 1, levels[:, -1:] + 1
    result = np.empty((levels.shape[0], 2 * levels.shape[1] + 1), dtype=levels.dtype)
    result[:, 1::2] = levels
    result[:, ::2] = np.hstack([first, middle, last])
    return result
