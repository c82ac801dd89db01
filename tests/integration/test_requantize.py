"""Activations of eight bits through the chain: torch, integers and Verilog, in both forms of
primitives."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from tests.chain import LITTLE
from tritforge.config import config
from tritforge.config.config import Config
from tritforge.export.artifacts.manifest import Manifest
from tritforge.export.ir import serialize
from tritforge.sim.simulators import Simulator
from tritforge.steps import flow
from tritforge.steps.workspace import Workspace

LAYERS = "{conv1: {pe: 2, simd: 1}, conv2: {pe: 2, simd: 1}, classifier: {pe: 2, simd: 6}}"


@pytest.fixture(scope="module")
def eight(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Workspace]:
    """The small network with activations of eight bits, trained and lowered."""
    folder: Path = tmp_path_factory.mktemp("eight")
    place = Workspace(config_path=folder / "eight.yaml", root=folder / "build")
    head, _, _ = LITTLE.partition("  layers: ")
    text = (
        head.replace("{method: ics}", "{method: ics, activation_bits: 8}") + f"  layers: {LAYERS}\n"
    )
    place.config_path.write_text(text)
    chosen = config.load(place.config_path)
    flow.train(chosen, place)
    flow.export(chosen, place)
    return chosen, place


def test_every_word_in_the_planned_cycle(eight: tuple[Config, Workspace], simulator: str) -> None:
    chosen, place = eight
    network = serialize.load(place.design)
    # few inputs of four bits: neighbouring sums of conv1 lie more than a code apart
    assert [node.kind for node in network.nodes if node.name.startswith("act")] == [
        "threshold",
        "requantize",
    ]
    cycles = set()
    icarus = simulator == Simulator.ICARUS.value  # which need not compile each of them
    for primitives in ("generic", "device") if icarus else ["device"]:
        hardware = dataclasses.replace(chosen.hardware, primitives=primitives)
        flow.generate(dataclasses.replace(chosen, hardware=hardware), place)
        roles = {
            rom.layer: rom.role for rom in Manifest.read(place.design).roms if rom.role != "weights"
        }
        assert roles == {"conv1": "thresholds", "conv2": "requantize", "classifier": "bias"}
        for stalls in ("none", "random") if icarus else ("none",):
            flow.simulate(chosen, place, simulator=simulator, stalls=stalls, frames=3)
            verdict = json.loads((place.simulations / simulator / f"{stalls}.json").read_text())[
                "result"
            ]
            assert verdict["failures"] == []
            if stalls == "none":
                cycles.add(verdict["simulated_cycles"])
    assert len(cycles) == 1
