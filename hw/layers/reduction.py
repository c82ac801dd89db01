"""Reductions of a pooling window, maximum and sum, and the description that all poolings share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from amaranth import *

from tritforge.export.ir.datatype import DataType
from tritforge.hw.stream.unit import Beats, ImageUnit
from tritforge.hw.targets.operators import Operators

__all__ = ["PoolUnit", "Reduction"]


class Reduction(Enum):
    """Function of the elements of a window. Both are associative, so the order is free."""

    MAX = "max"
    SUM = "sum"

    def dtype(self, source: DataType, terms: int) -> DataType:
        """Return the narrowest type of the result of ``terms`` elements of type ``source``."""
        if self is Reduction.MAX:
            return source
        return DataType.from_range(terms * source.minimum, terms * source.maximum)

    def neutral(self, source: DataType) -> int:
        """Return the padding value, which changes no result."""
        return source.minimum if self is Reduction.MAX else 0

    def reduce(self, row: Operators, name: str, values: Sequence[Value], width: int) -> Value:
        """Reduce ``values`` to one of ``width`` bits: maximum as a balanced tree, sum in rows of
        three.

        ``row``: adder and comparator primitives (tritforge.hw.targets.rows).
        """
        values = list(values)
        if self is Reduction.SUM:
            values = [_extended(value, width) for value in values]
        while len(values) > 1:
            if self is Reduction.MAX:
                pairs = [
                    row.larger(f"{name}_{len(values)}_{number}", left, right)
                    for number, (left, right) in enumerate(
                        zip(values[0::2], values[1::2], strict=False)
                    )
                ]
                values = pairs + values[len(pairs) * 2:]
            else:
                values = [
                    group[0]
                    if len(group) == 1
                    else row.add(f"{name}_{len(values)}_{number}", group, width)
                    for number, group in enumerate(
                        values[at : at + 3] for at in range(0, len(values), 3)
                    )
                ]
        return values[0]

    def accumulate(
        self, row: Operators, name: str, value: Value, so_far: Value, first: Value
    ) -> Value:
        """Reduce ``value`` and, unless ``first``, ``so_far`` to one value as wide as ``so_far``."""
        if self is Reduction.MAX:
            return row.running_larger(name, so_far, value, first)
        return row.add(
            name, [_extended(value, len(so_far))], len(so_far), so_far=so_far, clear=first
        )


def _extended(value: Value, width: int) -> Value:
    """Return ``value`` sign-extended to ``width`` bits; an unsigned one unchanged."""
    return Cat(value, value[-1].replicate(width - len(value))) if value.shape().signed else value


@dataclass(frozen=True, kw_only=True)
class PoolUnit(ImageUnit):
    """A pooling: the elements of each channel of a window are reduced to one.

    Parameters
    ----------
    size : (height, width) of the window.
    reduction : maximum or sum.

    Raises
    ------
    ValueError : ``lanes`` does not divide the channels.
    """

    size:      tuple[int, int]
    reduction: Reduction = Reduction.MAX

    def __post_init__(self) -> None:
        if self.tensor.channels % self.lanes:
            raise ValueError(
                f"lanes must divide the {self.tensor.channels} channels, not {self.lanes!r}"
            )

    @property
    def o(self) -> Beats:
        """``lanes`` results."""
        return Beats(
            self.reduction.dtype(self.tensor.dtype, self.size[0] * self.size[1]), self.lanes
        )

    @property
    @abstractmethod
    def output_size(self) -> tuple[int, int]:
        """Output (rows, columns)."""

    @property
    def frame_beats(self) -> int:
        """Output pixels * pixel_beats."""
        return self.output_size[0] * self.output_size[1] * self.pixel_beats
