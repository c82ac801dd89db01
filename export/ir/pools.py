"""Sums over windows, and the best of a vector: nodes beside those of
``tritforge.export.ir.nodes``."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Node, Pool, TensorType
from tritforge.export.ir.registry import node_kind

__all__ = ["SumPool", "TopK"]


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
    """Indexes of the ``k`` largest elements of a vector, the largest first, the lowest index among
    equals."""

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
        """``k`` indexes."""
        if source.shape[:2] != (1, 1):
            raise self._refuse(f"takes a vector, not {source}")
        if self.k > source.channels:
            raise self._refuse(f"k must not exceed the {source.channels} elements, not {self.k!r}")
        return TensorType(1, 1, self.k, DataType.from_range(0, source.channels - 1))
