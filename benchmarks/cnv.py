"""The matrix units of `cnv` at 868 frames/s and 100 MHz, compared with FINN's own formula.

    python -m benchmarks.cnv [LAYER ...] [--render]

A matrix unit is everything between a layer's vectors and its sums: the memory of the weights and
its decoders, the lanes, the accumulators, the buffer of the vector, and the control. Excluded: the
sliding window before it and the thresholds after it, which FINN's formula with its default memories
excludes too. Each unit of the plan is synthesised as a module of its own, not flattened, with
random weights of seed 1; a unit that has been counted is not counted again. Writes
docs/results/cnv.json and docs/cnv.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tritforge.config import config
from tritforge.export.lowering.lower import lower
from tritforge.files import write_atomic
from tritforge.hw.engines.array.engine import MacArrayUnit
from tritforge.hw.pipeline import verilog
from tritforge.hw.pipeline.plan import Plan, plan
from tritforge.hw.stream.rom import files
from tritforge.hw.targets.xc7.family import Xc7
from tritforge.quant.evaluate import exact
from tritforge.reports.devices import device
from tritforge.reports.render.tables import Table
from tritforge.reports.synth.fpga import synthesise
from tritforge.reports.synth.resources import Resources, total
from tritforge.steps.training import build
from tritforge.steps.workspace import Workspace

__all__ = ["FINN", "FRAMES_PER_SECOND", "matrix_units", "planned", "render"]

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "networks" / "cnv.yaml"
RECORD = ROOT / "docs" / "results" / "cnv.json"
PAGE = ROOT / "docs" / "cnv.md"
SEED, DEVICE, CLOCK_HZ, FRAMES_PER_SECOND = 1, "xc7k480t", 100_000_000, 868
LUT_GOAL, BRAM18_GOAL = 6000, 150

FINN = (
    (1655, 2, 64_800), (3837, 15, 112_896), (2068, 15, 82_944), (2077, 30, 115_200),
    (766, 36, 82_944),
    (417, 72, 73_728), (4431, 0, 65_536), (372, 32, 65_536), (575, 0, 1_024),
)  # fmt: skip
"""LUT, BRAM18 and cycles of each layer by FINN's estimate for its folding of CNV-W2A2."""


def planned() -> Plan:
    """The plan of networks/cnv.yaml at random ternary weights; FIFOs for the rate are left out."""
    chosen = config.override(config.load(CONFIG), seed=SEED)
    model = exact(build(chosen, Workspace(config_path=CONFIG, root=Path("build"))))
    design: Plan = plan(
        lower(model, (3, 32, 32), name="cnv").network, chosen.hardware.layers, Xc7()
    )
    return design


def matrix_units(design: Plan) -> dict[str, MacArrayUnit]:
    """The matrix unit of every layer with weights, by the layer's name."""
    return {
        stage.name: unit
        for stage in design.stages
        for unit in stage.all_units
        if isinstance(unit, MacArrayUnit)
    }


def measure(layer: str, unit: MacArrayUnit, folder: Path) -> dict[str, Any]:
    """Synthesise one unit and count it."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / f"{layer}.v"
    write_atomic(source, verilog.module(unit.component(), layer, Xc7()))
    for image in files(unit.rom, unit.split):
        image.write(folder)
    counted = synthesise([source], folder, layer, folder / "synth", device(DEVICE))

    def share(chosen: Sequence[Resources]) -> dict[str, int | None]:
        return total(chosen).to_json()

    dots = [part.own for part in counted.parts if ".dot_" in f".{part.path}"]
    decoders = [part.own for part in counted.parts if ".decoder_" in f".{part.path}"]
    memory = (".weights", ".image", ".image_high")
    weights = [part.own for part in counted.parts if f".{part.path}".endswith(memory)]
    return {
        "layer": layer,
        "rows": unit.planes.shape[1],
        "columns": unit.planes.shape[2],
        "pe": unit.pe,
        "simd": unit.simd,
        "packing": unit.packing.value,
        "word_bits": unit.rom.word_bits,
        "depth": unit.rom.depth,
        "cycles": unit.interval_cycles,
        "total": counted.total.to_json(),
        "lanes": share(dots),
        "decoders": share(decoders),
        "weights": share(weights),
        "tool": counted.tool,
        "script": list(counted.script),
    }


def _bram18(resources: dict[str, Any]) -> int:
    return int(resources["bram18"] + 2 * resources["bram36"])


def _luts(resources: dict[str, Any]) -> int:
    return int(sum(resources[name] for name in ("lut", "inv", "lutram", "srl")))


def table(points: Sequence[dict[str, Any]]) -> Table:
    """The layers, one a row, and their sum."""
    rows: list[tuple[Any, ...]] = []
    for point, finn in zip(points, FINN, strict=True):
        rows.append((
            point["layer"], f"{point['columns']} to {point['rows']}",
            f"{point['pe']} x {point['simd']}",
            point["packing"], point["cycles"], _luts(point["total"]), point["total"]["lut_sites"],
            _luts(point["lanes"]), _luts(point["decoders"]), _luts(point["weights"]),
            point["total"]["ff"],
            _bram18(point["total"]), *finn,
        ))  # fmt: skip
    sums = [sum(row[at] for row in rows) for at in range(len(rows[0])) if at > 4]
    slowest = max(row[4] for row in rows)
    rows.append(("all", "", "", "", slowest, *sums[:7], *sums[7:9], max(finn[2] for finn in FINN)))
    return Table(
        title="Matrix units",
        columns=(
            "layer", "matrix", "PE x SIMD", "packing", "cycles", "LUT", "LUT6 sites, est.", "lanes",
            "decoders", "weight memory", "FF", "BRAM18", "FINN LUT", "FINN BRAM18", "FINN cycles",
        ),
        rows=tuple(rows),
        notes=(
            f"{points[0]['tool']}, {DEVICE}, not placed and routed: "
            f"{'; '.join(points[0]['script'])}. LUT: all cells, including inverters and LUTRAM. "
            "Lanes (with accumulators), decoders and weight memory are parts of it; the rest is "
            "control and vector buffers. LUT6 sites, est.: our estimate of those that the logic "
            "needs when two small LUTs share one, without memory.",
            "FINN: its own formula (`lut_estimation`, `bram_estimation`) for the folding that it "
            "ships for CNV-W2A2. Neither side counts windows and thresholds.",
        ),
    )  # fmt: skip


def render(points: Sequence[dict[str, Any]]) -> str:
    """The page that shows ``points``."""
    luts = sum(_luts(point["total"]) for point in points)
    blocks = sum(_bram18(point["total"]) for point in points)
    rate = CLOCK_HZ / max(point["cycles"] for point in points)
    finn = [sum(column) for column in zip(*FINN, strict=True)][:2]
    shown = table(points)
    return (
        "# CNV beside FINN\n\n"
        "The matrix units of the nine layers of `networks/cnv.yaml`, which has the shape of FINN's "
        "CNV-W2A2: weight memories with decoders, lanes, accumulators, vector buffers and control. "
        "Ours are counted after synthesis; FINN's are what its own formula says, because its units "
        "need Vitis HLS. Written by `python -m benchmarks.cnv` from `docs/results/cnv.json`.\n\n"
        f"{luts:,} LUT and {blocks} BRAM18 at {rate:.0f} frames a second and 100 MHz (goal: at "
        f"most {LUT_GOAL:,} and {BRAM18_GOAL}); FINN's formula says {finn[0]:,} and {finn[1]}.\n\n"
        f"{shown.markdown(2).strip()}\n"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Count the units, write the record and the page once all are there."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("layers", nargs="*", metavar="LAYER")
    parser.add_argument("--render", action="store_true", help="only write the page from the record")
    parser.add_argument("--build", type=Path, default=Path("build/benchmarks/cnv"))
    chosen = parser.parse_args(arguments)
    if not chosen.render:
        units = matrix_units(planned())
        for layer in chosen.layers or units:
            folder = chosen.build / layer
            point = measure(layer, units[layer], folder)
            write_atomic(folder / "point.json", json.dumps(point, indent=1) + "\n")
            print(
                f"{layer}: {_luts(point['total'])} LUT, {_bram18(point['total'])} BRAM18, lanes "
                f"{_luts(point['lanes'])}, decoders {_luts(point['decoders'])}, weights "
                f"{_luts(point['weights'])}",
                flush=True,
            )
        if chosen.layers:
            return
        points = [json.loads((chosen.build / layer / "point.json").read_text()) for layer in units]
        write_atomic(RECORD, json.dumps(points, indent=1) + "\n")
    write_atomic(PAGE, render(json.loads(RECORD.read_text())))


if __name__ == "__main__":
    main()
