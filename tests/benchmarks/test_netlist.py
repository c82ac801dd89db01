"""The evaluation of a netlist on many vectors at once."""

from __future__ import annotations

import numpy as np

from benchmarks.netlist import choose, columns_of, simulate


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
    found = simulate(netlist, "top", {"x": [low, high]}, "y", 4)
    assert found == [low ^ high, 0b1111]
