"""How busy the lanes of the skip engine are, and the density at which it overtakes the array.

    python benchmarks/skip.py [--layer dense] [--bits 2 8] [--zeros 0.9 0.5]

Utilisation: nonzeros for each lane and cycle of the schedule, for random ternary layers.

Crossing: a whole layer with 2-bit thresholds behind it, on either engine, random ternary weights with the
given share of zeros. Each design is simulated against the integer reference, word for word and cycle for
cycle, and only then synthesised; LUT-cycles are all its LUTs, those used as memory included, times the
cycles from frame to frame. Of several foldings of the skip engine the one with the fewest LUT-cycles counts.

A point that has been measured is kept under build/benchmarks/skip and not measured again. Prints tables,
writes build/benchmarks/skip.json and, for the crossing, skip.svg.
"""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

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
    "dense": ((1, 1, 512), (1024, 512)),
    "convolution": ((16, 16, 32), (32, 32, 3, 3)),
}
"""Input [H, W, C] and weights of each layer that is synthesised."""

FOLDINGS: dict[str, dict[str, Folding]] = {
    "dense": {"array": ArrayFolding(pe=8, simd=32), "skip 16x8": SkipFolding(pe=16, entries=8)},
    "convolution": {
        "array": ArrayFolding(pe=8, simd=32),
        "skip 1x4": SkipFolding(pe=1, entries=4, outputs=4),
    },
}
"""Engine and PE x entries; more lanes of the skip engine were no cheaper."""

SCHEDULES: dict[str, tuple[tuple[int, int, int], dict[str, int], tuple[tuple[int, int], ...]]] = {
    "dense 512x512": ((512, 512, 512), {"pe": 8, "outputs": 8}, ((1, 1), (2, 1), (4, 1), (4, 4), (8, 8))),
    "dense 1000x4096": ((1000, 4096, 4096), {"pe": 8, "outputs": 8}, ((4, 1), (8, 8))),
    "convolution 64x576": ((64, 576, 64), {"pe": 1, "outputs": 8}, ((1, 1), (2, 1), (4, 1), (4, 4), (8, 8))),
    "convolution 128x1152": ((128, 1152, 128), {"pe": 1, "outputs": 8}, ((4, 1), (4, 4), (8, 8))),
}
"""Rows, columns and channels of the layers that are only scheduled, and (entries, banks)."""


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
    return Network("sparse", TensorType(*shape, DataType(bits, signed=False)), (node, act))


def write(planned: Plan, folder: Path) -> Path:
    """Write the design as `tritforge generate` does; return its Verilog."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "sparse.v"
    write_atomic(source, verilog.generate(planned, Primitives.XILINX7))
    write_atomic(folder / "cells.v", verilog.cells())
    serialize.save(planned.network, folder)
    names = {"verilog": source.name, CELLS: "cells.v", "network": serialize.NETWORK_FILE}
    names["tensors"] = serialize.TENSOR_FILE
    files = {role: FileEntry.of(folder / name) for role, name in names.items()}
    roms = [FileEntry.of(image.write(folder)) for image, _ in planned.roms()]
    verilog.describe(planned, files=files, rom_entries=roms, device=DEVICE).write(folder)
    return source


def measure(layer: str, bits: int, zeros: float, engine: str, folder: Path) -> dict[str, Any]:
    """Generate, prove and count one point, or read it where it has been measured."""
    kept = folder / "point.json"
    if kept.is_file():
        point: dict[str, Any] = json.loads(kept.read_text())
        return point
    planned = plan(network(layer, bits, zeros), {"layer": FOLDINGS[layer][engine]})
    source = write(planned, folder)
    rng = np.random.default_rng(SEED + 1)
    frames = rng.integers(0, 1 << bits, size=(FRAMES, *planned.network.input.shape))
    proof = runner.simulate(folder, frames, simulator="icarus", build_dir=folder / "simulate", stalls="none")
    if not proof.passed:
        raise SystemExit(f"{folder.name}: {proof.failures[0]}")
    counted = synthesise([source], folder, "sparse", folder / "synth", device(DEVICE))
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
        "words_compared": proof.compared_words,
        "tool": counted.tool,
        "script": list(counted.script),
        "device": DEVICE,
        "seed": SEED,
    }
    write_atomic(kept, json.dumps(point, indent=2) + "\n")
    return point


def utilisation() -> list[dict[str, Any]]:
    """The schedules' figures, nothing built."""
    points = []
    for name, ((height, columns, channels), options, lanes) in SCHEDULES.items():
        for zeros in (0.4, 0.55, 0.7, 0.9):
            planes = trits((1, height, columns), zeros)
            for entries, banks in lanes:
                schedule = skip_schedule(planes, channels=channels, entries=entries, banks=banks, **options)
                schedule.validate()
                point = {"layer": name, "zeros": zeros, "pe": schedule.pe, "entries": entries, "banks": banks}
                points.append({**point, "cycles": schedule.cycles, "utilisation": schedule.utilisation})
    return points


def crossing(points: list[dict[str, Any]]) -> float | None:
    """The share of zeros from which the skip engine takes fewer LUT-cycles; None where it was not crossed.

    Between two measured shares the ratio of LUT-cycles is interpolated on a straight line.
    """
    ratios = sorted((point["zeros"], point["times_fewer"]) for point in points)
    for (zeros, ratio), (next_zeros, next_ratio) in pairwise(ratios):
        if ratio < 1 <= next_ratio:
            return float(zeros + (1 - ratio) / (next_ratio - ratio) * (next_zeros - zeros))
    return None


def compare(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The best skip folding of each layer, width and share of zeros beside the array."""
    keys = sorted(
        {(point["layer"], point["bits"], point["zeros"]) for point in results if "skip" in point["engine"]}
    )
    compared = []
    for layer, bits, zeros in keys:
        array = next(p for p in results if (p["layer"], p["bits"], p["engine"]) == (layer, bits, "array"))
        best = min(
            (
                p
                for p in results
                if (p["layer"], p["bits"], p["zeros"]) == (layer, bits, zeros) and p["utilisation"]
            ),
            key=lambda point: point["lut_cycles"],
        )
        compared.append({**best, "array": array, "times_fewer": array["lut_cycles"] / best["lut_cycles"]})
    return compared


def draw(points: list[dict[str, Any]], path: Path) -> None:
    """Draw how many times fewer LUT-cycles the skip engine takes, over the share of zeros."""
    figure = Figure(figsize=(6, 4))
    axes = figure.subplots()
    for layer, bits in sorted({(point["layer"], point["bits"]) for point in points}):
        mine = sorted(
            (p["zeros"], p["times_fewer"]) for p in points if (p["layer"], p["bits"]) == (layer, bits)
        )
        style = "o-" if layer == "dense" else "s--"
        axes.plot(
            [zeros for zeros, _ in mine], [times for _, times in mine], style, label=f"{layer}, {bits} bits"
        )
    axes.axhline(1, color="black", linewidth=0.8)
    axes.set(xlabel="share of zeros", ylabel="LUT-cycles, array / skip")
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)


def main() -> None:
    """Measure the points that were asked for, then schedule."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--layer", nargs="*", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--bits", type=int, nargs="+", default=[8, 2, 4])
    parser.add_argument("--zeros", type=float, nargs="+", default=[0.9, 0.5, 0.7])
    parser.add_argument("--build", type=Path, default=Path("build/benchmarks"))
    arguments = parser.parse_args()
    results: list[dict[str, Any]] = []
    for bits in arguments.bits:
        for layer in arguments.layer:
            for zeros in arguments.zeros:
                for engine in FOLDINGS[layer]:
                    if engine == "array" and zeros != arguments.zeros[0]:
                        continue  # neither its cycles nor its circuit know the weights
                    name = f"{layer}-{bits}bit-{zeros:g}-{engine.replace(' ', '-')}"
                    results.append(measure(layer, bits, zeros, engine, arguments.build / "skip" / name))
                    print(f"{name}: {results[-1]['lut_cycles']} LUT-cycles", flush=True)
    best = compare(results)
    crossings = {}
    for layer, bits in sorted({(point["layer"], point["bits"]) for point in best}):
        of_layer = [point for point in best if (point["layer"], point["bits"]) == (layer, bits)]
        crossings[f"{layer}, {bits} bits"] = crossing(of_layer)
    draw(best, arguments.build / "skip.svg")
    print(table(best).text())
    for name, share in crossings.items():
        where = (
            "not crossed"
            if share is None
            else f"fewer LUT-cycles than the array from {share:.2f} of zeros on"
        )
        print(f"{name}: {where}")
    schedules = utilisation()
    print(schedule_table(schedules).text())
    written = {"schedules": schedules, "results": results, "crossings": crossings}
    write_atomic(arguments.build / "skip.json", json.dumps(written, indent=2) + "\n")


def schedule_table(points: list[dict[str, Any]]) -> Table:
    """Utilisation by layer and folding, a column for each share of zeros."""
    shares = sorted({point["zeros"] for point in points})
    rows: dict[tuple[Any, ...], list[float]] = {}
    for point in points:
        key = tuple(point[name] for name in ("layer", "pe", "entries", "banks"))
        rows.setdefault(key, []).append(point["utilisation"])
    return Table(
        title="Nonzeros for each lane and cycle",
        columns=(
            "layer",
            "PE",
            "entries",
            "banks",
            *(Column(f"{share:g} zeros", digits=3) for share in shares),
        ),
        rows=tuple((*key, *values) for key, values in rows.items()),
        notes=(f"Random ternary weights, seed {SEED}.",),
    )


def table(points: list[dict[str, Any]]) -> Table:
    """The best skip folding beside the array."""
    return Table(
        title="LUT-cycles of a layer with thresholds, array and skip",
        columns=(
            "layer", "bits", Column("zeros", digits=2), "array LUT", "array cycles",
            "best", "skip LUT", "skip cycles",
            Column("utilisation", digits=3), Column("array / skip", digits=2),
        ),
        rows=tuple(
            (
                p["layer"], p["bits"], p["zeros"], p["array"]["lut_total"], p["array"]["interval_cycles"],
                p["engine"], p["lut_total"], p["interval_cycles"], p["utilisation"], p["times_fewer"],
            )
            for p in points
        ),
        notes=(f"{points[0]['tool']}, {DEVICE}, not placed and routed; LUTs as memory count. Seed {SEED}.",),
    )  # fmt: skip


if __name__ == "__main__":
    main()
