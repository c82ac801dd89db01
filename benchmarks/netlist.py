"""A netlist of 7-series cells, evaluated on many vectors at once: a number holds one bit of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["choose", "columns_of", "packed", "simulate"]


def simulate(
    netlist: Mapping[str, Any], top: str, inputs: Mapping[str, list[int]], output: str, vectors: int
) -> list[int]:
    """Bits of the port ``output`` from the bits of ``inputs``, each a number with a bit a vector.

    Registers hand on what enters them: what a pipeline gives for a vector that is held.
    """
    module = netlist["modules"][top]
    ones = (1 << vectors) - 1
    values: dict[Any, int] = {"0": 0, "1": ones, "x": 0, "z": 0}
    for name, port in module["ports"].items():
        if port["direction"] == "input":
            values.update(zip(port["bits"], inputs.get(name, [0] * len(port["bits"])), strict=True))
    drivers = {
        bit: cell
        for cell in module["cells"].values()
        for pin, bits in cell["connections"].items()
        if cell["port_directions"][pin] == "output"
        for bit in bits
    }
    wanted = module["ports"][output]["bits"]
    stack = list(wanted)
    while stack:
        cell = drivers.get(stack[-1])
        if stack[-1] in values or cell is None:
            values.setdefault(stack.pop(), 0)
            continue
        needed = [
            bit
            for pin, bits in cell["connections"].items()
            if cell["port_directions"][pin] == "input" and pin not in ("C", "CE", "R", "S_R")
            for bit in bits
            if bit not in values
        ]
        if cell["type"].startswith("FD"):
            needed = [bit for bit in needed if bit in cell["connections"]["D"]]
        if needed:
            stack += needed
        else:
            evaluate(cell, values, ones)
    return [values[bit] for bit in wanted]


def evaluate(cell: Mapping[str, Any], values: dict[Any, int], ones: int) -> None:
    """Put the outputs of a cell into ``values``."""
    kind, pins = cell["type"], {pin: list(bits) for pin, bits in cell["connections"].items()}

    def read(pin: str) -> list[int]:
        return [values[bit] for bit in pins.get(pin, ["0"])]

    def write(pin: str, bits: Iterable[int]) -> None:
        values.update(zip(pins.get(pin, []), bits, strict=False))

    if kind == "LUT6_2":
        init = int(cell["parameters"]["INIT"], 2)
        names = [read(f"I{pin}")[0] for pin in range(6)]
        write("O6", [choose(init, names, ones)])
        write("O5", [choose(init & 0xFFFFFFFF, names[:5], ones)])
    elif kind.startswith("LUT"):
        names = [read(f"I{pin}")[0] for pin in range(int(kind[3:]))]
        write("O", [choose(int(cell["parameters"]["INIT"], 2), names, ones)])
    elif kind == "CARRY4":
        carry = read("CI")[0] | read("CYINIT")[0]
        sums, carries = [], []
        for select, data in zip(read("S"), read("DI"), strict=True):
            sums.append(select ^ carry)
            carry = select & carry | (select ^ ones) & data
            carries.append(carry)
        write("O", sums)
        write("CO", carries)
    elif kind == "INV":
        write("O", [read("I")[0] ^ ones])
    elif kind in ("MUXF7", "MUXF8"):
        select = read("S")[0]
        write("O", [select & read("I1")[0] | (select ^ ones) & read("I0")[0]])
    elif kind in ("FDRE", "FDSE"):
        write("Q", read("D"))
    else:
        raise SystemExit(f"no model of a cell {kind}")


def choose(init: int, inputs: list[int], ones: int) -> int:
    """The value of a table, bit by bit of the inputs."""
    table = [ones if init >> index & 1 else 0 for index in range(1 << len(inputs))]
    for value in inputs:
        table = [
            low ^ ((low ^ high) & value) for low, high in zip(table[0::2], table[1::2], strict=True)
        ]
    return table[0]


def columns_of(values: npt.NDArray[np.int64], bits: int) -> list[int]:
    """Each bit of each element [n, K] as a number with a bit a vector, element 0 first, lowest bit first."""
    found = []
    for element in values.T:
        for bit in range(bits):
            column = np.packbits((element >> bit & 1).astype(np.uint8), bitorder="little")
            found.append(int.from_bytes(column.tobytes(), "little"))
    return found


def packed(values: npt.NDArray[np.int64], widths: Iterable[int]) -> list[int]:
    """As :func:`columns_of`, each element with a width of its own."""
    elements = zip(values.T, widths, strict=True)
    return [
        column for element, bits in elements for column in columns_of(element[:, None], int(bits))
    ]
