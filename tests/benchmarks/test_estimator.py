"""The calibration: weights that rebuild what they were made from, and the error of an estimate."""

import pytest

from benchmarks.configurations import draw
from benchmarks.estimator import LINES, Point, fit, point, same_memories
from benchmarks.measure_costs import _unsigned, measured
from hw.cost import Cost, Technology


def test_a_calibration_rebuilds_counts_that_follow_from_features() -> None:
    """Four forks whose LUTs are 2 a consumer and 3 in all."""
    records, number = [], 0
    while len(records) < 4:
        number += 1
        configuration = draw(number, "xc7")
        if configuration.kind == "fork":
            consumers = configuration.part.cost(Technology()).ff
            cells = {"LUT3": 2 * consumers + 3, "FDRE": consumers}
            part = {"path": "", "module": configuration.name, "cells": cells, "sites": 0}
            records.append({"number": number, "family": "xc7", "kind": "fork", "text": "", "parts": [part]})
    weights = fit(records)["fork"]["xc7 xilinx7"]["lut"]
    assert {name: round(value, 3) for name, value in weights.items()} == {
        "consumers": 2,
        "one": 3,
        "joint": 0,
    }
    assert point(records[0]).counted.ff == point(records[0]).estimated.ff
    other = {**records[0], "parts": [{**records[0]["parts"][0], "cells": {"RAMB18E1": 1}}]}
    assert not same_memories(other)
    assert fit([*records, other]) == fit(records)


def test_an_error_is_relative_and_may_be_unknown() -> None:
    some = Point(
        number=0,
        kind="x",
        technology="",
        text="",
        estimated=Cost(lut=11, ff=None),
        counted=Cost(lut=10, ff=3),
    )
    assert some.error("lut_total") == 10
    assert some.error("ff") is None
    assert some.error("dsp") is None


@pytest.mark.parametrize(
    ("number", "kind", "more"),
    [
        (24, "array", 0),  # vectors of one beat
        (77, "array", 0),
        (3037, "subsample", 0),  # no channels of 0: nothing counts
        (11227, "subsample", 0),
        (
            20029,
            "skip",
            2,
        ),  # 16 beats a row: low bits of three addresses are 0; two are not foreseen
        (4056, "skip", 2),
    ],
)
def test_registers_of_measured_circuits(number: int, kind: str, more: int) -> None:
    found = point(measured(LINES)[number, "xc7"])
    assert found.kind == kind
    assert found.counted.ff == found.estimated.ff + more


def test_a_wire_has_no_sign_and_a_name_may_have() -> None:
    text = "  wire width 4 signed \\a\n  wire output 2 width 4 signed \\b\n  wire \\signed \n"
    assert _unsigned(text) == "  wire width 4 \\a\n  wire output 2 width 4 \\b\n  wire \\signed \n"
