"""What a pooling does with the elements of a window, their maximum or their sum, and what poolings have in common."""

from dataclasses import dataclass
from enum import Enum

from amaranth import *

from export.datatype import DataType
from export.ir import TensorType
from hw.stream import Beats, Unit

__all__ = ["Pooling", "Reduction"]


class Reduction(Enum):
    """Both are associative, so a window may be reduced in any order."""

    MAX = "max"
    SUM = "sum"

    def dtype(self, source, terms):
        """The narrowest type of a result of up to ``terms`` elements of type ``source``."""
        if self is Reduction.MAX:
            return source
        return DataType.from_range(terms * source.minimum, terms * source.maximum)

    def neutral(self, source):
        """What padding inserts: it changes no result."""
        return source.minimum if self is Reduction.MAX else 0

    def combine(self, left, right):
        """Two values of the circuit made one."""
        return Mux(left > right, left, right) if self is Reduction.MAX else left + right

    def reduce(self, values):
        """All ``values`` of the circuit made one, as a balanced tree."""
        values = list(values)
        while len(values) > 1:
            pairs  = [self.combine(left, right) for left, right in zip(values[0::2], values[1::2], strict=False)]
            values = pairs + values[len(pairs) * 2:]
        return values[0]


@dataclass(frozen=True, kw_only=True)
class Pooling(Unit):
    """A pooling, beat by beat: a window's elements of each channel become one.

    Parameters
    ----------
    name : instance name.
    tensor : the input's type.
    size : (height, width) of the window.
    lanes : channels per beat; divides the channel count.
    reduction : what becomes of a window.

    Raises
    ------
    ValueError : ``lanes`` does not divide the channels.
    """

    name:      str
    tensor:    TensorType
    size:      tuple[int, int]
    lanes:     int
    reduction: Reduction = Reduction.MAX

    def __post_init__(self):
        if self.tensor.channels % self.lanes:
            raise ValueError(f"lanes must divide the {self.tensor.channels} channels, not {self.lanes!r}")

    @property
    def i(self):
        return Beats(self.tensor.dtype, self.lanes)

    @property
    def o(self):
        return Beats(self.reduction.dtype(self.tensor.dtype, self.size[0] * self.size[1]), self.lanes)

    @property
    def pixel_beats(self):
        return self.tensor.channels // self.lanes
