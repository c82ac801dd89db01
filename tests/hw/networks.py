"""Small random networks for tests of the generator."""

from __future__ import annotations

import numpy as np

from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import (
    ArgMax,
    Bias,
    Convolution,
    Dense,
    Flatten,
    Network,
    TensorType,
    Threshold,
)
from tritforge.export.ir.pools import MaxPool
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.engines.skip.folding import SkipFolding

U2 = DataType.parse("u2")


def convolutional(seed=0, *, name="sample"):
    """Convolution with padding, pooling, convolution with stride, dense, bias, arg max; 6x6x2
    images."""
    rng = np.random.default_rng(seed)

    def trits(*shape):
        return rng.integers(-1, 2, size=shape).astype(np.int8)

    def thresholds(channels, spread):
        return np.sort(rng.integers(-spread, spread, size=(channels, 3)), axis=1)

    nodes = (
        Convolution(name="conv1", input="input", planes=trits(1, 4, 2, 3, 3), padding=(1, 1)),
        Threshold(name="act1", input="conv1", thresholds=thresholds(4, 20), output=U2),
        MaxPool(name="pool1", input="act1", size=(2, 2)),
        Convolution(name="conv2", input="pool1", planes=trits(1, 6, 4, 2, 2), stride=(1, 1)),
        Threshold(name="act2", input="conv2", thresholds=thresholds(6, 8), output=U2),
        Flatten(name="flatten", input="act2"),
        Dense(name="classifier", input="flatten", planes=trits(1, 5, 24)),
        Bias(name="classifier_bias", input="classifier", bias=rng.integers(-9, 9, size=5)),
        ArgMax(name="argmax", input="classifier_bias"),
    )
    return Network(name, TensorType(6, 6, 2, DataType.parse("u4")), nodes)


FOLDINGS = {
    "conv1": ArrayFolding(pe=2, simd=6),
    "conv2": ArrayFolding(pe=3, simd=4),
    "classifier": ArrayFolding(pe=1, simd=4),
}
"""Lanes change between all the layers, by way of a common divisor behind conv2."""

SKIP_FOLDINGS = {
    "conv1": SkipFolding(pe=1, entries=2, outputs=4),
    "conv2": SkipFolding(pe=2, entries=4, banks=2, outputs=6),
    "classifier": SkipFolding(pe=5, entries=4),
}
RESIDUAL_FOLDINGS = {
    "conv": ArrayFolding(pe=3, simd=2),
    "body": ArrayFolding(pe=2, simd=3),
    "dense": ArrayFolding(pe=1, simd=3),
}
"""For tests.export.networks.residual."""
