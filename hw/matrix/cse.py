"""Common subexpression elimination (CSE) of a constant matrix, with LUTs as the cost.

The matrix is split into ternary digit rows (canonical signed digits of its elements; a ternary
matrix has one per row). A rectangle is a set of rows and a set of columns whose entries agree up to
a sign per row and per column. Its columns become one node, each of its rows uses that node as a
single term, and the node's own row can be shared again.

The cost counts LUTs, not additions. A compressor row removes two bits per LUT, so each bit that
enters a heap costs its consumer a little more than half a LUT, a node costs the compression of its
own heap, and the gain of a rectangle follows (tritforge.hw.matrix.rectangles). A greedy pass takes
the best rectangles; a large neighbourhood search then dissolves random nodes and fills again, as
long as the cost falls.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tritforge.hw.matrix.adder_graph import AdderGraph, Term
from tritforge.hw.matrix.bit_heap import estimate
from tritforge.hw.matrix.rectangles import EFFORT, UNIT, Entries, extract, node_profile
from tritforge.types import IntArray

__all__ = ["CseOptions", "share"]

TIE = 8
"""Weight of a heap bit, in parts of a LUT (``UNIT``): breaks ties between equal LUT counts."""

DEEPEST = 30
"""Depth limit where none is set."""


@dataclass(frozen=True, kw_only=True)
class CseOptions:
    """Limits of the search.

    Parameters
    ----------
    iterations: most passes, the greedy one included, 1 or more. The total work is bounded too
        (tritforge.hw.matrix.rectangles.EFFORT), so that a large matrix takes minutes.
    seconds: time limit; None for none. With a limit, the result depends on the machine's speed.
    seed: of the random choices.
    depth: most cascaded nodes on a path; None for no limit, 0 shares nothing.
    """

    iterations: int = 100
    seconds: float | None = None
    seed: int = 0
    depth: int | None = 1

    def __post_init__(self) -> None:
        for name in ("iterations", "seed", "depth"):
            value = getattr(self, name)
            if name == "depth" and value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} must be an int, not {value!r}")
        if self.iterations < 1:
            raise ValueError(f"iterations must be positive, not {self.iterations!r}")
        if self.seconds is not None and not isinstance(self.seconds, (int, float)):
            raise TypeError(f"seconds must be a number, not {self.seconds!r}")
        if self.seconds is not None and not self.seconds > 0:
            raise ValueError(f"seconds must be positive, not {self.seconds!r}")
        if self.depth is not None and self.depth < 0:
            raise ValueError(f"depth must not be negative, not {self.depth!r}")


def share(
    matrix: npt.NDArray[np.integer], bits: int, search: CseOptions | None = None
) -> AdderGraph:
    """Return an adder graph of ``matrix`` [M, K] for inputs of ``bits`` bits.

    ``search``: limits of the search; None for the defaults.

    Raises
    ------
    ValueError: ``matrix`` is not a non-empty integer matrix, or ``bits`` is not positive.
    """
    options = search or CseOptions()
    array = np.asarray(matrix)
    if array.ndim != 2 or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"matrix must be a matrix of integers, not of {array.dtype} with shape {array.shape}"
        )
    if 0 in array.shape:
        raise ValueError(f"matrix must not be empty, not of shape {array.shape}")
    if bits < 1:
        raise ValueError(f"bits must be positive, not {bits!r}")
    return _shared(array.astype(np.int64).tobytes(), tuple(array.shape), bits, options)


@lru_cache(maxsize=64)  # a design is planned more than once, and searched for once
def _shared(content: bytes, shape: tuple[int, ...], bits: int, options: CseOptions) -> AdderGraph:
    array = np.frombuffer(content, dtype=np.int64).reshape(shape)
    digits = digit_rows(array)
    state = _State(shape[1], bits, len(digits), _elements(array, digits, bits))
    for number, (_, _, row) in enumerate(digits):
        state.rows[number] = {int(c): int(row[c]) for c in np.flatnonzero(row)}
    if options.depth != 0:
        state = _search(state, options)
    graph = _graph(state, digits, shape)
    if not np.array_equal(graph.matrix(), array):
        raise AssertionError("the graph does not rebuild its matrix")
    return graph


def digit_rows(matrix: IntArray) -> list[tuple[int, int, npt.NDArray[np.int8]]]:
    """Split a matrix into (row, shift, trits) by canonical signed digits; omit empty digit rows.

    >>> [(row, shift, trits.tolist()) for row, shift, trits in digit_rows(np.array([[1, -3]]))]
    [(0, 0, [1, 1]), (0, 2, [0, -1])]
    """
    found: list[tuple[int, int, int, npt.NDArray[np.int8]]] = []
    rest, shift = matrix.copy(), 0
    while rest.any():
        odd = rest & 1
        digit = np.where(odd, 2 - (rest & 3), 0)  # 1, or -1 where the rest is 3 modulo 4
        rest = (rest - digit) >> 1
        found += [
            (int(r), shift, 0, digit[r].astype(np.int8)) for r in np.flatnonzero(digit.any(axis=1))
        ]
        shift += 1
    return [(row, at, trits) for row, at, _, trits in sorted(found, key=lambda item: item[:2])]


@dataclass(frozen=True)
class _Element:
    """An element of y: (digit row, shift) pairs, and its width in bits."""

    digits: tuple[tuple[int, int], ...]
    width: int


def _elements(
    matrix: IntArray, digits: Sequence[tuple[int, int, npt.NDArray[np.int8]]], bits: int
) -> list[_Element]:
    spans = np.abs(matrix.astype(np.int64)).sum(axis=1) * ((1 << bits) - 1)
    found: list[list[tuple[int, int]]] = [[] for _ in spans]
    for number, (row, shift, _) in enumerate(digits):
        found[row].append((number, shift))
    return [
        _Element(tuple(d), int(span).bit_length())
        for d, span in zip(found, spans, strict=True)
        if d
    ]


class _State:
    """Digit rows, then node rows, as {column: sign}.

    Node n is column ``inputs`` + n and row ``outputs`` + n.
    """

    def __init__(self, inputs: int, bits: int, outputs: int, elements: Sequence[_Element]) -> None:
        self.elements = elements
        self.inputs = inputs
        self.bits = bits
        self.outputs = outputs
        self.rows: Entries = [{} for _ in range(outputs)]

    def copy(self) -> _State:
        other = _State(self.inputs, self.bits, self.outputs, self.elements)
        other.rows = [dict(row) for row in self.rows]
        return other

    def order(self) -> list[int]:
        """Return the nodes in topological order."""
        order: list[int] = []
        done: set[int] = set()
        for root in range(len(self.rows) - self.outputs):
            stack = [root]
            while stack:
                node = stack[-1]
                missing = [
                    c - self.inputs
                    for c in sorted(self.rows[self.outputs + node])
                    if c >= self.inputs and c - self.inputs not in done
                ]
                if node in done or not missing:
                    stack.pop()
                    if node not in done:
                        done.add(node)
                        order.append(node)
                else:
                    stack += missing
        return order

    def cost(self) -> int:
        """Estimate the LUTs of nodes and rows, in parts of a LUT; heap bits break ties."""
        size: dict[int, tuple[int, ...]] = {}
        plain = (1,) * self.bits
        total = entering = 0
        for node in self.order():
            luts, size[node] = node_profile(self._heights(self.outputs + node, size, plain))
            total += luts
        for element in self.elements:
            heights = [0] * element.width
            for row, shift in element.digits:
                for column, count in enumerate(self._heights(row, size, plain), start=shift):
                    if column < element.width:
                        heights[column] += count
            total += estimate(tuple(heights), element.width)
            entering += sum(heights)
        return total * UNIT + entering * TIE

    def _heights(
        self, row: int, size: dict[int, tuple[int, ...]], plain: tuple[int, ...]
    ) -> tuple[int, ...]:
        profiles = [plain if c < self.inputs else size[c - self.inputs] for c in self.rows[row]]
        heights = [0] * max((len(p) for p in profiles), default=0)
        for profile in profiles:
            for column, count in enumerate(profile):
                heights[column] += count
        return tuple(heights)

    def dissolve(self, doomed: set[int]) -> None:
        """Inline the ``doomed`` nodes, then the nodes that are used less than twice."""
        order = self.order()
        while True:
            for node in order:
                if node in doomed:
                    self._inline(node)
            uses = [0] * (len(self.rows) - self.outputs)
            for number, row in enumerate(self.rows):
                if number < self.outputs or number - self.outputs not in doomed:
                    for column in row:
                        if column >= self.inputs:
                            uses[column - self.inputs] += 1
            more = {n for n, count in enumerate(uses) if count < 2} - doomed
            if not more:
                break
            order = [n for n in order if n not in doomed]
            doomed = doomed | more
        self._renumber(doomed)

    def _inline(self, node: int) -> None:
        column, terms = self.inputs + node, self.rows[self.outputs + node]
        for row in self.rows:
            sign = row.pop(column, 0)
            if sign:
                row.update({c: s * sign for c, s in terms.items()})

    def _renumber(self, doomed: set[int]) -> None:
        left = [n for n in range(len(self.rows) - self.outputs) if n not in doomed]
        place = {self.inputs + n: self.inputs + at for at, n in enumerate(left)}
        self.rows = [
            {place.get(c, c): s for c, s in self.rows[number].items()}
            for number in [*range(self.outputs), *(self.outputs + n for n in left)]
        ]


def _search(state: _State, options: CseOptions) -> _State:
    """Greedy pass, then large neighbourhood search."""
    chance = random.Random(options.seed)
    depth = DEEPEST if options.depth is None else options.depth
    started = time.monotonic()
    work = _fill(state, depth, 0, 0)
    state.dissolve(set())
    cost = state.cost()
    best, best_cost = state, cost
    for _round_number in range(1, options.iterations):
        if work > EFFORT or (
            options.seconds is not None and time.monotonic() - started > options.seconds
        ):
            break
        trial = state.copy()
        nodes = len(trial.rows) - trial.outputs
        share_of = 0.5 * chance.random() ** 2 + 0.02
        trial.dissolve({node for node in range(nodes) if chance.random() < share_of})
        work += _fill(trial, depth, chance.getrandbits(30) + 1, chance.randrange(3))
        trial.dissolve(set())
        trial_cost = trial.cost()
        if trial_cost <= cost + cost // 2000 * (chance.random() < 0.2):
            state, cost = trial, trial_cost
            if cost < best_cost:
                best, best_cost = state, cost
    return best


def _fill(state: _State, depth: int, noise: int, power: int) -> int:
    return extract(state.rows, state.inputs, state.outputs, state.bits, depth, noise, power)


def _graph(
    state: _State, digits: Sequence[tuple[int, int, npt.NDArray[np.int8]]], shape: tuple[int, ...]
) -> AdderGraph:
    order = state.order()
    place = {state.inputs + node: state.inputs + at for at, node in enumerate(order)}

    def terms(row: int, shift: int = 0) -> tuple[Term, ...]:
        entries = ((place.get(c, c), sign) for c, sign in state.rows[row].items())
        return tuple(Term(c, sign < 0, shift) for c, sign in sorted(entries))

    rows: list[tuple[Term, ...]] = [()] * shape[0]
    for number, (row, shift, _) in enumerate(digits):
        rows[row] += terms(number, shift)
    return AdderGraph(shape[1], tuple(terms(state.outputs + node) for node in order), tuple(rows))
