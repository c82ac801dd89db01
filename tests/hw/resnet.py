"""A random network of the shape of ResNet-20 (He et al. 2015, arXiv:1512.03385, section 4.2, option A)."""

from __future__ import annotations

import numpy as np

from export.datatype import DataType
from export.ir import ArgMax, Bias, Convolution, Dense, Flatten, Network, Node, TensorType, Threshold
from export.pools import SumPool
from export.residual import Add, Shortcut
from hw.array_folding import ArrayFolding

U2, S3 = DataType.parse("u2"), DataType.parse("s3")


def resnet(
    *, size: int = 32, channels: tuple[int, ...] = (16, 32, 64), blocks: int = 3, seed: int = 0
) -> Network:
    """Three stages of ``blocks`` blocks each; every branch in levels of one step, ReLU behind the add."""
    rng = np.random.default_rng(seed)
    nodes: list[Node] = []

    def add(node: Node) -> str:
        nodes.append(node)
        return node.name

    def levels(outputs: int, dtype: DataType, spread: float) -> np.ndarray:
        count = dtype.maximum - dtype.minimum
        return np.sort(rng.normal(0, spread, (outputs, count)).round().astype(np.int64), axis=1)

    def layer(name: str, tensor: str, sizes: tuple[int, int], stride: int, dtype: DataType) -> str:
        outputs, inputs = sizes
        planes = rng.integers(-1, 2, (1, outputs, inputs, 3, 3)).astype(np.int8)
        add(Convolution(name=name, input=tensor, planes=planes, stride=(stride, stride), padding=(1, 1)))
        spread = 2 * (9 * inputs) ** 0.5
        return add(
            Threshold(name=f"{name}_act", input=name, thresholds=levels(outputs, dtype, spread), output=dtype)
        )

    tensor, before = layer("stem", "input", (channels[0], 3), 1, U2), channels[0]
    for group, width in enumerate(channels):
        for block in range(blocks):
            name, stride = f"g{group}b{block}", 2 if group and not block else 1
            inner = layer(f"{name}_one", tensor, (width, before), stride, U2)
            body = layer(f"{name}_two", inner, (width, width), 1, S3)
            skip, half = tensor, (width - before) // 2
            if stride == 2:
                skip = add(
                    Shortcut(name=f"{name}_skip", input=tensor, stride=(2, 2), before=half, after=half)
                )
            both = add(Add(name=f"{name}_add", input=body, other=skip))
            levels_out = np.tile(np.array([1, 2, 3]), (width, 1))
            tensor = add(Threshold(name=f"{name}_act", input=both, thresholds=levels_out, output=U2))
            before = width
    last = size // 2 ** (len(channels) - 1)
    add(SumPool(name="sums", input=tensor, size=(last, last)))
    add(Flatten(name="flat", input="sums"))
    planes = rng.integers(-1, 2, (1, 10, before)).astype(np.int8)
    add(Dense(name="classifier", input="flat", planes=planes))
    add(Bias(name="classifier_bias", input="classifier", bias=rng.integers(-50, 50, 10)))
    add(ArgMax(name="argmax", input="classifier_bias"))
    return Network("resnet", TensorType(size, size, 3, DataType.parse("u8")), tuple(nodes))


def foldings(network: Network, pe: int, simd: int) -> dict[str, ArrayFolding]:
    """One folding for all inner convolutions."""
    found = {node.name: ArrayFolding(pe=pe, simd=simd) for node in network.matrix_nodes()}
    return found | {"stem": ArrayFolding(pe=pe, simd=3), "classifier": ArrayFolding(pe=1, simd=1)}
