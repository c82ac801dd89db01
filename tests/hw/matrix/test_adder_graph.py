import re

import numpy as np
import pytest

from tritforge.hw.matrix.adder_graph import AdderGraph, Term

SHARED = AdderGraph(
    3,
    ((Term(0), Term(1, negative=True)), (Term(3), Term(2, shift=2))),
    ((Term(4), Term(0)), (Term(4, negative=True, shift=1),), ()),
)


def test_the_matrix_is_what_the_graph_computes() -> None:
    assert SHARED.matrix().tolist() == [[2, -1, 4], [-2, 2, -8], [0, 0, 0]]
    vectors = np.random.default_rng(0).integers(-9, 9, (5, 4, 3))
    assert np.array_equal(SHARED.evaluate(vectors), vectors @ SHARED.matrix().T)


def test_statistics() -> None:
    assert SHARED.depths == (1, 2)
    assert SHARED.depth == 2
    assert SHARED.adders == 3
    assert SHARED.terms == 7
    assert AdderGraph(2, (), ((),)).depth == 0


@pytest.mark.parametrize(
    ("nodes", "rows", "message"),
    [
        (((Term(2),),), (), "node 0: a source must be in 0..1, not 2"),
        ((), ((Term(0),), (Term(-1),)), "row 1: a source must be in 0..1, not -1"),
    ],
)
def test_sources_that_are_not_there(nodes, rows, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        AdderGraph(2, nodes, rows)


def test_inputs_of_another_length() -> None:
    with pytest.raises(
        ValueError, match=r"^inputs must have 3 elements on their last axis, not 2$"
    ):
        SHARED.evaluate(np.zeros((4, 2)))
