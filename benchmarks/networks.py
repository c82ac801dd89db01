"""Every network of networks/ at random ternary weights, generated and simulated on Verilator.

    python -m benchmarks.networks [NAME ...] [--render]

Each is exported (torch in float64 = integer reference), written as Verilog, and simulated bit for
bit at every layer; for every stream in the design the last beat of each frame must be transferred
in the planned cycle. There are no stalls. A network that was measured with the same program and
configuration is not measured again. Writes docs/results/networks.json and docs/networks.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tritforge.config import config
from tritforge.design import Design
from tritforge.export.artifacts.manifest import Manifest
from tritforge.export.ir import serialize
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Bias, Dense, Network, TensorType
from tritforge.files import sha256, write_atomic
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.pipeline.plan import Plan
from tritforge.reports.render.tables import Column, Table
from tritforge.sim import runner
from tritforge.steps import planning
from tritforge.steps.workspace import Workspace

__all__ = ["measure", "render", "streams_as_planned"]

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "docs" / "results" / "networks.json"
PAGE = ROOT / "docs" / "networks.md"
SEED = 1

FRAMES = {
    "digits": 16, "lenet5": 4, "alexnet_last": 2, "cnv": 2, "resnet20": 2, "resnet32": 2,
    "resnet44": 2,
    "resnet56": 2, "vgg7": 2, "resnet18": 1, "alexnet": 1, "resnet34": 1,
}  # fmt: skip
"""Frames to simulate of each network, in the order of their cost."""

LAST = "alexnet_last"
"""AlexNet's last layer alone, 4096 x 1000, the layer of Table IX of the ICS paper."""


def last_layer() -> tuple[Network, dict[str, ArrayFolding]]:
    """Return that layer with 8-bit inputs and an integer bias, folded to 100 lanes as there."""
    rng = np.random.default_rng(SEED)
    planes = rng.integers(-1, 2, size=(1, 1000, 4096)).astype(np.int8)
    dense = Dense(name="classifier", input="input", planes=planes)
    bias = Bias(name="bias", input="classifier", bias=rng.integers(-1000, 1000, size=1000))
    source = TensorType(1, 1, 4096, DataType(8, signed=False))
    return Network(LAST, source, (dense, bias)), {"classifier": ArrayFolding(pe=25, simd=4)}


def write_last(folder: Path, cells: bool) -> tuple[Plan, np.ndarray]:
    """Write the design of AlexNet's last layer; return its plan and the vectors to send."""
    network, foldings = last_layer()
    design = Design(network, foldings, cells=cells)
    design.write(folder)
    rng = np.random.default_rng(SEED)
    return design.plan, rng.integers(0, 256, size=(FRAMES[LAST], *network.input.shape))


def run(*arguments: str) -> dict[str, float]:
    """Run a command of tritforge; return its CPU and wall seconds and its largest memory in GB."""
    started = time.monotonic()
    child = subprocess.Popen([sys.executable, "-m", "tritforge", *arguments], cwd=ROOT)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"tritforge {' '.join(arguments)}: exit status {child.returncode}")
    return {
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "wall_seconds": time.monotonic() - started,
        "gigabytes": usage.ru_maxrss / 1e6,
    }


def streams_as_planned(design: Plan, result: dict[str, Any]) -> int:
    """Return how many frame ends on how many streams were compared with the plan.

    Raises
    ------
    SystemExit: a stream's frame ended in another cycle than planned.
    """
    reports = {stream["name"]: stream for stream in result["streams"]}
    start = reports["s_axis"]["first_cycle"]
    compared = 0
    for name, planned in design.stream_cycles.items():
        ends = [cycle - start for cycle in reports[name]["frame_ends"]]
        wanted = list(planned[: len(ends)])
        if ends[: len(wanted)] != wanted:
            raise SystemExit(
                f"{result['design']}: frames end on {name} in cycles {ends}, planned {wanted}"
            )
        compared += len(wanted)
    return compared


def measure(name: str, build: Path, primitives: str) -> dict[str, Any]:
    """Generate and simulate one network; a point that is there with the same key is returned."""
    source = ROOT / "networks" / f"{name}.yaml"
    text = source.read_text() if name != LAST else repr(last_layer())
    key = hashlib.sha256(
        repr((text, planning.program(), primitives, FRAMES[name])).encode()
    ).hexdigest()
    folder = build / name
    kept = folder / "point.json"
    if kept.is_file():
        point: dict[str, Any] = json.loads(kept.read_text())
        if point["key"] == key:
            return point
    folder.mkdir(parents=True, exist_ok=True)
    generated: dict[str, dict[str, float]] = {}
    if name == LAST:
        design, images = write_last(folder / "design", primitives == "device")
        outcome = runner.simulate(
            folder / "design", images, build_dir=folder / "simulate" / "verilator", stalls="none"
        )
        result = json.loads(outcome.to_json())
        simulated = None
    else:
        chosen = config.load(source)
        own = f"hardware:\n  primitives: {primitives}\n"
        (folder / f"{name}.yaml").write_text(text.replace("hardware:\n", own))
        place = Workspace(config_path=folder / f"{name}.yaml", root=folder)
        where = (str(place.config_path), "--build", str(folder))
        count = str(max(2, FRAMES[name]))
        generated["export"] = run(
            "export", *where, "--random-weights", str(SEED), "--images", count, "--force"
        )
        generated["generate"] = run("generate", *where, "--force")
        simulated = run("simulate", *where, "--stalls", "none", "--frames", str(FRAMES[name]))
        result = json.loads((place.simulations / "verilator" / "result.json").read_text())
        hardware = replace(chosen.hardware, primitives=primitives)
        design = planning.planned(
            replace(chosen, hardware=hardware),
            place,
            serialize.load(place.design),
            anew=True,
            force=True,
        ).plan
    if not result["passed"]:
        raise SystemExit(f"{name}: {result['failures'][0]}")
    manifest = Manifest.read(folder / "design")
    file = folder / "design" / manifest.files["verilog"].file
    point = {
        "name": name,
        "key": key,
        "seed": SEED,
        "primitives": primitives,
        "weights": sum(layer.weights or 0 for layer in manifest.layers),
        "layers": sum(1 for layer in manifest.layers if layer.weights),
        "fifos": {stage.name: stage.fifos for stage in design.stages if any(stage.fifos)},
        "lines": len(file.read_text().splitlines()),
        "verilog_sha256": sha256(file),
        "generated": generated,
        "simulated": simulated,
        "interval_cycles": manifest.interval_cycles,
        "latency_cycles": manifest.latency_cycles,
        "frames": result["frames"],
        "integers": compared_integers(manifest, result),
        "cycles": result["cycles"],
        "expected_cycles": result["expected_cycles"],
        "streams": sum(stream in design.stream_cycles for stream in map(_name, result["streams"])),
        "frame_ends": streams_as_planned(design, result),
        "build_seconds": result["build_seconds"],
        "cycles_per_second": result["cycles_per_second"],
        "simulator": f"{result['simulator']} {result['version']}",
    }
    write_atomic(kept, json.dumps(point, indent=1) + "\n")
    return point


def _name(stream: dict[str, Any]) -> str:
    return str(stream["name"])


def compared_integers(manifest: Manifest, result: dict[str, Any]) -> int:
    """Integers compared with the reference: a word has as many as its stream has lanes."""
    return sum(
        manifest.stream(_name(stream)).lanes * stream["compared"] for stream in result["streams"]
    )


def table(points: Sequence[dict[str, Any]]) -> Table:
    """One row a network."""

    def spent(point: dict[str, Any], what: str) -> float | None:
        parts = [step[what] for step in point["generated"].values()]
        return (max(parts) if what == "gigabytes" else sum(parts)) if parts else None

    return Table(
        title="Generated and simulated",
        columns=(
            "network", "weights", "layers", "lines of Verilog",
            Column("export + generate, s", digits=0),
            Column("memory, GB", digits=1), "interval", "latency", "frames", "integers compared",
            "cycles",
            "streams", Column("compile, s", digits=0), Column("simulated cycles/s", digits=0),
        ),
        rows=tuple(
            (
                point["name"], point["weights"], point["layers"], point["lines"],
                spent(point, "cpu_seconds"), spent(point, "gigabytes"), point["interval_cycles"],
                point["latency_cycles"], point["frames"], point["integers"], point["cycles"],
                point["streams"], point["build_seconds"], point["cycles_per_second"],
            )
            for point in points
        ),
        notes=(
            f"Random ternary weights and images, seed {SEED}; {points[0]['simulator']}, no stalls, "
            f"{points[0]['primitives']} primitives, 2 cores shared with other work. Seconds of "
            "export and generate are CPU time; compile is the wall time of Verilator and the C++ "
            "compiler; simulated cycles/s is its speed with every stream probed.",
            "Every integer at every layer boundary equals the integer reference and torch in "
            "float64 (`alexnet_last` has no torch model, so only the reference). Cycles: "
            "simulated, from the first input beat to the last output beat, exactly as planned. "
            "Streams: the number of streams on which the last beat of each frame is transferred in "
            "the planned cycle.",
        ),
    )  # fmt: skip


def render(points: Sequence[dict[str, Any]]) -> str:
    """The page that shows ``points``."""
    missing = [name for name in FRAMES if name not in {point["name"] for point in points}]
    pages = [
        "# Every network as hardware",
        "Every network of `networks/` was generated as Verilog and simulated. Written by `python "
        "-m benchmarks.networks` from `docs/results/networks.json`. `alexnet_last` is AlexNet's "
        "last layer, 4096 inputs and 1000 outputs, the subject of Table IX of the ICS paper.",
        table(points).markdown(2),
        *([f"Not measured yet: {', '.join(missing)}."] if missing else []),
    ]
    return "\n\n".join(page.strip() for page in pages) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write the record and the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", default=list(FRAMES))
    parser.add_argument("--render", action="store_true", help="only write the page from the record")
    parser.add_argument("--primitives", choices=("device", "generic"), default="generic")
    parser.add_argument("--build", type=Path, default=Path("build/networks"))
    chosen = parser.parse_args(arguments)
    for name in chosen.names:
        if name not in FRAMES:
            parser.error(f"NAME must be one of {', '.join(FRAMES)}, not {name!r}")
    known = (
        {point["name"]: point for point in json.loads(RECORD.read_text())}
        if RECORD.is_file()
        else {}
    )
    if not chosen.render:
        for name in chosen.names:
            known[name] = measure(name, chosen.build.absolute(), chosen.primitives)
            points = [known[name] for name in FRAMES if name in known]
            write_atomic(RECORD, json.dumps(points, indent=1) + "\n")
            write_atomic(PAGE, render(points))
            print(f"{name}: {known[name]['cycles']:,} cycles as planned", flush=True)
    points = [known[name] for name in FRAMES if name in known]
    write_atomic(PAGE, render(points))
    print(table(points).text())


if __name__ == "__main__":
    main()
