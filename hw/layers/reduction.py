"""What a pooling does with the elements of a window, their maximum or their sum, and what poolings have in common."""

from dataclasses import dataclass
from enum import Enum

from amaranth import *

from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import TensorType
from tritforge.hw.stream.unit import Beats, Unit

__all__ = ["PoolUnit", "Reduction"]


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

    def reduce(self, row, name, values, width):
        """All ``values`` of the circuit made one of ``width`` bits: the largest as a balanced tree, the sum in rows of up to
        three (``row``, tritforge.hw.targets.rows.rows)."""
        values = list(values)
        if self is Reduction.SUM:
            values = [_extended(value, width) for value in values]
        while len(values) > 1:
            if self is Reduction.MAX:
                pairs  = [row.larger(f"{name}_{len(values)}_{number}", left, right)
                          for number, (left, right) in enumerate(zip(values[0::2], values[1::2], strict=False))]
                values = pairs + values[len(pairs) * 2:]
            else:
                values = [group[0] if len(group) == 1 else row.add(f"{name}_{len(values)}_{number}", group, width)
                          for number, group in enumerate(values[at:at + 3] for at in range(0, len(values), 3))]
        return values[0]

    def accumulate(self, row, name, value, so_far, first):
        """``value`` and, unless ``first`` is high, ``so_far`` made one, of the width of ``so_far``."""
        if self is Reduction.MAX:
            return row.running_larger(name, so_far, value, first)
        return row.add(name, [_extended(value, len(so_far))], len(so_far), so_far=so_far, clear=first)


def _extended(value, width):
    """``value`` with its sign up to ``width`` bits; an unsigned one as it is."""
    return Cat(value, value[-1].replicate(width - len(value))) if value.shape().signed else value


@dataclass(frozen=True, kw_only=True)
class PoolUnit(Unit):
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
