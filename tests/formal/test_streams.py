"""Streams lose, repeat, mix up and reorder nothing and never deadlock: for all time, with no
bound."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tests.formal import axi
from tests.formal.prover import Claims, Proved, Refuted, check, reachable
from tests.formal.streams import moved
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import TensorType
from tritforge.hw.layers.line_window import LineBufferUnit
from tritforge.hw.layers.pool import WindowPoolUnit
from tritforge.hw.layers.window import SlidingWindowUnit
from tritforge.hw.stream.unit import can_accept, output_register
from tritforge.hw.stream.width_converter import WidthConverterUnit

U1 = DataType.parse("u1")


class Register(wiring.Component):
    """The register that ends every unit, alone."""

    def __init__(self) -> None:
        super().__init__({"i": In(stream.Signature(1)), "o": Out(stream.Signature(1))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        put = self.i.valid & self.i.ready
        m.d.comb += self.i.ready.eq(can_accept(self.o))
        with m.If(put):
            m.d.sync += self.o.payload.eq(self.i.payload)
        output_register(m, self.o, put)
        return m


def same(elements: int) -> list[list[int]]:
    return [[element] for element in range(elements)]


def windows(
    tensor: TensorType, kernel: tuple[int, int], padding: tuple[int, int] = (0, 0)
) -> list[list[int]]:
    """The input element of each element of every window, stride 1, one channel; none in the
    padding."""
    height, width = tensor.height, tensor.width
    return [
        [y * width + x] if 0 <= y < height and 0 <= x < width else []
        for top in range(-padding[0], height + padding[0] - kernel[0] + 1)
        for left in range(-padding[1], width + padding[1] - kernel[1] + 1)
        for y in range(top, top + kernel[0])
        for x in range(left, left + kernel[1])
    ]


def resize(i_lanes: int, o_lanes: int) -> Claims:
    elements = 2 * max(i_lanes, o_lanes)
    unit = WidthConverterUnit(
        name="lanes", dtype=U1, i_lanes=i_lanes, o_lanes=o_lanes, elements=elements
    )
    return moved(unit.component(), i_lanes, o_lanes, elements, same(elements), 4)


def pool(height: int, width: int, channels: int, made_of: list[Collection[int]]) -> Claims:
    unit = WindowPoolUnit(
        name="pool", tensor=TensorType(height, width, channels, U1), size=(2, 2), lanes=1
    )
    elements = height * width * channels
    return moved(unit.component(), 1, 1, elements, made_of, elements + 4)


def line_window(height: int, width: int, kernel: tuple[int, int]) -> Claims:
    tensor = TensorType(height, width, 1, U1)
    unit = LineBufferUnit(name="window", tensor=tensor, kernel=kernel, stride=(1, 1))
    return moved(
        unit.component(),
        1,
        kernel[0] * kernel[1],
        height * width,
        windows(tensor, kernel),
        height * width,
    )


def window(height: int, width: int, kernel: tuple[int, int], padding: tuple[int, int]) -> Claims:
    tensor = TensorType(height, width, 1, U1)
    unit = SlidingWindowUnit(
        name="window", tensor=tensor, kernel=kernel, stride=(1, 1), padding=padding, lanes=1
    )
    table = windows(tensor, kernel, padding)
    return moved(unit.component(), 1, 1, height * width, table, unit.interval_cycles + 12)


PROOFS = {
    "register": lambda: moved(Register(), 1, 1, 3, same(3), 3),
    "gather 1 to 2": lambda: resize(1, 2),
    "gather 1 to 3": lambda: resize(1, 3),
    "split 2 to 1": lambda: resize(2, 1),
    "split 3 to 1": lambda: resize(3, 1),
    "pool with a row left over": lambda: pool(3, 2, 1, [[0, 1, 2, 3]]),
    "line window 2x3, kernel 2x2": lambda: line_window(2, 3, (2, 2)),
    "axi source, frames of 1": lambda: axi.source(1, 3),
    "axi source, frames of 3": lambda: axi.source(3, 5),
    "axi sink, frames of 3": lambda: axi.sink(3),
}

LONG_PROOFS = {
    "gather 2 to 4": lambda: resize(2, 4),
    "pool of two channels": lambda: pool(
        2, 4, 2, [[0, 2, 8, 10], [1, 3, 9, 11], [4, 6, 12, 14], [5, 7, 13, 15]]
    ),
    "line window 3x3, kernel 2x2": lambda: line_window(3, 3, (2, 2)),
    "window 2x2, kernel 2x1": lambda: window(2, 2, (2, 1), (0, 0)),
    "window 2x1, kernel 2x1, padded": lambda: window(2, 1, (2, 1), (1, 0)),
    "axi source, frames of 4": lambda: axi.source(4, 7),
}


def prove(claims: Claims, folder: Path) -> None:
    assert check(claims, folder / "proof") == Proved()
    assert reachable(claims, folder / "cover")


@pytest.mark.parametrize("name", PROOFS)
def test_proved(name: str, tmp_path: Path) -> None:
    prove(PROOFS[name](), tmp_path)


@pytest.mark.verify
@pytest.mark.parametrize("name", LONG_PROOFS)
def test_proved_in_minutes(name: str, tmp_path: Path) -> None:
    prove(LONG_PROOFS[name](), tmp_path)


class Faulty(Register):
    """A register with one of three faults, or "none"."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self._fault = fault

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        repeats = Signal()
        put = self.i.valid & self.i.ready
        m.d.comb += self.i.ready.eq(1 if self._fault == "loses" else ~self.o.valid)
        with m.If(put):
            m.d.sync += [
                self.o.payload.eq(self.i.payload),
                self.o.valid.eq(1),
                repeats.eq(self.i.payload),
            ]
        with m.Elif(self.o.ready):
            m.d.sync += [self.o.valid.eq(repeats if self._fault == "repeats" else 0), repeats.eq(0)]
        if self._fault == "stops":  # behind the first three beats
            beats = Signal(2)
            with m.If(put):
                m.d.sync += beats.eq(beats + 1)
            with m.If(beats == 3):
                m.d.comb += self.i.ready.eq(0)
        return m


@pytest.mark.parametrize(
    ("fault", "claims", "cycle"),
    [
        ("loses", ("o_payload_stays", "element_is_right"), 2),
        ("repeats", ("element_is_right",), 2),
        ("stops", ("no_deadlock",), 9),
    ],
)
def test_a_fault_has_a_counterexample(
    fault: str, claims: tuple[str, ...], cycle: int, tmp_path: Path
) -> None:
    found = check(moved(Faulty(fault), 1, 1, 3, same(3), 3), tmp_path)
    assert found == Refuted(claims, cycle, tmp_path / "trace.vcd")
    assert "$var" in found.trace.read_text()


def test_the_same_register_without_a_fault(tmp_path: Path) -> None:
    prove(moved(Faulty("none"), 1, 1, 3, same(3), 3), tmp_path)


def test_assumptions_that_never_hold_reach_no_cover(tmp_path: Path) -> None:
    """Assumptions that contradict each other prove everything; then no cover is reached."""
    claims = moved(Register(), 1, 1, 3, same(3), 3)
    claims.assume("impossible", Signal())
    assert check(claims, tmp_path / "proof") == Proved()
    assert not reachable(claims, tmp_path / "cover")
