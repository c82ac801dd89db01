"""A matrix as a graph of additions: rows of signed, shifted terms, where a term is an input or a shared node.

    node[n] = sum over its terms of (-1)**negative * 2**shift * source
    y[row]  = the same

Sources are numbered: 0..K-1 are the inputs, K + n is node n. A node's terms are inputs and earlier nodes,
    so the graph is executed in order. It rebuilds its matrix exactly (``AdderGraph.matrix``).
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
        """What the source is multiplied with."""
        return -(1 << self.shift) if self.negative else 1 << self.shift


Sum = tuple[Term, ...]


@dataclass(frozen=True)
class AdderGraph:
    """y = W x as shared sums.

    Parameters
    ----------
    inputs: K.
    nodes: the terms of each shared sum, inputs and earlier nodes.
    rows: the terms of each element of y.

    Raises
    ------
    ValueError: a term whose source is not there yet.

    >>> shared = AdderGraph(3, ((Term(0), Term(1)),), ((Term(3), Term(2)), (Term(3), Term(2, negative=True))))
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
                for term in terms:
                    if not 0 <= term.source < known:
                        raise ValueError(
                            f"{name} {number}: a source must be in 0..{known - 1}, not {term.source!r}"
                        )
                known += grows

    def evaluate(self, inputs: npt.ArrayLike) -> IntArray:
        """Return y [..., M] for x [..., K], sum by sum as the circuit does."""
        values = list(np.moveaxis(np.asarray(inputs, dtype=np.int64), -1, 0))
        if len(values) != self.inputs:
            raise ValueError(f"inputs must have {self.inputs} elements on their last axis, not {len(values)}")
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
        """Of each node: nodes on the longest way from an input, itself included."""
        depths: list[int] = []
        for terms in self.nodes:
            depths.append(1 + max((self._depth(term, depths) for term in terms), default=0))
        return tuple(depths)

    def _depth(self, term: Term, depths: list[int]) -> int:
        return depths[term.source - self.inputs] if term.source >= self.inputs else 0

    @property
    def depth(self) -> int:
        """Largest depth of a node."""
        return max(self.depths, default=0)

    @property
    def adders(self) -> int:
        """Additions of two operands that the graph stands for: one less than the terms of each sum."""
        return sum(max(0, len(terms) - 1) for terms in (*self.nodes, *self.rows))

    @property
    def terms(self) -> int:
        """Terms of all sums."""
        return sum(len(terms) for terms in (*self.nodes, *self.rows))
