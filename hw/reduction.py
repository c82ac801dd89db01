"""What a pooling does with the elements of a window: their maximum or their sum."""

from enum import Enum

from amaranth import *

from export.datatype import DataType

__all__ = ["Reduction"]


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
