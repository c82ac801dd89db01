"""Values between the steps of a torch model: codes, and segments without their quantizer.

A segment maps a channel's integer to a real value: by its unit, its bias and the modules after it.
These are never rewritten as a formula. The modules themselves are evaluated on every integer that
determines a threshold (``tritforge.export.lowering.thresholds``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from tritforge.export.ir.datatype import TERNARY, DataType
from tritforge.export.ir.nodes import MatrixNode, TensorType
from tritforge.export.lowering.exactness import check_sums
from tritforge.export.lowering.graph import LoweringError, Step
from tritforge.export.lowering.thresholds import find, is_decreasing
from tritforge.quant.activation import Quantizer
from tritforge.quant.pooling import divisor
from tritforge.types import IntArray

__all__ = [
    "Codes",
    "Segment",
    "Value",
    "check_exact",
    "codes_of",
    "inexact",
    "located",
    "type_of",
]

_Result = TypeVar("_Result")


@dataclass(frozen=True, kw_only=True)
class Codes:
    """A tensor of the network that represents a value of the model.

    Parameters
    ----------
    tensor: its name.
    type: its type.
    step: the real value of the integer 1.
    where: how messages call the step that made it.
    flat: whether the model has it as a vector [N, K], not an image [N, C, H, W].
    flattened: (H, W, C) of the image of several pixels that a flatten took; the model's order of
        elements is then (C, H, W). Else None.
    """

    tensor: str
    type: TensorType
    step: float
    where: str
    flat: bool
    flattened: tuple[int, int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Accumulators or codes, and the modules after them up to the next quantizer.

    Parameters
    ----------
    first: the step that begins it.
    source: what the layer reads; without a layer the integers themselves.
    node: the layer in integers; None where the segment begins at codes.
    unit: float64 [C], the real value of 1 in the accumulator.
    bias: float64 [C].
    average: an average pool whose quotients are no integers of one unit, and the height and width
        of its input; the integers are then sums of its windows. None where there is no such pool.
    flat: whether the values are a vector.
    steps: the modules after it, max pools included.
    """

    first: Step
    source: Codes
    node: MatrixNode | None
    unit: Tensor
    bias: Tensor
    flat: bool
    average: tuple[nn.Module, int, int] | None = None
    steps: tuple[Step, ...] = ()

    @property
    def where(self) -> str:
        """How messages call its beginning."""
        return self.source.where if self.node is None else self.first.where

    def then(self, step: Step) -> Segment:
        """The segment with one module more."""
        return replace(self, steps=(*self.steps, step))

    def values(self, integers: npt.NDArray[np.float64], end: int | None = None) -> Tensor:
        """Evaluate the modules before position ``end``, without pools: [n, C] -> [n, C]."""
        # exact: tritforge.export.lowering.exactness proved it
        value = torch.from_numpy(integers) * self.unit + self.bias
        if self.average is not None:
            value = _averaged(value, *self.average)
        if not self.flat:
            # the modules expect an image: [1, C, n, 1]
            value = value.T.reshape(1, len(self.unit), -1, 1)
        for step in self.steps[:end]:
            if not isinstance(step.module, nn.MaxPool2d):
                value = step.module(value)
        return value if self.flat else value.reshape(len(self.unit), -1).T

    def pools(self) -> list[int]:
        """Positions of the pools among ``steps``."""
        return [
            index for index, step in enumerate(self.steps) if isinstance(step.module, nn.MaxPool2d)
        ]

    def bounds(self, node: MatrixNode | None) -> tuple[IntArray, IntArray]:
        """The range [C] of the integers, with ``node`` in place of the layer."""
        dtype = self.source.type.dtype
        if node is not None:
            return node.row_bounds(dtype)
        channels = len(self.unit)
        return np.full(channels, dtype.minimum), np.full(channels, dtype.maximum)

    def thresholds(
        self, step: Step, quantizer: Quantizer
    ) -> tuple[MatrixNode | None, IntArray, tuple[IntArray, IntArray]]:
        """Return the layer, thresholds [C, L] for all levels of the quantizer, and the sums' range.

        Channels of the layer whose codes fall when the sum rises are negated.

        Raises
        ------
        LoweringError: a channel falls that cannot be negated or that a pool reads, or no
            thresholds fit.
        """

        def codes(integers: npt.NDArray[np.float64]) -> IntArray:
            values = quantizer.codes(self.values(integers)).to(torch.int64).numpy()
            return values - quantizer.minimum  # 0..levels, as ``find`` counts them

        bounds = self.bounds(self.node)
        falling = is_decreasing(codes, *bounds)  # [C]
        self._check_pools(step, bounds, falling)
        if self.node is None and falling.any():
            raise step.refuse(
                f"channel {int(np.argmax(falling))} falls when {self.where} rises, and there are "
                "no weights between them to negate: keep the slopes positive"
            )
        node, sign = self.node, np.where(falling, -1, 1).astype(np.int8)
        if node is not None:
            planes = node.planes * sign.reshape(1, -1, *[1] * (node.planes.ndim - 2))
            node = replace(node, planes=planes)
            bounds = node.row_bounds(self.source.type.dtype)
        levels = quantizer.maximum - quantizer.minimum
        thresholds = located(step, lambda: find(lambda y: codes(y * sign), *bounds, levels))
        return node, thresholds, bounds

    def _check_pools(
        self, step: Step, bounds: tuple[IntArray, IntArray], falling: npt.NDArray[np.bool_]
    ) -> None:
        """Refuse a pool that cannot move after the quantizer ``step``."""
        for index in self.pools():
            before, after = self.values(np.stack(bounds).astype(np.float64), index).numpy()
            wrong = falling | (after < before)
            if wrong.any():
                raise self.steps[index].refuse(
                    f"channel {int(np.argmax(wrong))} falls between {self.where} and {step.where}, "
                    "so the pool cannot move after the quantizer: put it there, or keep the "
                    "slopes positive"
                )


Value = Codes | Segment
"""What a step of the model gives to the next ones."""


def codes_of(step: Step, value: Value) -> Codes:
    """Return the codes that ``step`` needs.

    Raises
    ------
    LoweringError: no quantizer made any.
    """
    if isinstance(value, Codes):
        return value
    if value.average is not None and not value.steps:
        raise inexact(value)
    raise step.refuse(f"must have an UnsignedQuantizer between it and {value.where}")


def inexact(segment: Segment) -> LoweringError:
    """Return the error for an average pool whose quotients nothing rounds."""
    assert segment.average is not None
    return segment.first.refuse(
        f"divides by {divisor(*segment.average)}, which is no power of two: put a quantizer after "
        "it, or use tritforge.quant.pooling.GlobalPool"
    )


def _averaged(sums: Tensor, pool: nn.Module, height: int, width: int) -> Tensor:
    """Evaluate ``pool`` on windows with the sums [n, C]: one pixel of a window holds the sum."""
    image = torch.zeros((*sums.shape, height, width), dtype=torch.float64)
    image[:, :, 0, 0] = sums  # of the first window
    means: Tensor = pool(image)
    return means.reshape(*sums.shape, -1)[:, :, 0]


def check_exact(step: Step, dtype: DataType, terms: int, unit: float) -> None:
    """Prove that float64 adds ``terms`` codes of ``dtype`` times ``unit`` exactly.

    Raises
    ------
    LoweringError: a sum may be rounded.
    """
    row = np.ones((1, terms), dtype=np.int64)
    located(step, lambda: check_sums(row, dtype, [unit], [0.0]))


def located(step: Step, function: Callable[[], _Result]) -> _Result:
    """Call ``function``; prefix the message of its ValueError with the step's description.

    Raises
    ------
    LoweringError: ``function`` raised a ValueError.
    """
    try:
        return function()
    except ValueError as error:
        raise step.refuse(str(error)) from error


def type_of(quantizer: Quantizer) -> DataType:
    """The type of a quantizer's codes."""
    if (quantizer.minimum, quantizer.maximum) == (TERNARY.minimum, TERNARY.maximum):
        return TERNARY
    return DataType(quantizer.bits, signed=quantizer.signed)
