"""The page of the unrolled engine shows what was measured, and the bench notices a wrong netlist."""

from __future__ import annotations

import json

import numpy as np

from benchmarks.unrolled import (
    PAGE,
    RECORD,
    choose,
    columns_of,
    digest_of,
    page,
    random_matrix,
    simulate,
    vectors_of,
)
from export.datatype import DataType


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


def test_a_table_is_looked_up_for_all_vectors_at_once() -> None:
    a, b = 0b0011, 0b0101
    assert choose(0b0110, [a, b], 0b1111) == a ^ b
    assert choose(0b1000, [a, b], 0b1111) == a & b


def test_a_netlist_is_simulated_from_its_outputs() -> None:
    directions = {"I0": "input", "I1": "input", "O": "output"}
    cells = {
        "lut": {
            "type": "LUT2",
            "parameters": {"INIT": "0110"},
            "port_directions": directions,
            "connections": {"I0": [2], "I1": [3], "O": [4]},
        },
        "register": {
            "type": "FDRE",
            "parameters": {},
            "port_directions": {"D": "input", "C": "input", "Q": "output"},
            "connections": {"D": [4], "C": [6], "Q": [5]},
        },
    }
    ports = {"x": {"direction": "input", "bits": [2, 3]}, "y": {"direction": "output", "bits": [5, "1"]}}
    netlist = {"modules": {"top": {"ports": ports, "cells": cells}}}
    low, high = columns_of(np.array([[0], [1], [2], [3]]), 2)
    found = simulate(netlist, "top", {"x": [low, high]}, "y")
    assert found[0] == low ^ high == 0b0110


def test_other_verilog_is_measured_again() -> None:
    assert digest_of("module a;", ["x"]) != digest_of("module b;", ["x"])
    assert digest_of("module a;", ["x"]) != digest_of("module a;", ["y"])
