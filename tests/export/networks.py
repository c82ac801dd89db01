"""Small networks for the tests of everything that starts from the integer contract."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from export.datatype import DataType
from export.ir import ArgMax, Bias, Convolution, Dense, Flatten, MaxPool, Network, TensorType, Threshold


def trits(rng: np.random.Generator, *shape: int) -> npt.NDArray[np.int8]:
    """Random trits."""
    return rng.integers(-1, 2, shape).astype(np.int8)


def chain(seed: int = 0) -> Network:
    """One node of every kind, from 5x4x2 u3; the dense layer has two planes."""
    rng = np.random.default_rng(seed)
    thresholds = np.sort(rng.integers(-20, 20, (3, 3)), axis=1)
    return Network(
        "chain",
        TensorType(5, 4, 2, DataType(3, signed=False)),
        (
            Convolution(name="conv", input="input", planes=trits(rng, 1, 3, 2, 3, 2), padding=(1, 0)),
            Threshold(name="act", input="conv", thresholds=thresholds, output=DataType(2, signed=False)),
            MaxPool(name="pool", input="act", size=(2, 3)),
            Flatten(name="flat", input="pool"),
            Dense(name="dense", input="flat", planes=trits(rng, 2, 4, 6), coefficients=(3, 1)),
            Bias(name="dense_bias", input="dense", bias=rng.integers(-9, 9, 4)),
            ArgMax(name="argmax", input="dense_bias"),
        ),
    )
