import re

import numpy as np
import pytest

from tests.hw.matrix import rectangles_oracle
from tritforge.export.ir.datatype import DataType
from tritforge.hw.matrix import cse as sharing
from tritforge.hw.matrix import rectangles
from tritforge.hw.matrix.compressor import wire
from tritforge.hw.matrix.cse import CseOptions, share


def ternary(rows, columns, density=0.5, seed=0):
    rng = np.random.default_rng(seed)
    return np.where(rng.random((rows, columns)) < density, rng.choice([-1, 1], (rows, columns)), 0)


@pytest.mark.parametrize("depth", [0, 1, 2, None])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (7, 5), (24, 40)])
def test_the_graph_rebuilds_its_matrix(shape, depth):
    matrix = ternary(*shape)
    graph = share(matrix, 4, CseOptions(iterations=4, depth=depth))
    assert np.array_equal(graph.matrix(), matrix)
    assert graph.depth <= (30 if depth is None else depth)
    uses = [term.source for terms in (*graph.nodes, *graph.rows) for term in terms]
    assert all(uses.count(shape[1] + node) > 1 for node in range(len(graph.nodes)))


def test_small_integers_by_signed_digits():
    matrix = np.random.default_rng(0).integers(-25, 26, (6, 8))
    graph = share(matrix, 4, CseOptions(iterations=3, depth=None))
    assert np.array_equal(graph.matrix(), matrix)
    assert share(np.array([[7]]), 4).rows[0][0].shift == 0
    assert len(share(np.array([[7]]), 4).rows[0]) == 2  # 8 - 1


def test_with_the_loop_in_python_the_graph_is_the_same(monkeypatch):
    matrix = ternary(20, 24)
    for depth in (1, None):
        graphs = []
        for loop in (rectangles.extract, rectangles_oracle.extract):
            monkeypatch.setattr(sharing, "extract", loop)
            graphs.append(share(matrix, 8, CseOptions(iterations=5, depth=depth)))
        assert graphs[0] == graphs[1]


def test_sharing_and_more_rounds_take_luts_away():
    matrix, source = ternary(24, 24, 0.4), DataType.parse("s8")
    alone, first, searched = (
        wire(share(matrix, 8, search), source).luts
        for search in (
            CseOptions(depth=0),
            CseOptions(iterations=1),
            CseOptions(iterations=40, depth=None),
        )
    )
    assert first < 0.9 * alone
    assert searched < first


def test_the_seed_decides():
    matrix = ternary(20, 20)
    one, again, other = (
        share(matrix, 8, CseOptions(iterations=10, seed=seed)) for seed in (1, 1, 2)
    )
    assert one == again
    assert one != other


def test_rounds_end_with_the_effort(monkeypatch):
    matrix = ternary(20, 20)
    first = share(matrix, 8, CseOptions(iterations=1, seed=7))
    monkeypatch.setattr(sharing, "EFFORT", 1)
    assert share(matrix, 8, CseOptions(iterations=10**9, seed=7)) == first


def test_arrays_in_any_layout():
    matrix = ternary(10, 14)
    expected = share(matrix, 8)
    for other in (
        np.asfortranarray(matrix),
        matrix[::-1][::-1],
        np.repeat(matrix, 2, axis=1)[:, ::2],
    ):
        assert share(other, 8) == expected


def test_a_time_limit_ends_the_rounds():
    graph = share(ternary(16, 16), 8, CseOptions(iterations=10**9, seconds=0.05))
    assert np.array_equal(graph.matrix(), ternary(16, 16))


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"iterations": 0}, ValueError, "iterations must be positive, not 0"),
        ({"iterations": 1.0}, TypeError, "iterations must be an int, not 1.0"),
        ({"seconds": 0}, ValueError, "seconds must be positive, not 0"),
        ({"seconds": "1"}, TypeError, "seconds must be a number, not '1'"),
        ({"seed": True}, TypeError, "seed must be an int, not True"),
        ({"depth": -1}, ValueError, "depth must not be negative, not -1"),
    ],
)
def test_search_arguments(values, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        CseOptions(**values)


@pytest.mark.parametrize(
    ("matrix", "bits", "message"),
    [
        (np.zeros((0, 3), np.int8), 8, "matrix must not be empty, not of shape (0, 3)"),
        (
            np.zeros(3, np.int8),
            8,
            "matrix must be a matrix of integers, not of int8 with shape (3,)",
        ),
        (
            np.zeros((2, 2)),
            8,
            "matrix must be a matrix of integers, not of float64 with shape (2, 2)",
        ),
        (np.zeros((2, 2), np.int8), 0, "bits must be positive, not 0"),
    ],
)
def test_matrices_that_are_none(matrix, bits, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        share(matrix, bits)
