import random

import pytest

from tests.hw.matrix import rectangles_oracle
from tritforge.hw.matrix import rectangles
from tritforge.hw.matrix.rectangles import node_profile


@pytest.fixture(params=[rectangles, rectangles_oracle], ids=["compiled", "python"])
def extract(request):
    return request.param.extract


@pytest.mark.parametrize(
    ("heights", "luts", "left"),
    [
        ((), 0, ()),
        ((1, 1), 0, (1, 1)),
        ((2, 2), 2, (1, 1, 1)),
        ((3, 3, 3), 3, (1, 1, 1, 2)),
        ((3, 1), 2, (1, 1, 1)),  # the carry-save of the first column and the bit of the second
        ((2, 1), 1, (1, 2)),  # no carry-save: going on would take nothing away
        ((4, 4), 4, (1, 1, 1, 1)),  # two columns of a row, and of one behind it
    ],
)
def test_what_a_node_hands_on(heights, luts, left):
    found_luts, found = node_profile(heights)
    assert sum(count << at for at, count in enumerate(found)) >= sum(
        c << at for at, c in enumerate(heights)
    )
    assert (found_luts, found) == (luts, left)


def expand(rows, inputs, outputs):
    """The rows of the outputs in terms of inputs."""

    def terms(row):
        total = {}
        for column, sign in rows[row].items():
            inner = {column: 1} if column < inputs else terms(outputs + column - inputs)
            for source, inner_sign in inner.items():
                assert source not in total
                total[source] = sign * inner_sign
        return total

    return [terms(row) for row in range(outputs)]


def test_a_rectangle_with_signs_becomes_a_node(extract):
    rows = [{0: 1, 1: -1, 2: 1, 3: 1}, {0: -1, 1: 1, 2: -1}, {0: 1, 1: -1, 2: 1, 4: -1}]
    before = [dict(row) for row in rows]
    extract(rows, 5, 3, 8, 1, 0, 0)
    assert expand(rows, 5, 3) == before
    assert rows == [{3: 1, 5: 1}, {5: -1}, {4: -1, 5: 1}, {0: 1, 1: -1, 2: 1}]


def test_depth_is_a_limit(extract):
    rows = [
        dict.fromkeys(range(6), 1),
        dict.fromkeys(range(6), 1),
        dict.fromkeys(range(3), 1),
        dict.fromkeys(range(3), 1),
    ]
    shallow = [dict(row) for row in rows]
    extract(rows, 6, 4, 8, 5, 0, 0)
    assert any(column >= 6 for row in rows[4:] for column in row)
    extract(shallow, 6, 4, 8, 1, 0, 0)
    assert not any(column >= 6 for row in shallow[4:] for column in row)


def test_even_rows_are_made_odd(extract):
    """The same four rectangles, two of pairs: a pair pays in rows whose number of terms it makes
    odd."""
    pairs = {}
    for terms in (4, 5):
        rows = [
            dict.fromkeys((0, 1, *range(2 + terms * row, terms * (row + 1))), 1) for row in range(2)
        ]
        assert {len(row) for row in rows} == {terms}
        extract(rows, 12, 2, 8, 1, 0, 0)
        pairs[terms] = len(rows) - 2
    assert pairs == {4: 1, 5: 0}


def test_the_work_is_counted_and_bounded(monkeypatch):
    chance = random.Random(0)
    start = [
        {c: chance.choice((1, -1)) for c in range(20) if chance.random() < 0.5} for _ in range(16)
    ]
    rows, again, short = ([dict(row) for row in start] for _ in range(3))
    work = rectangles.extract(rows, 20, 16, 8, 5, 3, 1)
    assert rectangles_oracle.extract(again, 20, 16, 8, 5, 3, 1) == work
    assert again == rows
    monkeypatch.setattr(rectangles_oracle, "EFFORT", 1)
    assert rectangles_oracle.extract(short, 20, 16, 8, 5, 3, 1) < work
    assert short == start
