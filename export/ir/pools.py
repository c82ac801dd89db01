"""Reductions over windows, and the best of a vector."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Node, TensorType
from tritforge.export.ir.registry import node_kind
from tritforge.export.ir.windows import positions, shown

__all__ = ["MaxPool", "Pool", "SumPool", "TopK"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Pool(Node):
    """A reduction over windows of ``size`` (height, width) that are ``stride`` apart.

    Without a stride it is the size. Rows and columns that fill no window are dropped. ``padding``
    is smaller than the size.
    """

    size: tuple[int, int]
    stride: tuple[int, int] | None = None
    padding: tuple[int, int] = (0, 0)

    def _check(self) -> None:
        if self.stride is None:
            object.__setattr__(self, "stride", self.size)
        if min(self.size) < 1:
            raise self._refuse(f"size must be positive, not {self.size!r}")
        if min(self.step) < 1:
            raise self._refuse(f"stride must be positive, not {self.stride!r}")
        if min(self.padding) < 0 or any(
            pad >= extent for pad, extent in zip(self.padding, self.size, strict=True)
        ):
            raise self._refuse(
                f"padding must be at least 0 and smaller than the window {self.size!r}, not "
                f"{self.padding!r}"
            )

    @property
    def step(self) -> tuple[int, int]:
        """The stride, which is never None once the node exists."""
        assert self.stride is not None
        return self.stride

    @property
    def summary(self) -> str:
        """The reduction, the window, and the stride where it is not the window's size."""
        steps = f", stride {self.step[0]}" if self.step != self.size else ""
        return f"{super().summary} {shown(self.size)}{steps}"

    def pixels(self, source: TensorType) -> tuple[int, int]:
        """Height and width of the output: one pixel for every whole window.

        Raises
        ------
        IRError: the window is larger than the padded input.
        """
        height, width = map(positions, source.shape[:2], self.size, self.step, self.padding)
        if min(height, width) < 1:
            raise self._refuse(f"window {self.size} is larger than the input of {source}")
        return height, width


@node_kind
@dataclass(frozen=True, eq=False, kw_only=True)
class MaxPool(Pool):
    """Maximum over windows."""

    kind = "max_pool"

    def infer(self, source: TensorType) -> TensorType:
        """One pixel for every window, of the input's type."""
        return TensorType(*self.pixels(source), source.channels, source.dtype)


@node_kind
@dataclass(frozen=True, eq=False, kw_only=True)
class SumPool(Pool):
    """Sum over windows; padding adds 0. A window as large as the image sums each channel."""

    kind = "sum_pool"

    def infer(self, source: TensorType) -> TensorType:
        """One pixel for every window, in the narrowest type that holds every sum."""
        terms, dtype = prod(self.size), source.dtype
        sums = DataType.from_range(terms * dtype.minimum, terms * dtype.maximum)
        return TensorType(*self.pixels(source), source.channels, sums)


@node_kind
@dataclass(frozen=True, eq=False, kw_only=True)
class TopK(Node):
    """Indexes of the ``k`` largest elements of a vector, the largest first.

    Of equal elements the one with the lowest index comes first.
    """

    k: int
    kind = "top_k"

    @property
    def summary(self) -> str:
        """How many."""
        return f"best {self.k}"

    def _check(self) -> None:
        if not isinstance(self.k, int) or isinstance(self.k, bool) or self.k < 1:
            raise self._refuse(f"k must be a positive int, not {self.k!r}")

    def infer(self, source: TensorType) -> TensorType:
        """``k`` indexes.

        Raises
        ------
        IRError: the input is no vector, or has fewer than ``k`` elements.
        """
        if source.shape[:2] != (1, 1):
            raise self._refuse(f"takes a vector, not {source}")
        if self.k > source.channels:
            raise self._refuse(f"k must not exceed the {source.channels} elements, not {self.k!r}")
        return TensorType(1, 1, self.k, DataType.from_range(0, source.channels - 1))
