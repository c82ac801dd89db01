"""A few frames that reach what faults hide in: thresholds met and missed by one, ends of sums,
every class.

Frames are drawn at random until nothing new is reached, and the fewest that reach it all are kept,
greedily.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from tritforge.export.ir.nodes import ArgMax, Bias, Network, Threshold
from tritforge.sim.reference import run
from tritforge.types import IntArray

__all__ = ["covering_frames", "reached", "spread"]

CANDIDATES = 20_000


def candidates(network: Network, seed: int) -> IntArray:
    """Frames of all kinds [N, H, W, C]: uniform, of few values, sparse, and the same in every
    pixel."""
    rng = np.random.default_rng(seed)
    lowest, highest = network.input.dtype.minimum, network.input.dtype.maximum
    shape = (CANDIDATES // 5, *network.input.shape)
    uniform = rng.integers(lowest, highest + 1, size=shape)
    share = rng.random((shape[0], 1, 1, 1))
    extreme = np.where(rng.random(shape) < share, highest, lowest)
    sparse = np.where(rng.random(shape) < share / 4, uniform, 0)
    single = np.broadcast_to(uniform[:, :1, :1], shape)
    mixed = np.where(rng.random(shape) < share, single, extreme)
    return np.asarray(np.concatenate([uniform, extreme, sparse, single, mixed]), dtype=np.int64)


def spread(network: Network, seed: int = 0) -> Network:
    """Return the network with thresholds and biases in the middle of what its sums come to.

    Random ones are often out of reach, and a fault that no frame can show is none.
    """
    drawn = candidates(network, seed)
    for name in [node.name for node in network.nodes if isinstance(node, Threshold | Bias)]:
        node = next(node for node in network.nodes if node.name == name)
        sums = run(network, drawn, keep={node.inputs[0]})[node.inputs[0]]
        sums = sums.reshape(-1, sums.shape[3])  # [N, C]
        if isinstance(node, Threshold):
            levels = node.thresholds.shape[1]
            shares = np.arange(1, levels + 1) / (levels + 1)
            values = np.quantile(sums, shares, axis=0).astype(np.int64) + np.arange(levels)[:, None]
            node = dataclasses.replace(node, thresholds=values.T)
        elif isinstance(node, Bias):
            node = dataclasses.replace(node, bias=-np.median(sums, axis=0).astype(np.int64))
        nodes = tuple(node if old.name == name else old for old in network.nodes)
        network = Network(network.name, network.input, nodes)
    return network


def reached(network: Network, frames: IntArray) -> dict[str, npt.NDArray[np.bool_]]:
    """Which frame [N] reaches what, by a name for each thing that some frame reaches."""
    tensors, found = run(network, frames), {}
    for node in network.nodes:
        sums = tensors[node.inputs[0]]
        if isinstance(node, Threshold):
            for channel, level in np.ndindex(*node.thresholds.shape):
                for below in (0, 1):
                    met = sums[..., channel] == node.thresholds[channel, level] - below
                    found[f"{node.name} {channel} {level} {-below}"] = met.any(axis=(1, 2))
        if isinstance(node, Threshold | Bias):
            ends = {"least": sums.min(axis=(1, 2)), "greatest": sums.max(axis=(1, 2))}  # [N, C]
            for name, values in ends.items():
                end = values.min(axis=0) if name == "least" else values.max(axis=0)
                for channel in range(values.shape[1]):
                    found[f"{node.name} {channel} {name}"] = values[:, channel] == end[channel]
        if isinstance(node, ArgMax):
            top = np.sort(sums.reshape(len(frames), -1), axis=1)[:, -2:]
            for label in range(sums.shape[3]):
                mine = tensors[node.name].reshape(-1) == label
                found[f"class {label}"] = mine
                found[f"class {label}, tied"] = mine & (top[:, 0] == top[:, 1])
    return {name: which for name, which in found.items() if which.any()}


def covering_frames(network: Network, seed: int = 0) -> IntArray:
    """Frames [N, H, W, C] that together reach everything that any of many random ones does."""
    drawn = candidates(network, seed)
    open_ = np.stack(list(reached(network, drawn).values()), axis=1)  # [N, things]
    chosen = []
    while open_.shape[1]:
        best = int(open_.sum(axis=1).argmax())
        chosen.append(best)
        open_ = open_[:, ~open_[best]]
    return drawn[chosen]
