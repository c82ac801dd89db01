"""The bench proves what it reports on."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.large_matrix import check, matrix, measure
from tritforge.export.ir.datatype import DataType
from tritforge.hw.matrix.compressor import wire
from tritforge.hw.matrix.cse import CseOptions, share


def test_a_small_one_end_to_end() -> None:
    point = measure(6, 20, 0.5, 2)
    assert point["sums_compared"] == 6 * 8
    assert point["planned_luts"] > 0
    assert point["verilog_lines"] > point["planned_luts"]
    assert set(point["steps"]) == {"start", "search", "wiring and plan", "Verilog"}


def test_a_wrong_row_is_noticed() -> None:
    graph = share(matrix(6, 20, 0.5), 2, CseOptions(iterations=1))
    source = DataType(2, signed=False)
    wiring = wire(graph, source, registers=8)
    assert check(SimpleNamespace(graph=graph, wiring=wiring, source=source)) == 48
    last = wiring.rows[-1]
    flipped = tuple(tuple(~bit for bit in column) for column in last.operands)
    wrong = dataclasses.replace(
        wiring, rows=(*wiring.rows[:-1], dataclasses.replace(last, operands=flipped))
    )
    with pytest.raises(SystemExit, match=r"^the wiring computes something else$"):
        check(SimpleNamespace(graph=graph, wiring=wrong, source=source))


def test_the_matrix_has_its_share_of_zeros() -> None:
    weights = matrix(100, 100, 0.75)
    assert weights.dtype == np.int8
    assert 0.73 < (weights == 0).mean() < 0.77
