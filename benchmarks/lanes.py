"""LUT per lane of the array engine, from operators and from cells of the 7 series.

    python -m benchmarks.lanes [--simd 32] [--types u2 t] [--forms cells]

For each point a dense layer of 16 rows, PE 8, with random ternary weights is generated in both
forms, simulated against the integer reference word for word and cycle for cycle, and only then
synthesised and counted. A lane's share is that of the rows: products, additions and the row of the
accumulator; that of the engine is everything but the memory of the weights. Prints a table and
writes build/benchmarks/lanes.json. Takes some minutes.
"""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tritforge.design import Design
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Dense, Network, TensorType
from tritforge.files import write_atomic
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.matrix.offset_binary import Sums
from tritforge.reports.devices import device
from tritforge.reports.render.tables import Column, Table
from tritforge.reports.synth.fpga import synthesise
from tritforge.reports.synth.resources import Resources, total
from tritforge.sim import runner

DEVICE = "xc7k480t"
PE, PASSES, BEATS, FRAMES = 8, 2, 36, 4


def layer(simd: int, dtype: DataType) -> Network:
    """A dense layer of PE * PASSES rows and ``simd`` * BEATS columns; 1/3 of the weights is 0."""
    columns = simd * BEATS
    planes = (
        np.random.default_rng(0).integers(-1, 2, size=(1, PE * PASSES, columns)).astype(np.int8)
    )
    source = TensorType(1, 1, columns, dtype)
    return Network("lanes", source, (Dense(name="layer", input="input", planes=planes),))


FORMS = ("cells", "generic")
"""What rows of additions are made of: cells of the device by name, or operators."""


def measure(simd: int, dtype: DataType, form: str, folder: Path) -> dict[str, Any]:
    """Generate, prove and count one point."""
    network = layer(simd, dtype)
    folding = ArrayFolding(pe=PE, simd=simd)
    design = Design(network, {"layer": folding}, device=DEVICE, cells=form == "cells")
    source = folder / design.write(folder).files["verilog"].file

    lowest, highest = dtype.minimum, dtype.maximum
    shape = (FRAMES, 1, 1, network.input.channels)
    frames = np.random.default_rng(1).integers(lowest, highest + 1, size=shape)
    frames[0], frames[1] = lowest, highest
    proof = runner.simulate(
        folder, frames, simulator="icarus", build_dir=folder / "simulate", stalls="none"
    )
    if not proof.passed:
        raise SystemExit(f"{folder.name}: {proof.failures[0]}")

    counted = synthesise([source], folder, "lanes", folder / "synth", device(DEVICE))
    array = "core.layer.array"
    rows = total(part.own for part in counted.parts if part.path.startswith(f"{array}.dot_"))
    engine = rows + total(part.own for part in counted.parts if part.path == array)
    return {
        "simd": simd,
        "type": str(dtype),
        "bits": dtype.bits,
        "form": form,
        "accumulator_bits": Sums.of(
            network.nodes[0].plane_matrices()[0], network.input.dtype
        ).dtype.bits,
        "lanes": PE * simd,
        "interval_cycles": design.interval_cycles,
        "latency_cycles": design.latency_cycles,
        "rows": rows.to_json(),
        "engine": engine.to_json(),
        "lut_per_lane": per_lane(rows, simd),
        "engine_lut_per_lane": per_lane(engine, simd),
        "words_compared": proof.compared_words,
        "tool": counted.tool,
        "script": list(counted.script),
        "device": DEVICE,
    }


def per_lane(resources: Resources, simd: int) -> float:
    """LUT in every role, inverters included, for each of the PE * ``simd`` lanes."""
    return resources.lut_total / (PE * simd)


def main() -> None:
    """Measure the points that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simd", type=int, nargs="+", default=[8, 16, 32])
    parser.add_argument("--types", nargs="+", default=["u2", "u8", "t"], help="of the inputs")
    parser.add_argument("--forms", choices=FORMS, nargs="+", default=FORMS)
    parser.add_argument("--build", type=Path, default=Path("build/benchmarks"))
    arguments = parser.parse_args()
    results = []
    for name in arguments.types:
        for simd in arguments.simd:
            for form in arguments.forms:
                folder = arguments.build / f"lanes-{name}-simd{simd}-{form}"
                results.append(measure(simd, DataType.parse(name), form, folder))
    for one, other in pairwise(results):
        cycles = ("interval_cycles", "latency_cycles", "words_compared")
        alike = all(one[key] == other[key] for key in ("type", "simd"))
        if alike and any(one[key] != other[key] for key in cycles):
            raise SystemExit(f"the forms differ: {one} and {other}")
    write_atomic(arguments.build / "lanes.json", json.dumps(results, indent=2) + "\n")
    print(table(results).text())


def table(results: list[dict[str, Any]]) -> Table:
    """Return the table of ``results``."""
    heads = ("form", "accumulator", "LUT", "LUT6 sites, est.", "CARRY4", "FF")
    per_lane = (Column("LUT per lane", digits=2), Column("of the engine", digits=2))
    return Table(
        title=f"Lanes of the array engine, PE {PE}",
        columns=("type", "SIMD", *heads, *per_lane),
        rows=tuple(
            (
                point["type"],
                point["simd"],
                point["form"],
                point["accumulator_bits"],
                point["rows"]["lut"] + point["rows"]["inv"],
                *(point["rows"][name] for name in ("lut_sites", "carry", "ff")),
                point["lut_per_lane"],
                point["engine_lut_per_lane"],
            )
            for point in results
        ),
        notes=(
            f"{results[0]['tool']}, {DEVICE}, not placed and routed: "
            f"{'; '.join(results[0]['script'])}.",
            "Engine: rows, buffer, control and registers; not the memory of the weights.",
        ),
    )


if __name__ == "__main__":
    main()
