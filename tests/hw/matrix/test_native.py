"""The compiled loop and the one in Python are the same function; what is said without a
compiler."""

from pathlib import Path

import numpy as np
import pytest

from tests.export.expect import raises
from tests.hw.matrix import rectangles_oracle
from tritforge.hw.matrix import native, rectangles
from tritforge.hw.matrix.native import CompilerError, compiled_library

SOURCE = Path(rectangles.__file__).with_suffix(".cpp")


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
def test_same_nodes(rows, columns, density, noise, power, depth):
    plain = entries(rows, columns, density, seed=depth)
    fast = [dict(row) for row in plain]
    for bits in (8, 2):  # the second time with nodes to start from
        rectangles_oracle.extract(plain, columns, rows, bits, depth, noise, power)
        rectangles.extract(fast, columns, rows, bits, depth, noise, power)
        assert plain == fast
    assert len(plain) > rows


def test_a_missing_compiler_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv(native.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(native.shutil, "which", lambda name: None)
    with raises(
        CompilerError,
        "g++ is not installed, and rectangles.cpp must be compiled: `tritforge doctor` says "
        "what to type",
    ):
        compiled_library(SOURCE)


def test_a_compiler_that_fails_is_quoted(monkeypatch, tmp_path):
    monkeypatch.setenv(native.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(native.shutil, "which", lambda name: "/bin/false")
    with raises(CompilerError, "/bin/false could not compile rectangles.cpp: exit status 1"):
        compiled_library(SOURCE)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_library_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv(native.CACHE_VARIABLE, str(tmp_path))
    monkeypatch.setattr(native, "_compile", lambda source, options, library: library.write_text(""))
    with pytest.raises(
        CompilerError, match=rf"^{tmp_path}/.*\.so cannot be loaded \(.*\): delete it$"
    ):
        compiled_library(SOURCE)
