"""Greedy extraction of common subexpressions: rectangles of a sparse ternary matrix become nodes.

A rectangle is a set of rows R and a set of columns C with
``entry[r][c] = sign_r * sign_c`` for all of them. It grows from a pair of columns (or rows) with
all rows (columns) that agree on the pair: each step adds the line that keeps the most of them, and
the size with the largest gain wins. The loop is C++ (rectangles.cpp), with integers only and a
defined order; tests/hw/matrix/rectangles_oracle.py is the same loop in Python.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
from pathlib import Path

import numpy as np

from tritforge.hw.matrix.native import compiled_library

__all__ = ["EFFORT", "UNIT", "Entries", "extract", "node_profile"]

UNIT = 64
"""Parts of a LUT: the unit of gains."""

EFFORT = 3_000_000_000
"""Bound on the work (lines examined), which matrices of hundreds of thousands of elements reach."""

Entries = list[dict[int, int]]
"""Per row, the sign of each nonzero entry by column."""


def node_profile(heights: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """Return the LUTs of a node with these heap heights, and its output bits per column.

    Ternary rows until no column has more than three bits, then a last row as long as it removes
    bits.

    >>> node_profile((3, 3)), node_profile((2, 2))
    ((2, (1, 1, 2)), (2, (1, 1, 1)))
    """
    heap, luts = [*heights, 0, 0], 0
    while max(heap) > 3:
        column = next(c for c, height in enumerate(heap) if height > 3)
        most = 4
        while heap[column] > 2:
            heap[column] -= min(most, heap[column]) - 1
            column, luts, most = column + 1, luts + 1, 3
            if column + 1 == len(heap):
                heap.append(0)
        heap[column] += 2
    high = [c for c, height in enumerate(heap) if height > 1]
    if high:
        column, last = high[0], high[-1]
        save = False
        while heap[column] > 1 or (heap[column] and (save or column < last)):
            save = heap[column] > 1 and heap[column] + save > 2
            heap[column] = 1
            column, luts = column + 1, luts + 1
            if column + 1 == len(heap):
                heap.append(0)
        heap[column] += 1 + save
    while heap and not heap[-1]:
        heap.pop()
    return luts, tuple(heap)


def extract(
    rows: Entries, inputs: int, outputs: int, bits: int, depth: int, noise: int, power: int
) -> int:
    """Replace rectangles of ``rows`` by nodes until none has a gain; return the lines examined.

    Parameters
    ----------
    rows: rows of the outputs, then of the nodes; changed in place. Column ``inputs`` + n is node n.
    inputs, outputs: number of columns and rows that are not nodes.
    bits: width of an input in bits.
    depth: most cascaded nodes on a path.
    noise: 0, or a seed that varies the costs of bits and of even rows and lowers each gain by up to
        a quarter.
    power: preference for small rectangles: the gain is divided by their area's 4th root (1) or
        square root (2); 0 for none.

    Raises
    ------
    CompilerError: the loop cannot be compiled.
    """
    library = _library()
    start = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64)
    columns = np.array([c for row in rows for c in row], dtype=np.int32)
    signs = np.array([s for row in rows for s in row.values()], dtype=np.int8)
    handle = library.rectangles_extract(
        len(rows), start.ctypes.data, columns.ctypes.data, signs.ctypes.data,
        inputs, outputs, bits, depth, noise, power,
    )  # fmt: skip
    try:
        start = np.empty(library.rectangles_rows(handle) + 1, dtype=np.int64)
        columns = np.empty(library.rectangles_entries(handle), dtype=np.int32)
        signs = np.empty(len(columns), dtype=np.int8)
        library.rectangles_read(handle, start.ctypes.data, columns.ctypes.data, signs.ctypes.data)
        work = int(library.rectangles_work(handle))
    finally:
        library.rectangles_free(handle)
    pairs = list(zip(columns.tolist(), signs.tolist(), strict=True))
    bounds = start.tolist()
    rows[:] = [dict(pairs[first:last]) for first, last in itertools.pairwise(bounds)]
    return work


@functools.cache
def _library() -> ctypes.CDLL:
    library = compiled_library(Path(__file__).with_suffix(".cpp"))
    library.rectangles_extract.restype = ctypes.c_void_p
    library.rectangles_entries.restype = library.rectangles_work.restype = ctypes.c_int64
    number, pointer = ctypes.c_int, ctypes.c_void_p
    library.rectangles_extract.argtypes = [
        number, pointer, pointer, pointer, number, number, number, number, ctypes.c_int64, number,
    ]  # fmt: skip
    for read in ("rows", "entries", "work", "free"):
        getattr(library, f"rectangles_{read}").argtypes = [pointer]
    library.rectangles_read.argtypes = [pointer] * 4
    return library
