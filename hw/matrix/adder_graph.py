"""The adder graph of a constant matrix: y = W x as sums of shifted, signed sources.

    node[n] = sum over its terms of (-1)**negative * 2**shift * source
    y[row]  = the same

A source is an input (0..K-1) or a shared node (K + n for node n). The terms of a node are inputs
and earlier nodes, so evaluation follows the order of the nodes. ``AdderGraph.matrix`` rebuilds W
exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tritforge.types import IntArray

__all__ = ["AdderGraph", "Sum", "Term"]


@dataclass(frozen=True)
class Term:
    """(-1)**negative * 2**shift * source."""

    source: int
    negative: bool = False
    shift: int = 0

    @property
    def weight(self) -> int:
        """Signed power of two that multiplies the source."""
        return -(1 << self.shift) if self.negative else 1 << self.shift


Sum = tuple[Term, ...]


@dataclass(frozen=True)
class AdderGraph:
    """y = W x with common subexpressions as nodes.

    Parameters
    ----------
    inputs: number of inputs, K.
    nodes: terms of each shared sum: inputs and earlier nodes.
    rows: terms of each element of y.

    Raises
    ------
    ValueError: a term refers to a source that is not defined before it.

    >>> nodes = ((Term(0), Term(1)),)
    >>> rows = ((Term(3), Term(2)), (Term(3), Term(2, negative=True)))
    >>> shared = AdderGraph(3, nodes, rows)
    >>> shared.matrix().tolist(), shared.adders
    ([[1, 1, 1], [1, 1, -1]], 3)
    """

    inputs: int
    nodes: tuple[Sum, ...]
    rows: tuple[Sum, ...]

    def __post_init__(self) -> None:
        known = self.inputs
        for name, sums, grows in (("node", self.nodes, 1), ("row", self.rows, 0)):
            for number, terms in enumerate(sums):
                wrong = next((t.source for t in terms if not 0 <= t.source < known), None)
                if wrong is not None:
                    raise ValueError(
                        f"{name} {number}: a source must be in 0..{known - 1}, not {wrong!r}"
                    )
                known += grows

    def evaluate(self, inputs: npt.ArrayLike) -> IntArray:
        """Return y [..., M] for x [..., K], in the order in which the circuit adds."""
        values = list(np.moveaxis(np.asarray(inputs, dtype=np.int64), -1, 0))
        if len(values) != self.inputs:
            raise ValueError(
                f"inputs must have {self.inputs} elements on their last axis, not {len(values)}"
            )
        zero = np.zeros(np.shape(inputs)[:-1], dtype=np.int64)

        def add(terms: Sum) -> IntArray:
            return sum((term.weight * values[term.source] for term in terms), zero)

        for terms in self.nodes:
            values.append(add(terms))
        return np.stack([add(terms) for terms in self.rows], axis=-1)

    def matrix(self) -> IntArray:
        """Return the matrix [M, K] that the graph computes."""
        return np.ascontiguousarray(self.evaluate(np.eye(self.inputs, dtype=np.int64)).T)

    @cached_property
    def depths(self) -> tuple[int, ...]:
        """Logic depth of each node: nodes on its longest path from an input, itself included."""
        depths: list[int] = []
        for terms in self.nodes:
            depths.append(1 + max((self._depth(term, depths) for term in terms), default=0))
        return tuple(depths)

    def _depth(self, term: Term, depths: list[int]) -> int:
        return depths[term.source - self.inputs] if term.source >= self.inputs else 0

    @property
    def depth(self) -> int:
        """Largest depth of any node; 0 without nodes."""
        return max(self.depths, default=0)

    @property
    def adders(self) -> int:
        """Two-operand additions: one less than the terms of each sum."""
        return sum(max(0, len(terms) - 1) for terms in (*self.nodes, *self.rows))

    @property
    def terms(self) -> int:
        """Number of terms in all sums."""
        return sum(len(terms) for terms in (*self.nodes, *self.rows))
