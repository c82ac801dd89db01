"""The calibration: weights that rebuild the counts they were fitted to, and features."""

from typing import Any

import numpy as np
import pytest

from tests.targets import GENERIC, XC7
from tests.test_layering import ROOT
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import TensorType
from tritforge.hw.activation.parallel import ParallelThresholdsUnit
from tritforge.hw.cost.registry import cost
from tritforge.hw.engines.skip.permute import LanePermutationUnit
from tritforge.hw.layers.subsample import SubsamplerUnit
from tritforge.hw.stream.unit import Beats
from tritforge.hw.targets.ecp5.family import Ecp5
from tritforge.hw.targets.target import Target
from tritforge.reports.estimate.calibrate.configurations import draw
from tritforge.reports.estimate.calibrate.fit import fit, recorder, same_memories, samples
from tritforge.reports.estimate.calibrate.measure import POINTS, measured
from tritforge.reports.estimate.calibrate.score import point


def test_a_calibration_rebuilds_counts_that_follow_from_features() -> None:
    """Four forks whose LUTs are 2 a consumer and 3 in all."""
    records, number = [], 0
    while len(records) < 4:
        number += 1
        configuration = draw(number, "xc7")
        if configuration.kind == "fork":
            consumers = cost(configuration.part, XC7).ff
            cells = {"LUT3": 2 * consumers + 3, "FDRE": consumers}
            part = {"path": "", "module": configuration.name, "cells": cells, "sites": 0}
            records.append(
                {"number": number, "family": "xc7", "kind": "fork", "text": "", "parts": [part]}
            )
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


def test_what_is_derived_of_a_rom_of_cells_is_not_taken_from_its_unit() -> None:
    """Decoders and ROMs joined by MUXF7 are cells alone; the rest of the array is its control."""
    for number in (50017, 62015, 30029):
        record = measured(ROOT / POINTS)[number, "xc7"]
        cells = sum(
            sum(count for cell, count in part["cells"].items() if cell.startswith("LUT"))
            for part in record["parts"]
            if part["path"].startswith("array.") and "dot" not in part["path"]
        )
        (found,) = (sample for sample in samples(record) if sample.components == ("array",))
        assert cells > found.whole["lut"]
        assert 0 < found.wanted["lut"] <= found.whole["lut"]


def asked(unit: Any, target: Target) -> dict[str, dict[str, float]]:
    """Features of each component that ``unit`` asks for."""
    recording = recorder(target)
    cost(unit, recording)
    return dict(recording.asked)


def test_features_go_by_the_inputs_of_a_lut() -> None:
    """Codes of 3 bits of a sum of 6: 3 LUT6 or 12 LUT4 each; one of four lanes: 1 or 3 a bit."""
    levels = ParallelThresholdsUnit(
        name="thresholds", layer="layer", values=np.array([np.arange(5, 47, 6)] * 2), value_bits=6,
        source=DataType.parse("u6"), target=DataType.parse("u3"), pe=2, vectors=8,
    )  # fmt: skip
    order = np.array([[0, 1, 2, 3], [3, 2, 1, 0]])
    lanes = LanePermutationUnit(
        name="spread", layer="layer", beats=Beats(DataType.parse("u3"), 4), order=order, periods=2
    )
    for target, gates, choice in ((GENERIC, 3, 1), (Ecp5(cells=False), 12, 3)):
        assert asked(levels, target)["constant levels"]["several"] == 2 * gates
        assert asked(lanes, target)["permute"]["mux"] == 12 * choice


@pytest.mark.parametrize(
    ("stride", "before", "lanes", "strided", "edge", "beats", "both"),
    [
        ((1, 1), 0, 2, 0, 0, 0, 0),
        ((1, 1), 2, 2, 0, 1, 0, 0),
        ((2, 2), 0, 4, 1, 0, 0, 0),
        ((2, 2), 4, 2, 1, 1, 1, 1),
    ],
)
def test_features_of_a_shortcut(
    stride: tuple[int, int], before: int, lanes: int, strided: int, edge: int, beats: int, both: int
) -> None:
    tensor = TensorType(6, 8, 4, DataType.parse("u4"))
    unit = SubsamplerUnit(
        name="shortcut", tensor=tensor, stride=stride, before=before, after=before, lanes=lanes
    )
    found = asked(unit, GENERIC)["subsample"]
    assert [found[name] for name in ("strided", "edge", "beats", "both")] == [
        strided,
        edge,
        beats,
        both,
    ]
