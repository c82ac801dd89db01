"""A small network through the chain, for tests that look at what it leaves or spoil it."""

from __future__ import annotations

from pathlib import Path

from tritforge.config import config
from tritforge.steps import flow
from tritforge.steps.workspace import Workspace

LITTLE = """\
name: little
dataset: {name: digits, folds: 20, fold: 0}
network: {name: digits, channels: [4, 6]}
quantization: {method: ics}
training: {epochs: 1, batch_size: 64, learning_rate: 0.005}
hardware:
  device: xc7k480t
  layers: {conv1: {pe: 2, simd: 3}, conv2: {pe: 2, simd: 4, packing: 5in8}, classifier: {pe: 2, simd: 6}}
"""


def make(folder: Path) -> Workspace:
    """Train the network for an epoch, lower it and generate its Verilog."""
    place = Workspace(config_path=folder / "little.yaml", root=folder / "build")
    place.config_path.write_text(LITTLE)
    chosen = config.load(place.config_path)
    for step in (flow.train, flow.export, flow.generate):
        step(chosen, place)
    return place
