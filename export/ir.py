"""The integer contract: a frozen, validated description of a network in integers only.

Training ends here; ROM images, Verilog, the reference and the estimates start here.

Conventions, cited elsewhere as "the conventions of export.ir":

- A tensor is [H, W, C] (a vector is [1, 1, C]) in raster order, channel fastest. On a stream of S
  lanes one pixel is C/S beats, channel 0 in the low bits of the first.
- Convolution weights are planes[J, O, I, kh, kw]; ``matrix()`` flattens each row in the order
  (kh, kw, I), I fastest, which is the order in which a window arrives on a stream.
- A layer computes y = sum_j coefficients[j] * (planes[j] x): J = 1 and coefficient 1 for a layer
  with one scale.
- Padding inserts the integer 0.
- ``Threshold`` turns y into output.minimum + (number of k with y >= thresholds[channel, k]).
- The accumulator's type is proved from the actual rows and the input's type, never guessed.
- ``ArgMax`` gives the lowest index among equal scores.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from export.datatype import DataType

IntArray = npt.NDArray[np.int64]
Trits = npt.NDArray[np.int8]


class IRError(ValueError):
    """A network that breaks a rule of the contract; the message names the node."""


@dataclass(frozen=True)
class TensorType:
    """Shape [H, W, C] and element type of a tensor."""

    height: int
    width: int
    channels: int
    dtype: DataType

    def __post_init__(self) -> None:
        for name in ("height", "width", "channels"):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise IRError(f"{name} must be a positive int, not {value!r}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return (self.height, self.width, self.channels)

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.height * self.width * self.channels

    def __str__(self) -> str:
        return f"{self.height}x{self.width}x{self.channels} {self.dtype}"


@dataclass(frozen=True, eq=False, kw_only=True)
class Node(ABC):
    """One operation. ``name`` is unique in the network; ``input`` names the tensor it reads."""

    name: str
    input: str
    kind: ClassVar[str]

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and self.name.isidentifier()):
            raise IRError(f"a node's name must be an identifier, not {self.name!r}")
        self._check()

    def _check(self) -> None:  # noqa: B027  # not every kind has something to check
        """Validate what can be validated without the input's type."""

    @abstractmethod
    def infer(self, source: TensorType) -> TensorType:
        """Return the type of the output for an input of type ``source``; IRError if impossible."""

    def _refuse(self, rule: str) -> IRError:
        return IRError(f"{self.kind} {self.name!r}: {rule}")


def _frozen(array: npt.ArrayLike, dtype: type[np.generic]) -> npt.NDArray[np.generic]:
    """A contiguous, read-only copy, so that a frozen node is really frozen."""
    copy = np.array(array, dtype=dtype, order="C")
    copy.flags.writeable = False
    return copy


@dataclass(frozen=True, eq=False, kw_only=True)
class MatrixNode(Node):
    """A layer with ternary weights. ``planes`` is int8 [J, O, ...]; ``coefficients`` has J integers."""

    planes: Trits
    coefficients: tuple[int, ...] = (1,)
    PLANE_AXES: ClassVar[int]

    def _check(self) -> None:
        planes = np.asarray(self.planes)
        if planes.ndim != self.PLANE_AXES or planes.size == 0:
            raise self._refuse(f"planes must have {self.PLANE_AXES} non-empty axes, not shape {planes.shape}")
        if not np.isin(planes, (-1, 0, 1)).all():
            raise self._refuse("weights must be -1, 0 or +1")
        if len(self.coefficients) != len(planes):
            raise self._refuse(
                f"{len(planes)} planes need as many coefficients, not {len(self.coefficients)}"
            )
        if not all(isinstance(c, int) and c > 0 for c in self.coefficients):
            raise self._refuse(f"coefficients must be positive ints, not {self.coefficients!r}")
        object.__setattr__(self, "planes", _frozen(planes, np.int8))

    @abstractmethod
    def plane_matrices(self) -> Trits:
        """Planes as [J, M, K] int8, columns in stream order."""

    def matrix(self) -> IntArray:
        """The effective integer matrix [M, K] = sum_j coefficients[j] * planes[j]."""
        planes = self.plane_matrices().astype(np.int64)
        coefficients = np.array(self.coefficients, dtype=np.int64)
        return np.tensordot(coefficients, planes, axes=1)  # [M, K]

    def row_bounds(self, dtype: DataType) -> tuple[IntArray, IntArray]:
        """Smallest and largest value of each row [M] over every input of type ``dtype``."""
        matrix = self.matrix()
        positive = np.maximum(matrix, 0).sum(axis=1)
        negative = np.maximum(-matrix, 0).sum(axis=1)
        lowest = positive * dtype.minimum - negative * dtype.maximum
        highest = positive * dtype.maximum - negative * dtype.minimum
        return lowest, highest

    def accumulator(self, dtype: DataType) -> DataType:
        """The narrowest type that holds every row for every input of type ``dtype``."""
        lowest, highest = self.row_bounds(dtype)
        return DataType.from_range(int(lowest.min()), int(highest.max()))

    @property
    def sparsity(self) -> float:
        """Share of zero weights over all planes."""
        return float((self.planes == 0).mean())


@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution(MatrixNode):
    """y[oy, ox, o] = sum over window of weight * x. ``planes`` is int8 [J, O, I, kh, kw]."""

    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    kind = "convolution"
    PLANE_AXES = 5

    def _check(self) -> None:
        super()._check()
        if min(self.stride) < 1:
            raise self._refuse(f"stride must be positive, not {self.stride!r}")
        if min(self.padding) < 0:
            raise self._refuse(f"padding must not be negative, not {self.padding!r}")

    @property
    def kernel(self) -> tuple[int, int]:
        """Height and width of the kernel."""
        return (int(self.planes.shape[3]), int(self.planes.shape[4]))

    def plane_matrices(self) -> Trits:
        """Planes as [J, M, K] int8, columns in the order (kh, kw, I)."""
        planes = self.planes.transpose(0, 1, 3, 4, 2)  # [J, O, kh, kw, I]
        return np.ascontiguousarray(planes.reshape(len(planes), planes.shape[1], -1))  # [J, O, kh*kw*I]

    def infer(self, source: TensorType) -> TensorType:
        """Output pixels of every window that fits into the padded input."""
        if source.channels != self.planes.shape[2]:
            raise self._refuse(f"takes {self.planes.shape[2]} channels, not {source.channels}")
        size = [
            (extent + 2 * padding - kernel) // stride + 1
            for extent, padding, kernel, stride in zip(
                source.shape[:2], self.padding, self.kernel, self.stride, strict=True
            )
        ]
        if min(size) < 1:
            raise self._refuse(f"kernel {self.kernel} is larger than the padded input of {source}")
        return TensorType(size[0], size[1], int(self.planes.shape[1]), self.accumulator(source.dtype))


@dataclass(frozen=True, eq=False, kw_only=True)
class Dense(MatrixNode):
    """y = W x for a vector [1, 1, K]. ``planes`` is int8 [J, M, K]."""

    kind = "dense"
    PLANE_AXES = 3

    def plane_matrices(self) -> Trits:
        """The planes as they are."""
        return self.planes

    def infer(self, source: TensorType) -> TensorType:
        """A vector of the rows."""
        if source.shape != (1, 1, self.planes.shape[2]):
            raise self._refuse(f"takes a vector of {self.planes.shape[2]} elements, not {source}")
        return TensorType(1, 1, int(self.planes.shape[1]), self.accumulator(source.dtype))


@dataclass(frozen=True, eq=False, kw_only=True)
class Threshold(Node):
    """code = output.minimum + number of k with y >= thresholds[c, k]; thresholds int64 [C, L]."""

    thresholds: IntArray
    output: DataType
    kind = "threshold"

    def _check(self) -> None:
        thresholds = np.asarray(self.thresholds)
        levels = self.output.maximum - self.output.minimum
        if thresholds.ndim != 2 or not 1 <= thresholds.shape[1] <= levels:
            raise self._refuse(
                f"thresholds must be [C, 1..{levels}] for {self.output}, not {thresholds.shape}"
            )
        if (np.diff(thresholds, axis=1) < 0).any():
            raise self._refuse("thresholds must ascend in each channel")
        object.__setattr__(self, "thresholds", _frozen(thresholds, np.int64))

    def infer(self, source: TensorType) -> TensorType:
        """The codes, of the input's shape."""
        if source.channels != len(self.thresholds):
            raise self._refuse(f"has thresholds for {len(self.thresholds)} channels, not {source.channels}")
        return TensorType(*source.shape, self.output)


@dataclass(frozen=True, eq=False, kw_only=True)
class Bias(Node):
    """y + bias[c]; ``bias`` is int64 [C]."""

    bias: IntArray
    kind = "bias"

    def _check(self) -> None:
        if np.ndim(self.bias) != 1:
            raise self._refuse(f"bias must be a vector, not shape {np.shape(self.bias)}")
        object.__setattr__(self, "bias", _frozen(self.bias, np.int64))

    def infer(self, source: TensorType) -> TensorType:
        """The scores, in a type that holds every sum."""
        if source.channels != len(self.bias):
            raise self._refuse(f"has {len(self.bias)} values for {source.channels} channels")
        lowest = source.dtype.minimum + int(self.bias.min())
        highest = source.dtype.maximum + int(self.bias.max())
        return TensorType(*source.shape, DataType.from_range(lowest, highest))


@dataclass(frozen=True, eq=False, kw_only=True)
class MaxPool(Node):
    """Maximum over windows of ``size`` (height, width) that do not overlap; a remainder is dropped."""

    size: tuple[int, int]
    kind = "max_pool"

    def _check(self) -> None:
        if min(self.size) < 1:
            raise self._refuse(f"size must be positive, not {self.size!r}")

    def infer(self, source: TensorType) -> TensorType:
        """One pixel for every whole window."""
        height, width = source.height // self.size[0], source.width // self.size[1]
        if min(height, width) < 1:
            raise self._refuse(f"window {self.size} is larger than the input of {source}")
        return TensorType(height, width, source.channels, source.dtype)


@dataclass(frozen=True, eq=False, kw_only=True)
class Flatten(Node):
    """[H, W, C] as a vector [1, 1, H*W*C] in stream order: no data moves."""

    kind = "flatten"

    def infer(self, source: TensorType) -> TensorType:
        """The same elements as a vector."""
        return TensorType(1, 1, source.size, source.dtype)


@dataclass(frozen=True, eq=False, kw_only=True)
class ArgMax(Node):
    """Index of the largest element of a vector, the lowest index among equals."""

    kind = "argmax"

    def infer(self, source: TensorType) -> TensorType:
        """One index."""
        if source.shape[:2] != (1, 1):
            raise self._refuse(f"takes a vector, not {source}")
        return TensorType(1, 1, 1, DataType.from_range(0, source.channels - 1))


NODE_KINDS: dict[str, type[Node]] = {
    node.kind: node for node in (Convolution, Dense, Threshold, Bias, MaxPool, Flatten, ArgMax)
}

INPUT = "input"
"""Name of the tensor that enters the network."""


@dataclass(frozen=True, eq=False)
class Network:
    """A network: nodes in topological order, the last one's output is the network's.

    Parameters
    ----------
    name: an identifier; the Verilog top module bears it.
    input: type of the tensor named "input".
    nodes: in topological order; every input is "input" or an earlier node.

    Raises
    ------
    IRError: a rule of the contract is broken; the message names the node.
    """

    name: str
    input: TensorType
    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and self.name.isidentifier()):
            raise IRError(f"a network's name must be an identifier, not {self.name!r}")
        if not self.nodes:
            raise IRError(f"network {self.name!r} has no nodes")
        self.types  # noqa: B018  # infers, and so validates, every tensor

    @cached_property
    def types(self) -> dict[str, TensorType]:
        """Type of every tensor, by name."""
        types = {INPUT: self.input}
        for node in self.nodes:
            if node.name in types:
                raise IRError(f"two tensors are named {node.name!r}")
            if node.input not in types:
                raise IRError(f"{node.kind} {node.name!r} reads {node.input!r}, which no earlier node makes")
            types[node.name] = node.infer(types[node.input])
        return types

    @property
    def output(self) -> str:
        """Name of the tensor that leaves the network."""
        return self.nodes[-1].name

    def matrix_nodes(self) -> Iterator[MatrixNode]:
        """The layers that have weights, in order."""
        return (node for node in self.nodes if isinstance(node, MatrixNode))
