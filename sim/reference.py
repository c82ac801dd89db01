"""The reference: a network computed in numpy, integers only, every tensor of it.

It executes the integer contract (``tritforge.export.ir.nodes``), does not depend on the hardware,
and checks every value against the type that the contract declares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from functools import singledispatch

import numpy as np
import numpy.typing as npt

from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import (
    INPUT,
    ArgMax,
    Bias,
    Convolution,
    Dense,
    Flatten,
    Network,
    Node,
    TensorType,
    Threshold,
)
from tritforge.export.ir.pools import MaxPool, Pool, SumPool, TopK
from tritforge.export.ir.requantize import Requantize
from tritforge.export.ir.residual import Add, Shortcut
from tritforge.types import IntArray

__all__ = ["check_inputs", "evaluate", "run"]

_FLOAT_BITS = 53
"""Below 2**53 every integer is a float64, so a float64 product of integers is exact in any
order."""

_CHUNK_ELEMENTS = 1 << 22
"""Elements at a time, 32 MiB, so that thousands of images do not need gigabytes."""


def run(
    network: Network, inputs: npt.NDArray[np.integer], keep: Collection[str] | None = None
) -> dict[str, IntArray]:
    """Compute every tensor of ``network``.

    Parameters
    ----------
    network: the network.
    inputs: integers [N, H, W, C] of the network's input type.
    keep: names of the tensors to return; None returns all. The others are dropped as soon as they
        are used, a few images at a time, so that thousands of images need no more memory than the
        result.

    Returns
    -------
    Every tensor by name, "input" included, each int64 [N, H, W, C].

    Raises
    ------
    TypeError: the inputs are no integers.
    ValueError: the inputs have another shape, or ``keep`` names no tensor of the network.
    OverflowError: a value is outside the declared type of its tensor; the message names the node.
    """
    array = check_inputs(network, inputs)
    kept = list(network.types) if keep is None else [name for name in network.types if name in keep]
    if keep is not None and len(kept) != len(set(keep)):
        unknown = sorted(set(keep) - set(kept))
        raise ValueError(
            f"keep must name tensors of the network, not {', '.join(map(repr, unknown))}"
        )
    chunk = max(1, _CHUNK_ELEMENTS // sum(declared.size for declared in network.types.values()))
    found = {
        name: np.empty((len(array), *network.types[name].shape), dtype=np.int64) for name in kept
    }
    for start in range(0, len(array), chunk):
        some = slice(start, start + chunk)
        for name, values in _run(network, array[some].astype(np.int64), kept).items():
            found[name][some] = values
    return found


def check_inputs(network: Network, inputs: npt.NDArray[np.integer]) -> npt.NDArray[np.integer]:
    """Return ``inputs`` as an array after checking type, shape and range.

    Raises
    ------
    TypeError: the inputs are no integers.
    ValueError: the inputs have another shape.
    OverflowError: a value is outside the network's input type.
    """
    array = np.asarray(inputs)
    if array.dtype.kind not in "iu":
        raise TypeError(f"inputs must be integers, not {array.dtype}")
    if array.ndim != 4 or array.shape[1:] != network.input.shape:
        raise ValueError(
            f"inputs must have shape [N, {_join(network.input.shape)}], not {list(array.shape)}"
        )
    _check(INPUT, array, network.input)
    return array


def _run(network: Network, inputs: IntArray, kept: Collection[str]) -> dict[str, IntArray]:
    """Compute the tensors named in ``kept`` for a few images."""
    tensors: dict[str, IntArray] = {INPUT: inputs}
    for node in network.nodes:
        output = evaluate(node, *(tensors[name] for name in node.inputs))
        _check(node.name, output, network.types[node.name])
        tensors[node.name] = output
    return {name: tensors[name] for name in kept}


@singledispatch
def evaluate(node: Node, *inputs: IntArray) -> IntArray:
    """Compute one node: int64 [N, H, W, C] of each input to int64 [N, H', W', C'].

    Raises
    ------
    TypeError: there is no reference for this kind of node.
    """
    raise TypeError(f"no reference for node {node.name!r} of kind {node.kind!r}")


@evaluate.register
def _(node: Convolution, x: IntArray) -> IntArray:
    kernel_height, kernel_width = node.kernel
    pad_height, pad_width = node.padding
    padded = np.pad(x, ((0, 0), (pad_height, pad_height), (pad_width, pad_width), (0, 0)))
    # [N, Y, X, C, span]
    windows = np.lib.stride_tricks.sliding_window_view(padded, node.extent, axis=(1, 2))
    windows = windows[
        :, :: node.stride[0], :: node.stride[1], :, :: node.dilation[0], :: node.dilation[1]
    ].transpose(0, 1, 2, 4, 5, 3)  # [N, oy, ox, kh, kw, C]
    images, height, width = windows.shape[:3]
    inputs, outputs = x.shape[3] // node.groups, node.planes.shape[1] // node.groups
    columns = kernel_height * kernel_width * inputs
    chunk = max(1, _CHUNK_ELEMENTS // (height * width * columns))
    matrix = node.matrix()
    result = np.empty((images, height, width, len(matrix)), dtype=np.int64)
    for group in range(node.groups):
        seen = windows[..., group * inputs : (group + 1) * inputs]
        rows = slice(group * outputs, (group + 1) * outputs)
        product = _product(matrix[rows], x)
        for start in range(0, images, chunk):
            vectors = seen[start : start + chunk].reshape(-1, columns)
            sums = product(vectors).reshape(-1, height, width, outputs)
            result[start : start + chunk, ..., rows] = sums
    return result


@evaluate.register
def _(node: Dense, x: IntArray) -> IntArray:
    return _product(node.matrix(), x)(x[:, 0, 0])[:, None, None]


@evaluate.register
def _(node: Threshold, x: IntArray) -> IntArray:
    codes = np.full(x.shape, node.output.minimum, dtype=np.int64)
    for level in node.thresholds.T:  # [C]
        codes += x >= level
    return codes


@evaluate.register
def _(node: Requantize, x: IntArray) -> IntArray:
    # numpy shifts negative numbers with their sign: it rounds down, as the contract does
    quotient: IntArray = (node.multiplier * x + node.bias) >> node.shift
    return np.clip(quotient, node.output.minimum, node.output.maximum)


@evaluate.register
def _(node: Bias, x: IntArray) -> IntArray:
    result: IntArray = x + node.bias
    return result


@evaluate.register
def _(node: MaxPool, x: IntArray) -> IntArray:
    result: IntArray = _pool_windows(node, x, int(x.min(initial=0))).max(axis=(4, 5))
    return result


@evaluate.register
def _(node: SumPool, x: IntArray) -> IntArray:
    result: IntArray = _pool_windows(node, x, 0).sum(axis=(4, 5), dtype=np.int64)
    return result


def _pool_windows(node: Pool, x: IntArray, padded_with: int) -> IntArray:
    """The windows of a pooling [N, oy, ox, C, kh, kw], a view."""
    (pad_y, pad_x), (stride_y, stride_x) = node.padding, node.step
    padded = np.pad(
        x, ((0, 0), (pad_y, pad_y), (pad_x, pad_x), (0, 0)), constant_values=padded_with
    )
    windows: IntArray = np.lib.stride_tricks.sliding_window_view(padded, node.size, axis=(1, 2))
    return windows[:, ::stride_y, ::stride_x]


@evaluate.register
def _(node: Add, x: IntArray, y: IntArray) -> IntArray:
    result: IntArray = x + y
    return result


@evaluate.register
def _(node: Shortcut, x: IntArray) -> IntArray:
    kept = x[:, :: node.stride[0], :: node.stride[1]]
    return np.pad(kept, ((0, 0), (0, 0), (0, 0), (node.before, node.after)))


@evaluate.register
def _(node: Flatten, x: IntArray) -> IntArray:
    return x.reshape(len(x), 1, 1, math.prod(x.shape[1:]))


@evaluate.register
def _(node: ArgMax, x: IntArray) -> IntArray:
    # numpy gives the first of equal elements, as the contract does
    result: IntArray = np.argmax(x, axis=3, keepdims=True).astype(np.int64)
    return result


@evaluate.register
def _(node: TopK, x: IntArray) -> IntArray:
    # stable: among equals the lowest index stays first
    return np.argsort(-x, axis=3, kind="stable")[..., : node.k].astype(np.int64)


def _product(matrix: IntArray, x: IntArray) -> Callable[[IntArray], IntArray]:
    """Return the function rows [R, K] -> [R, M] for inputs no larger than those in ``x``.

    Float64 matrix products run on BLAS and int64 ones do not, so float64 is used wherever it is
    exact: where no partial sum, in any order of summation, can need more than 53 bits.
    """
    largest = int(np.abs(x).max(initial=0)) * int(np.abs(matrix).sum(axis=1).max())
    kind = np.float64 if largest.bit_length() <= _FLOAT_BITS else np.int64
    weights = matrix.T.astype(kind)

    def product(rows: IntArray) -> IntArray:
        result: IntArray = (rows.astype(kind) @ weights).astype(np.int64)
        return result

    return product


def _check(name: str, values: npt.NDArray[np.integer], declared: TensorType) -> None:
    """Refuse values that their declared type does not hold."""
    dtype: DataType = declared.dtype
    if not dtype.holds(values):
        raise OverflowError(
            f"tensor {name!r}: must be in {dtype.minimum}..{dtype.maximum} ({dtype}), "
            f"not {int(values.min())}..{int(values.max())}"
        )


def _join(shape: tuple[int, ...]) -> str:
    return ", ".join(str(extent) for extent in shape)
