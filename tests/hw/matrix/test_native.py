"""The compiled loop and the Python one are the same function."""

import numpy as np
import pytest

from tritforge.hw.matrix import native as compiled
from tritforge.hw.matrix.native import compiled_extract
from tritforge.hw.matrix.rectangles import extract


@pytest.fixture
def other():
    found = compiled_extract()
    if found is None:
        pytest.skip("no C++ compiler")
    return found


def entries(rows, columns, density, seed):
    rng = np.random.default_rng(seed)
    matrix = np.where(
        rng.random((rows, columns)) < density, rng.choice([-1, 1], (rows, columns)), 0
    )
    return [{int(c): int(row[c]) for c in np.flatnonzero(row)} for row in matrix]


@pytest.mark.parametrize("depth", [1, 2, 30])
@pytest.mark.parametrize(("noise", "power"), [(0, 0), (12345, 1), (99, 2)])
@pytest.mark.parametrize(
    ("rows", "columns", "density"), [(6, 5, 0.9), (14, 11, 0.5), (5, 70, 0.4), (68, 4, 0.6)]
)
def test_same_nodes(other, rows, columns, density, noise, power, depth):
    plain = entries(rows, columns, density, seed=depth)
    fast = [dict(row) for row in plain]
    for bits in (8, 2):  # the second time with nodes to start from
        extract(plain, columns, rows, bits, depth, noise, power)
        other(fast, columns, rows, bits, depth, noise, power)
        assert plain == fast
    assert len(plain) > rows


def test_without_a_compiler_there_is_none(monkeypatch, tmp_path):
    monkeypatch.setenv(compiled.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(compiled.shutil, "which", lambda name: None)
    assert compiled_extract.__wrapped__() is None


def test_a_compiler_that_fails_is_none(monkeypatch, tmp_path):
    monkeypatch.setenv(compiled.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(compiled.shutil, "which", lambda name: "/bin/false")
    assert compiled_extract.__wrapped__() is None
    assert list(tmp_path.iterdir()) == []
