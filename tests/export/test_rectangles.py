import pytest

from export.rectangles import extract, node_profile


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
    assert sum(count << at for at, count in enumerate(found)) >= sum(c << at for at, c in enumerate(heights))
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


def test_a_rectangle_with_signs_becomes_a_node():
    rows = [{0: 1, 1: -1, 2: 1, 3: 1}, {0: -1, 1: 1, 2: -1}, {0: 1, 1: -1, 2: 1, 4: -1}]
    before = [dict(row) for row in rows]
    extract(rows, 5, 3, 8, 1, 0, 0)
    assert expand(rows, 5, 3) == before
    assert rows == [{3: 1, 5: 1}, {5: -1}, {4: -1, 5: 1}, {0: 1, 1: -1, 2: 1}]


def test_depth_is_a_limit():
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
