"""The evaluation of a netlist on many vectors at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

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
    ports = {
        "x": {"direction": "input", "bits": [2, 3]},
        "y": {"direction": "output", "bits": [5, "1"]},
    }
    netlist = {"modules": {"top": {"ports": ports, "cells": cells}}}
    low, high = columns_of(np.array([[0], [1], [2], [3]]), 2)
    found = simulate(netlist, "top", {"x": [low, high]}, "y", 4)
    assert found == [low ^ high, 0b1111]


def netlist_of(
    kind: str, parameters: dict[str, str], inputs: dict[str, int], outputs: dict[str, int]
) -> Any:
    """A module that is one cell: ports x and y, the pins of given widths in their order."""
    bits = iter(range(2, 100))
    pins = {pin: [next(bits) for _ in range(width)] for pin, width in (inputs | outputs).items()}
    directions = dict.fromkeys(inputs, "input") | dict.fromkeys(outputs, "output")
    cell = {
        "type": kind,
        "parameters": parameters,
        "port_directions": directions,
        "connections": pins,
    }
    x, y = ([bit for pin in names for bit in pins[pin]] for names in (inputs, outputs))
    ports = {"x": {"direction": "input", "bits": x}, "y": {"direction": "output", "bits": y}}
    return {"modules": {"top": {"ports": ports, "cells": {"cell": cell}}}}


def outputs_of(netlist: Any, width: int) -> list[int]:
    """The output for each number of ``width`` bits at the input."""
    numbers = np.arange(1 << width)
    found = simulate(netlist, "top", {"x": columns_of(numbers[:, None], width)}, "y", len(numbers))
    return [
        sum((column >> n & 1) << at for at, column in enumerate(found)) for n in range(len(numbers))
    ]


def test_a_carry_chain_adds() -> None:
    """With S = a ^ b and DI = a it gives the sum, and the carry out of every place."""
    pins = {"CI": 1, "S": 4, "DI": 4}
    found = outputs_of(netlist_of("CARRY4", {}, pins, {"O": 4, "CO": 4}), 9)
    for number, output in enumerate(found):
        carry, a, b = number & 1, number >> 5, (number >> 1 & 15) ^ number >> 5
        carries = [((a % (2 << at)) + (b % (2 << at)) + carry) >> at + 1 for at in range(4)]
        assert output == (a + b + carry & 15) | sum(bit << 4 + at for at, bit in enumerate(carries))


@pytest.mark.parametrize("kind", ["MUXF7", "MUXF8"])
def test_a_multiplexer_chooses(kind: str) -> None:
    found = outputs_of(netlist_of(kind, {}, {"S": 1, "I0": 1, "I1": 1}, {"O": 1}), 3)
    assert found == [(n >> 2 if n & 1 else n >> 1) & 1 for n in range(8)]


def test_a_table_with_two_outputs_looks_up_its_lower_half_too() -> None:
    init = int.from_bytes(np.random.default_rng(0).bytes(8), "little")
    pins = {f"I{pin}": 1 for pin in range(6)}
    found = outputs_of(netlist_of("LUT6_2", {"INIT": f"{init:064b}"}, pins, {"O6": 1, "O5": 1}), 6)
    assert found == [(init >> n & 1) | (init >> n % 32 & 1) << 1 for n in range(64)]


def test_an_inverter_and_a_cell_without_a_model() -> None:
    assert outputs_of(netlist_of("INV", {}, {"I": 1}, {"O": 1}), 1) == [1, 0]
    with pytest.raises(SystemExit, match="no model of a cell DSP48E1"):
        outputs_of(netlist_of("DSP48E1", {}, {"A": 1}, {"P": 1}), 1)
