"""Small networks for the tests of everything that starts from the integer contract."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

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
from tritforge.export.ir.pools import MaxPool, SumPool, TopK
from tritforge.export.ir.residual import Add, Shortcut


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
            Convolution(
                name="conv", input="input", planes=trits(rng, 1, 3, 2, 3, 2), padding=(1, 0)
            ),
            Threshold(
                name="act", input="conv", thresholds=thresholds, output=DataType(2, signed=False)
            ),
            MaxPool(name="pool", input="act", size=(2, 3)),
            Flatten(name="flat", input="pool"),
            Dense(name="dense", input="flat", planes=trits(rng, 2, 4, 6), coefficients=(3, 1)),
            Bias(name="dense_bias", input="dense", bias=rng.integers(-9, 9, 4)),
            ArgMax(name="argmax", input="dense_bias"),
        ),
    )


def residual(seed: int = 0) -> Network:
    """A fork, two branches, a shortcut with zero channels, pools that overlap, and the best two."""
    rng = np.random.default_rng(seed)
    u2, s3 = DataType(2, signed=False), DataType(3, signed=True)

    def levels(channels: int, count: int, spread: int) -> npt.NDArray[np.int64]:
        return np.sort(rng.integers(-spread, spread, (channels, count)), axis=1)

    return Network(
        "residual",
        TensorType(6, 5, 2, u2),
        (
            Convolution(
                name="conv", input="input", planes=trits(rng, 1, 3, 2, 3, 3), padding=(1, 1)
            ),
            Threshold(name="act", input="conv", thresholds=levels(3, 3, 9), output=u2),
            Convolution(
                name="body",
                input="act",
                planes=trits(rng, 1, 6, 3, 3, 3),
                stride=(2, 2),
                padding=(1, 1),
            ),
            Threshold(name="body_act", input="body", thresholds=levels(6, 7, 12), output=s3),
            Shortcut(name="skip", input="act", stride=(2, 2), before=1, after=2),
            Add(name="merge", input="body_act", other="skip"),
            Threshold(name="merge_act", input="merge", thresholds=levels(6, 3, 4), output=u2),
            MaxPool(name="pool", input="merge_act", size=(3, 2), stride=(1, 1), padding=(1, 0)),
            SumPool(name="sums", input="pool", size=(3, 2)),
            Flatten(name="flat", input="sums"),
            Dense(name="dense", input="flat", planes=trits(rng, 1, 5, 6)),
            Bias(name="dense_bias", input="dense", bias=rng.integers(-9, 9, 5)),
            TopK(name="best", input="dense_bias", k=2),
        ),
    )
