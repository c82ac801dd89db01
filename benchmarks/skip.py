"""How busy the lanes of the skip engine are, and the density at which it overtakes the array.

    python benchmarks/skip.py [--bits 2 8] [--zeros 0.5 0.9] [--layer dense convolution] [--utilisation]

Utilisation: nonzeros for each lane and cycle of the schedule, for random ternary layers.

Crossing: a whole layer with 2-bit thresholds behind it, on either engine, random ternary weights with the
given share of zeros. Each design is simulated against the integer reference, word for word and cycle for
cycle, and only then synthesised; LUT-cycles are all its LUTs, those used as memory included, times the
cycles from frame to frame. Several foldings of the skip engine are tried, the fewest LUT-cycles count.

A point that has been measured is kept under build/benchmarks/skip and not measured again. Prints tables,
writes build/benchmarks/skip.json and, for the crossing, skip.svg.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from export import serialize
from export.datatype import DataType
from export.files import write_atomic
from export.ir import Convolution, Dense, MatrixNode, Network, TensorType, Threshold
from export.manifest import CELLS, FileEntry
from export.schedule import skip_schedule
from hw import verilog
from hw.array_folding import ArrayFolding
from hw.layer import Folding
from hw.plan import Plan, plan
from hw.seven_series import Primitives
from hw.skip_folding import SkipFolding
from reports.devices import device
from reports.synth import synthesise
from reports.tables import Column, Table
from sim import runner

DEVICE = "xc7k480t"
SEED = 0
FRAMES = 2

SHAPES: dict[str, tuple[tuple[int, int, int], tuple[int, ...]]] = {
    "dense": ((1, 1, 512), (256, 512)),
    "convolution": ((16, 16, 32), (32, 32, 3, 3)),
}
"""Input [H, W, C] and weights of each layer that is synthesised."""

FOLDINGS: dict[str, dict[str, Folding]] = {
    "dense": {
        "array": ArrayFolding(pe=8, simd=32),
        "skip 8": SkipFolding(pe=8, entries=8),
        "skip 16": SkipFolding(pe=8, entries=16),
    },
    "convolution": {
        "array": ArrayFolding(pe=8, simd=32),
        "skip 4": SkipFolding(pe=1, entries=4, outputs=4),
        "skip 8": SkipFolding(pe=1, entries=8, outputs=8),
    },
}

SCHEDULES: dict[str, tuple[tuple[int, int, int, int], tuple[tuple[int, int, int], ...]]] = {
    "dense 512x512": ((512, 512, 512, 16), ((8, 2, 1), (8, 4, 1), (8, 4, 2), (8, 4, 4), (8, 8, 8), (16, 16, 16))),
    "dense 1000x4096": ((1000, 4096, 4096, 8), ((8, 4, 1), (8, 8, 2), (8, 8, 8))),
    "convolution 64x576": ((64, 576, 64, 8), ((1, 1, 1), (1, 2, 1), (1, 4, 1), (1, 4, 2), (1, 4, 4), (1, 8, 8))),
    "convolution 128x1152": ((128, 1152, 128, 8), ((1, 2, 1), (1, 4, 1), (1, 8, 2), (1, 8, 8))),
}  # fmt: skip
"""Rows, columns, channels, outputs; and each PE, entries, banks."""


def trits(shape: tuple[int, ...], zeros: float) -> np.ndarray:
    """Random weights of which the share ``zeros`` is 0."""
    rng = np.random.default_rng(SEED)
    return np.where(rng.random(shape) < zeros, 0, rng.choice([-1, 1], shape)).astype(np.int8)


def network(layer: str, bits: int, zeros: float) -> Network:
    """The layer with unsigned inputs of ``bits``, and thresholds in the range of its sums."""
    shape, weights = SHAPES[layer]
    planes = trits((1, *weights), zeros)
    node: MatrixNode = (
        Dense(name="layer", input="input", planes=planes)
        if layer == "dense"
        else Convolution(name="layer", input="input", planes=planes, padding=(1, 1))
    )
    reach = int(np.sqrt(planes[0, 0].size * (1 - zeros)) * (1 << bits))
    values = np.sort(np.random.default_rng(SEED).integers(-reach, reach + 1, size=(weights[0], 3)), axis=1)
    act = Threshold(name="act", input="layer", thresholds=values, output=DataType(2, signed=False))
    return Network("bench", TensorType(*shape, DataType(bits, signed=False)), (node, act))


def write(planned: Plan, folder: Path) -> Path:
    """Write the design as `tritforge generate` does; return its Verilog."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "bench.v"
    write_atomic(source, verilog.generate(planned, Primitives.XILINX7))
    write_atomic(folder / "cells.v", verilog.cells())
    serialize.save(planned.network, folder)
    names = {"verilog": source.name, CELLS: "cells.v", "network": serialize.NETWORK_FILE}
    names["tensors"] = serialize.TENSOR_FILE
    files = {role: FileEntry.of(folder / name) for role, name in names.items()}
    roms = [FileEntry.of(image.write(folder)) for image, _ in planned.roms()]
    verilog.describe(planned, files=files, rom_entries=roms, device=DEVICE).write(folder)
    return source


def measure(layer: str, bits: int, zeros: float, engine: str, folder: Path, prove: bool) -> dict[str, Any]:
    """Generate, prove and count one point, or read it where it has been measured."""
    kept = folder / "point.json"
    if kept.is_file():
        point: dict[str, Any] = json.loads(kept.read_text())
        if point["words_compared"] or not prove:
            return point
    planned = plan(network(layer, bits, zeros), {"layer": FOLDINGS[layer][engine]})
    source = write(planned, folder)
    words = 0
    if prove:
        rng = np.random.default_rng(SEED + 1)
        frames = rng.integers(0, 1 << bits, size=(FRAMES, *planned.network.input.shape))
        frames[0] = (1 << bits) - 1
        proof = runner.simulate(
            folder, frames, simulator="icarus", build_dir=folder / "simulate", stalls="none"
        )
        if not proof.passed:
            raise SystemExit(f"{folder.name}: {proof.failures[0]}")
        words = proof.compared_words
    counted = synthesise([source], folder, "bench", folder / "synth", device(DEVICE))
    used = counted.by_layer(["layer"])["layer"]
    program = next((unit.program for unit in planned.stages[0].units if unit.name == "skip"), None)
    point = {
        "layer": layer,
        "bits": bits,
        "zeros": zeros,
        "engine": engine,
        "options": planned.stages[0].folding.options if planned.stages[0].folding else {},
        "utilisation": program.utilisation if program else None,
        "interval_cycles": planned.interval_cycles,
        "resources": used.to_json(),
        "lut_total": used.lut_total,
        "lut_cycles": used.lut_total * planned.interval_cycles,
        "words_compared": words,
        "tool": counted.tool,
        "script": list(counted.script),
        "device": DEVICE,
        "seed": SEED,
    }
    write_atomic(kept, json.dumps(point, indent=2) + "\n")
    return point


def utilisation() -> list[dict[str, Any]]:
    """The schedules' figures, nothing built."""
    rows = []
    for name, ((height, columns, channels, outputs), foldings) in SCHEDULES.items():
        for zeros in (0.4, 0.55, 0.7, 0.9):
            planes = trits((1, height, columns), zeros)
            for pe, entries, banks in foldings:
                schedule = skip_schedule(
                    planes,
                    channels=channels,
                    pe=pe,
                    entries=entries,
                    banks=banks,
                    outputs=max(pe, outputs) if outputs % pe == 0 else pe,
                )
                schedule.validate()
                rows.append(
                    {
                        "layer": name, "zeros": zeros, "pe": pe, "entries": entries, "banks": banks,
                        "cycles": schedule.cycles, "utilisation": schedule.utilisation,
                    }  # fmt: skip
                )
    return rows
