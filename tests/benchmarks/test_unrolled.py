"""The page of the unrolled engine shows what was measured, and the bench notices another design."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.unrolled import (
    PAGE,
    RECORD,
    adders_of,
    count,
    digest_of,
    ours,
    page,
    random_matrix,
    vectors_of,
)
from tritforge.export.ir.datatype import DataType


def test_the_page_shows_the_record() -> None:
    found = json.loads(RECORD.read_text())
    assert page(found) == PAGE.read_text()
    found[0]["forms"]["ours"]["lut6_packed"] += 1
    assert page(found) != PAGE.read_text()


def test_vectors_reach_the_ends_of_every_row() -> None:
    matrix, dtype = random_matrix(8, 0.5, 0), DataType.parse("s4")
    sums = vectors_of(matrix, dtype) @ matrix.T.astype(np.int64)
    positive, negative = (matrix > 0).sum(axis=1), (matrix < 0).sum(axis=1)
    assert np.array_equal(sums.max(axis=0), positive * 7 + negative * 8)
    assert np.array_equal(sums.min(axis=0), -positive * 8 - negative * 7)


def test_other_verilog_is_measured_again() -> None:
    assert digest_of("module a;", ["x"]) != digest_of("module b;", ["x"])
    assert digest_of("module a;", ["x"]) != digest_of("module a;", ["y"])


def test_the_module_of_an_adder_is_no_adder() -> None:
    library = "module shift_adder #(\n    parameter BW_INPUT0 = 32\n) ();\nendmodule\n"
    line = "wire [3:0] v{n}; shift_adder #(2, 2, 1, 1, 4, 0, 0) op_{n} (v0, v1, v{n});\n"
    assert adders_of(library) == 0
    assert adders_of(library + line.format(n=2) + line.format(n=3)) == 2


def test_the_netlist_is_compared_word_for_word(tmp_path: Path) -> None:
    design = ours(random_matrix(6, 0.6, 0), DataType.parse("s3"), "ours, as by default")
    found = count(design, tmp_path)
    assert found["lut"] > 0
    design.outputs[3] ^= 1
    with pytest.raises(SystemExit, match=r"the netlist computes something else$"):
        count(design, tmp_path)
