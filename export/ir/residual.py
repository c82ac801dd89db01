"""What makes a network residual: the add of two branches, and the shortcut without weights.

Add-ons to the contract of ``tritforge.export.ir.nodes``: a network may fork, since any number of
nodes may read a tensor.
"""

from __future__ import annotations

from dataclasses import dataclass

from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Node, TensorType
from tritforge.export.ir.registry import node_kind

__all__ = ["Add", "Shortcut"]


@node_kind
@dataclass(frozen=True, eq=False, kw_only=True)
class Add(Node):
    """``input`` + ``other``, element by element.

    Both count the same step. The contract has no scales, so the code that makes the node
    (``tritforge.export.lowering.lower``) must ensure it. Their types may differ; that of the sum is
    proved, so the sum is exact.
    """

    other: str
    kind = "add"
    words = "residual add"

    @property
    def inputs(self) -> tuple[str, ...]:
        """The two branches."""
        return (self.input, self.other)

    def infer(self, source: TensorType, other: TensorType) -> TensorType:
        """The narrowest type that holds every sum.

        Raises
        ------
        IRError: the inputs differ in shape.
        """
        if source.shape != other.shape:
            raise self._refuse(
                f"branches must have one shape, but {self.input!r} is {source} and {self.other!r} "
                f"is {other}"
            )
        left, right = source.dtype, other.dtype
        sums = DataType.from_range(left.minimum + right.minimum, left.maximum + right.maximum)
        return TensorType(*source.shape, sums)


@node_kind
@dataclass(frozen=True, eq=False, kw_only=True)
class Shortcut(Node):
    """Every ``stride``-th pixel, with channels of 0 ``before`` and ``after`` its own.

    The shortcut without weights of He et al. 2015 (arXiv:1512.03385, section 4.2, option A).
    """

    stride: tuple[int, int] = (1, 1)
    before: int = 0
    after: int = 0
    kind = "shortcut"

    @property
    def summary(self) -> str:
        """The stride where it is not 1, and the channels that are added."""
        steps = f", stride {self.stride[0]}" if self.stride != (1, 1) else ""
        zeros = self.before + self.after
        return f"shortcut{steps}" + (f", {zeros} channels of 0" if zeros else "")

    def _check(self) -> None:
        if min(self.stride) < 1:
            raise self._refuse(f"stride must be positive, not {self.stride!r}")
        for name in ("before", "after"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise self._refuse(f"{name} must be an int of at least 0, not {value!r}")

    def infer(self, source: TensorType) -> TensorType:
        """The subsampled image with the added channels."""
        height, width = (
            -(-extent // stride)
            for extent, stride in zip(source.shape[:2], self.stride, strict=True)
        )
        return TensorType(height, width, self.before + source.channels + self.after, source.dtype)
