"""The integer contract: a frozen, validated description of a network in integers only.

Training ends here; ROM images, Verilog, the reference and the estimates start here.

Conventions, cited elsewhere as "the conventions of tritforge.export.ir.nodes":

- A tensor is [H, W, C] (a vector is [1, 1, C]) in raster order, channel fastest. On a stream of S
  lanes one pixel is C/S beats, channel 0 in the low bits of the first.
- Convolution weights are planes[J, O, I, kh, kw]; ``matrix()`` flattens each row in the order
  (kh, kw, I), I fastest, which is the order in which a window arrives on a stream.
- A convolution of G groups has I = C/G: outputs g*O/G to (g+1)*O/G - 1 see the channels g*I to
  (g+1)*I - 1. ``matrix()`` and ``plane_matrices()`` are [O, kh*kw*I], a row sees the channels of
  its group; ``block_matrices()`` are the same weights over all channels, zero outside the group.
- Tap (ky, kx) of a convolution reads the pixel dilation * (ky, kx) from the window's corner.
- A layer computes y = sum_j coefficients[j] * (planes[j] x): J = 1 and coefficient 1 for a layer
  with one scale.
- Padding inserts the integer 0; that of ``MaxPool`` inserts nothing that could win.
- ``Threshold`` turns y into output.minimum + (number of k with y >= thresholds[channel, k]).
- ``Requantize`` turns y into (multiplier[channel] * y + bias[channel]) >> shift, rounded down,
  within the range of the output.
- The accumulator's type is proved from the actual rows and the input's type, never guessed.
- ``ArgMax`` gives the lowest index among equal scores.
- Average pooling is ``SumPool`` (``tritforge.export.ir.pools``): its division belongs to what
  follows.
- A residual add (``tritforge.export.ir.residual``) joins two tensors whose integers count the same
  step, so it is exact.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from tritforge.errors import UserError
from tritforge.export.ir.datatype import MAX_BITS, DataType
from tritforge.export.ir.registry import node_kind
from tritforge.export.ir.windows import extent, positions, shown
from tritforge.types import IntArray

Trits = npt.NDArray[np.int8]


class IRError(UserError):
    """A network that breaks a rule of the contract; the message names the node."""


@dataclass(frozen=True)
class TensorType:
    """Shape [H, W, C] and element type of a tensor.

    Raises
    ------
    IRError: an extent is not a positive int.
    """

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
    """One operation. ``name`` is unique in the network; ``input`` names the tensor it reads.

    A node that joins several tensors names all of them in ``inputs``.

    Raises
    ------
    IRError: the name is no ASCII identifier, or a parameter is outside its range.
    """

    name: str
    input: str
    kind: ClassVar[str]
    words: ClassVar[str] = ""  # for ``summary``, where the kind's name will not do

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and self.name.isidentifier() and self.name.isascii()):
            raise IRError(f"a node's name must be an identifier, not {self.name!r}")
        self._check()

    def _check(self) -> None:  # noqa: B027  # not every kind has something to check
        """Validate what can be validated without the input's type."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of all tensors it reads."""
        return (self.input,)

    @abstractmethod
    def infer(self, *sources: Any, **named: Any) -> TensorType:
        """Return the type of the output for inputs of the types ``sources``, in order.

        Raises
        ------
        IRError: the node cannot take these inputs.
        """

    @property
    def summary(self) -> str:
        """What it does, in a few words."""
        return self.words or self.kind.replace("_", " ")

    def _refuse(self, rule: str) -> IRError:
        return IRError(f"{self.kind} {self.name!r}: {rule}")


def frozen(array: npt.ArrayLike, dtype: type[np.generic]) -> npt.NDArray[np.generic]:
    """A contiguous, read-only copy, so that a frozen node is really frozen."""
    copy = np.array(array, dtype=dtype, order="C")
    copy.flags.writeable = False
    return copy


@dataclass(frozen=True, eq=False, kw_only=True)
class MatrixNode(Node):
    """A layer with ternary weights: int8 ``planes`` [J, O, ...] and J integer ``coefficients``."""

    planes: Trits
    coefficients: tuple[int, ...] = (1,)
    PLANE_AXES: ClassVar[int]

    def _check(self) -> None:
        planes = np.asarray(self.planes)
        if planes.ndim != self.PLANE_AXES or planes.size == 0:
            raise self._refuse(
                f"planes must have {self.PLANE_AXES} non-empty axes, not shape {planes.shape}"
            )
        if not np.isin(planes, (-1, 0, 1)).all():
            raise self._refuse("weights must be -1, 0 or +1")
        if len(self.coefficients) != len(planes):
            raise self._refuse(
                f"{len(planes)} planes need as many coefficients, not {len(self.coefficients)}"
            )
        if not all(isinstance(c, int) and c > 0 for c in self.coefficients):
            raise self._refuse(f"coefficients must be positive ints, not {self.coefficients!r}")
        object.__setattr__(self, "planes", frozen(planes, np.int8))

    @abstractmethod
    def plane_matrices(self) -> Trits:
        """Planes as [J, M, K] int8, columns in stream order."""

    def block_matrices(self) -> Trits:
        """Planes as [J, M, K] int8 over the whole vector that arrives; one group has no other."""
        return self.plane_matrices()

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
        """The narrowest type that holds every row for every input of type ``dtype``.

        Raises
        ------
        IRError: the sums of the planes, added without regard to sign, exceed what a type holds.
        """
        counts = (self.planes != 0).sum(axis=tuple(range(2, self.planes.ndim)))  # [J, O]
        # in Python's integers, which cannot overflow; below the limit int64 can neither
        weights = max(
            sum(
                coefficient * int(count)
                for coefficient, count in zip(self.coefficients, row, strict=True)
            )
            for row in counts.T
        )
        bits = (weights * ((1 << dtype.bits) - 1)).bit_length()
        if bits > MAX_BITS:
            raise self._refuse(
                f"coefficients {self.coefficients!r} and inputs {dtype} need sums of {bits} bits; "
                f"at most {MAX_BITS} can be held"
            )
        lowest, highest = self.row_bounds(dtype)
        return DataType.from_range(int(lowest.min()), int(highest.max()))

    @property
    def sparsity(self) -> float:
        """Share of zero weights over all planes."""
        return float((self.planes == 0).mean())


@node_kind
@dataclass(frozen=True, eq=False, kw_only=True)
class Convolution(MatrixNode):
    """y[oy, ox, o] = sum over window of weight * x. ``planes`` is int8 [J, O, C/groups, kh, kw]."""

    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    kind = "convolution"
    PLANE_AXES = 5

    def _check(self) -> None:
        super()._check()
        if min(self.stride) < 1:
            raise self._refuse(f"stride must be positive, not {self.stride!r}")
        if min(self.padding) < 0:
            raise self._refuse(f"padding must not be negative, not {self.padding!r}")
        if min(self.dilation) < 1:
            raise self._refuse(f"dilation must be positive, not {self.dilation!r}")
        if not isinstance(self.groups, int) or isinstance(self.groups, bool) or self.groups < 1:
            raise self._refuse(f"groups must be a positive int, not {self.groups!r}")
        if self.planes.shape[1] % self.groups:
            raise self._refuse(
                f"groups must divide its {self.planes.shape[1]} outputs, not {self.groups!r}"
            )

    @property
    def kernel(self) -> tuple[int, int]:
        """Height and width of the kernel."""
        return (int(self.planes.shape[3]), int(self.planes.shape[4]))

    @property
    def extent(self) -> tuple[int, int]:
        """Height and width of what the kernel spans: dilation * (kernel - 1) + 1."""
        (height, width), (vertical, horizontal) = self.kernel, self.dilation
        return extent(height, vertical), extent(width, horizontal)

    @property
    def summary(self) -> str:
        """Kernel, channels in and out, and the stride where it is not 1."""
        steps = f", stride {self.stride[0]}" if self.stride != (1, 1) else ""
        outputs, inputs = self.planes.shape[1:3]
        return f"{shown(self.kernel)} convolution {inputs}→{outputs}{steps}"

    def block_matrices(self) -> Trits:
        """Return the planes as int8 [J, O, kh*kw*C], C all channels; 0 outside a row's group."""
        planes = self.planes.transpose(0, 1, 3, 4, 2)  # [J, O, kh, kw, I]
        inputs, rows = planes.shape[4], planes.shape[1] // self.groups
        shape = (*planes.shape[:4], self.groups * inputs)  # [J, O, kh, kw, C]
        blocks = np.zeros(shape, dtype=np.int8)
        for group in range(self.groups):
            outputs = slice(group * rows, (group + 1) * rows)
            blocks[:, outputs, ..., group * inputs : (group + 1) * inputs] = planes[:, outputs]
        return blocks.reshape(*planes.shape[:2], -1)

    def plane_matrices(self) -> Trits:
        """Planes as [J, M, K] int8, columns in the order (kh, kw, I) of a row's group."""
        planes = self.planes.transpose(0, 1, 3, 4, 2)  # [J, O, kh, kw, I]
        return np.ascontiguousarray(planes.reshape(*planes.shape[:2], -1))  # [J, O, kh*kw*I]

    def infer(self, source: TensorType) -> TensorType:
        """Output pixels of every window that fits into the padded input.

        Raises
        ------
        IRError: the channels do not match the groups, or a kernel is larger than the input.
        """
        channels = self.planes.shape[2] * self.groups
        if source.channels != channels:
            raise self._refuse(f"takes {channels} channels, not {source.channels}")
        size = list(map(positions, source.shape[:2], self.extent, self.stride, self.padding))
        if min(size) < 1:
            dilated = f" with dilation {self.dilation}" if self.dilation != (1, 1) else ""
            raise self._refuse(
                f"kernel {self.kernel}{dilated} is larger than the padded input of {source}"
            )
        return TensorType(
            size[0], size[1], int(self.planes.shape[1]), self.accumulator(source.dtype)
        )


@node_kind
@dataclass(frozen=True, eq=False, kw_only=True)
class Dense(MatrixNode):
    """y = W x for a vector [1, 1, K]. ``planes`` is int8 [J, M, K]."""

    kind = "dense"
    PLANE_AXES = 3

    @property
    def summary(self) -> str:
        """Elements in and out."""
        return f"dense {self.planes.shape[2]}→{self.planes.shape[1]}"

    def plane_matrices(self) -> Trits:
        """The planes as they are."""
        return self.planes

    def infer(self, source: TensorType) -> TensorType:
        """A vector of the rows.

        Raises
        ------
        IRError: the input is no vector of as many elements as the planes have columns.
        """
        if source.shape != (1, 1, self.planes.shape[2]):
            raise self._refuse(f"takes a vector of {self.planes.shape[2]} elements, not {source}")
        return TensorType(1, 1, int(self.planes.shape[1]), self.accumulator(source.dtype))


@node_kind
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
        object.__setattr__(self, "thresholds", frozen(thresholds, np.int64))

    @property
    def summary(self) -> str:
        """Thresholds of a channel, and bits of a code."""
        return f"{self.thresholds.shape[1]} thresholds, {self.output.bits} bit"

    def infer(self, source: TensorType) -> TensorType:
        """The codes, of the input's shape.

        Raises
        ------
        IRError: the input has another number of channels.
        """
        if source.channels != len(self.thresholds):
            raise self._refuse(
                f"has thresholds for {len(self.thresholds)} channels, not {source.channels}"
            )
        return TensorType(*source.shape, self.output)


@node_kind
@dataclass(frozen=True, eq=False, kw_only=True)
class Bias(Node):
    """y + bias[c]; ``bias`` is int64 [C]."""

    bias: IntArray
    kind = "bias"
    words = "integer bias"

    def _check(self) -> None:
        if np.ndim(self.bias) != 1:
            raise self._refuse(f"bias must be a vector, not shape {np.shape(self.bias)}")
        object.__setattr__(self, "bias", frozen(self.bias, np.int64))

    def infer(self, source: TensorType) -> TensorType:
        """The scores, in a type that holds every sum.

        Raises
        ------
        IRError: the input has another number of channels.
        """
        if source.channels != len(self.bias):
            raise self._refuse(f"has {len(self.bias)} values for {source.channels} channels")
        lowest = source.dtype.minimum + int(self.bias.min())
        highest = source.dtype.maximum + int(self.bias.max())
        return TensorType(*source.shape, DataType.from_range(lowest, highest))


@node_kind
@dataclass(frozen=True, eq=False, kw_only=True)
class Flatten(Node):
    """[H, W, C] as a vector [1, 1, H*W*C] in stream order: no data moves."""

    kind = "flatten"

    def infer(self, source: TensorType) -> TensorType:
        """The same elements as a vector."""
        return TensorType(1, 1, source.size, source.dtype)


@node_kind
@dataclass(frozen=True, eq=False, kw_only=True)
class ArgMax(Node):
    """Index of the largest element of a vector, the lowest index among equals."""

    kind = "argmax"
    words = "arg max"

    def infer(self, source: TensorType) -> TensorType:
        """One index.

        Raises
        ------
        IRError: the input is no vector.
        """
        if source.shape[:2] != (1, 1):
            raise self._refuse(f"takes a vector, not {source}")
        return TensorType(1, 1, 1, DataType.from_range(0, source.channels - 1))


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
        if not (isinstance(self.name, str) and self.name.isidentifier() and self.name.isascii()):
            raise IRError(f"a network's name must be an identifier, not {self.name!r}")
        if not self.nodes:
            raise IRError(f"network {self.name!r} has no nodes")
        self.types  # noqa: B018  # infers, and so validates, every tensor

    @cached_property
    def types(self) -> dict[str, TensorType]:
        """Type of every tensor, by name.

        Raises
        ------
        IRError: two tensors have one name, no earlier node makes a tensor that a node reads, or a
            node cannot take it.
        """
        types = {INPUT: self.input}
        for node in self.nodes:
            if node.name in types:
                raise IRError(f"two tensors are named {node.name!r}")
            for name in node.inputs:
                if name not in types:
                    raise IRError(
                        f"{node.kind} {node.name!r} reads {name!r}, which no earlier node makes"
                    )
            types[node.name] = node.infer(*(types[name] for name in node.inputs))
        return types

    @property
    def output(self) -> str:
        """Name of the tensor that leaves the network."""
        return self.nodes[-1].name

    def matrix_nodes(self) -> Iterator[MatrixNode]:
        """The layers that have weights, in order."""
        return (node for node in self.nodes if isinstance(node, MatrixNode))
