"""Rows of operators and rows of cells: every word and every cycle the same, on each simulator."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest

from export.manifest import CELLS, FileEntry, Manifest
from hw.seven_series import Primitives
from sim.simulators import Simulator
from tritforge import flow
from tritforge.config import Config
from tritforge.errors import ProofFailed
from tritforge.workspace import Workspace

FRAMES = 4


def build(config: Config, place: Workspace, primitives: Primitives) -> str:
    """Generate the design in this form; return its Verilog."""
    hardware = dataclasses.replace(config.hardware, primitives=primitives)
    flow.generate(dataclasses.replace(config, hardware=hardware), place)
    return (place.design / Manifest.read(place.design).files["verilog"].file).read_text()


def test_words_and_cycles(place: Workspace, little: Config, simulator: str) -> None:
    cycles = {}
    for primitives in Primitives:
        text = build(little, place, primitives)
        of_cells = primitives is Primitives.XILINX7
        assert ("LUT6_2" in text) == ("CARRY4" in text) == of_cells
        assert "module LUT6_2" not in text  # what synthesis reads has no behaviour of cells
        assert (CELLS in Manifest.read(place.design).files) == of_cells
        assert (place.design / "cells.v").exists() == of_cells
        for stalls in ("random", "none"):
            flow.simulate(little, place, simulator=simulator, stalls=stalls, frames=FRAMES)
            verdict = json.loads((place.simulations / simulator / f"{stalls}.json").read_text())["result"]
            assert verdict["passed"]
            cycles[primitives, stalls] = verdict["simulated_cycles"]
    for stalls in ("random", "none"):
        assert cycles[Primitives.XILINX7, stalls] == cycles[Primitives.GENERIC, stalls] > 0


@pytest.mark.parametrize("simulator", [Simulator.ICARUS], indirect=True)
def test_a_wrong_cell_is_found(place: Workspace, little: Config, simulator: str) -> None:
    text = build(little, place, Primitives.XILINX7)
    manifest = Manifest.read(place.design)
    source = place.design / manifest.files["verilog"].file
    row = re.search(
        r"^module \S*_dot_6_", text, flags=re.MULTILINE
    )  # of the classifier: every sum is a score
    assert row is not None
    table = re.compile(r"\.INIT\(64'h(\w+)\)").search(text, row.end())
    assert table is not None
    wrong = f"{int(table[1], 16) ^ 1 << 32 | 1 << 63:016x}"
    source.write_text(text[: table.start(1)] + wrong + text[table.end(1) :])
    dataclasses.replace(manifest, files={**manifest.files, "verilog": FileEntry.of(source)}).write(
        place.design
    )
    with pytest.raises(
        ProofFailed, match=r"^little, .*: layer classifier, stream classifier: first wrong word in frame 0 "
    ):
        flow.simulate(little, place, simulator=simulator, frames=FRAMES)
