"""Writes the measured figures into docs/results/<name>.json, the README and its pictures.

    make results
    make results-lenet5

Needs what `tritforge demo`, `tritforge simulate --simulator icarus` and, for a dataset in folds,
benchmarks/folds.py left in build/. With --render only the README is rewritten from the committed
figures.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from tritforge.config import config
from tritforge.export.artifacts.manifest import Manifest
from tritforge.export.ir import serialize
from tritforge.files import write_atomic
from tritforge.reports.page import graph
from tritforge.reports.page.data import ReportData
from tritforge.reports.render.tables import Table
from tritforge.steps import results
from tritforge.steps.vectors import Vectors
from tritforge.steps.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ROOT / "docs" / "results"
README = ROOT / "README.md"
NETWORKS = ("digits", "lenet5")


def collect(data: ReportData, folds: dict[str, Any] | None) -> dict[str, Any]:
    """Return the figures of a finished chain as JSON values; None for a dataset with a test set."""
    training, synthesis = data.training, data.synthesis
    if training is None or synthesis is None or data.verdict != "equal":
        raise SystemExit("the chain is not complete: run `make demo` first")
    counts = synthesis.total
    return {
        "dataset": training.dataset,
        "method": training.method,
        "correct": training.correct,
        "images": training.images,
        "epochs": training.epochs,
        "seed": training.seed,
        "training_seconds": training.seconds,
        "folds": folds,
        "weights": sum(layer.weights or 0 for layer in data.manifest.layers),
        "nonzeros": sum(layer.nonzeros or 0 for layer in data.manifest.layers),
        "comparisons": [
            {
                "judged": comparison.judged,
                "against": comparison.against,
                "conditions": comparison.conditions,
                "images": comparison.images,
                "words": comparison.total,
                "differences": comparison.differences,
            }
            for comparison in data.comparisons
        ],
        "interval_cycles": data.manifest.interval_cycles,
        "latency_cycles": data.manifest.latency_cycles,
        "simulations": [
            {
                "simulator": run.simulator,
                "stalls": run.stalls,
                "frames": run.frames,
                "cycles": run.cycles,
                "planned": run.planned,
                "cycles_per_second": run.cycles_per_second,
            }
            for run in data.cycles
        ],
        "resources": {
            "lut": counts.lut_total,
            "ff": counts.ff,
            "carry4": counts.carry,
            "bram36": counts.bram36_total,
            "dsp": counts.dsp,
        },
        "device": synthesis.device,
        "tool": synthesis.tool,
        "script": list(synthesis.script),
        "versions": dict(sorted(data.versions.items())),
    }


def table(record: dict[str, Any]) -> Table:
    """Return the README's table of measured results."""
    folds, resources = record["folds"], record["resources"]
    rows: list[tuple[str, str, str]] = [
        (
            "Accuracy, its own test set" if folds is None else "Accuracy, held-out fold 0",
            f"{100 * record['correct'] / record['images']:.2f} %",
            f"{record['correct']} of {record['images']} images, seed {record['seed']}, "
            f"{record['epochs']} epochs",
        )
    ]
    if folds is not None:
        rows.append(
            (
                "Accuracy, mean of five folds",
                f"{100 * folds['mean_accuracy']:.2f} %",
                f"{folds['correct']} of {folds['images']} images, each held out once, seed "
                f"{folds['seed']}",
            )
        )
    rows.append(
        (
            "Zero weights",
            f"{100 * (1 - record['nonzeros'] / record['weights']):.1f} %",
            f"of {record['weights']:,}; every layer is ternary",
        )
    )
    for comparison in record["comparisons"]:
        conditions = f", {comparison['conditions']}" if comparison["conditions"] else ""
        rows.append(
            (
                f"{comparison['judged'][0].upper()}{comparison['judged'][1:]}",
                f"{comparison['words']:,} integers equal, {comparison['differences']} differ",
                f"against the {comparison['against']}, {comparison['images']} images{conditions}",
            )
        )
    planned = [run for run in record["simulations"] if run["planned"] is not None]
    rows.append(
        (
            "Initiation interval",
            f"{record['interval_cycles']:,} cycles per frame",
            f"latency {record['latency_cycles']:,}; "
            + "; ".join(
                f"{run['frames']} frames on {run['simulator']}: {run['cycles']:,} cycles, "
                f"planned {run['planned']:,}"
                for run in planned
            ),
        )
    )
    rows.append(
        (
            "LUT / FF / CARRY4 / BRAM36 / DSP",
            f"{resources['lut']:,} / {resources['ff']:,} / {resources['carry4']:,} / "
            f"{resources['bram36']:g} / {resources['dsp']}",
            f"{record['tool']}, `synth_xilinx -family xc7`, not placed and routed, "
            f"for {record['device'].upper()}",
        )
    )
    return Table("", ("Measured", "Result", "How"), tuple(rows))


def render(readme: str, records: dict[str, dict[str, Any]]) -> str:
    """Return the README with the table of each record and the demo output of digits."""
    readme = _between(readme, "results", table(records["digits"]).markdown(level=0))
    readme = _between(
        readme, "demo output", f"```text\n{records['digits']['demo_output'].strip()}\n```\n"
    )
    return _between(
        readme, "lenet5 results", table(records["lenet5"]).markdown(level=0), "results-lenet5"
    )


def _between(text: str, name: str, content: str, target: str = "results") -> str:
    pattern = rf"(<!-- {name}: written by `make {target}` -->\n).*?(<!-- end -->)"
    replaced, count = re.subn(pattern, lambda m: m[1] + content + m[2], text, flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"README.md must have one section {name!r}, not {count}")
    return replaced


def load_records() -> dict[str, dict[str, Any]]:
    """Return the committed figures by network."""
    return {name: json.loads((RECORDS / f"{name}.json").read_text()) for name in NETWORKS}


def measure(name: str) -> None:
    """Collect the figures of a network's chain in build/ and store them."""
    config_path = Path(f"networks/{name}.yaml")
    place = Workspace(config_path=config_path, root=Path("build") / name)
    chosen = config.load(config_path)
    network, manifest = serialize.load(place.design), Manifest.read(place.design)
    data = results.gather(chosen, place, network, manifest, Vectors.load(place.vectors))
    folds = None
    if chosen.dataset.folds is not None:
        folds = json.loads(Path(f"build/benchmarks/{name}-folds.json").read_text())
    record = collect(data, folds)
    if name == "digits":
        record["demo_output"] = Path("build/demo.txt").read_text()
        write_atomic(ROOT / "docs" / "chain.svg", graph.chain(network, manifest).standalone())
    RECORDS.mkdir(parents=True, exist_ok=True)
    write_atomic(RECORDS / f"{name}.json", json.dumps(record, indent=2) + "\n")


def main() -> None:
    """Collect the figures and write them where people read them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", nargs="?", choices=NETWORKS, default="digits")
    parser.add_argument(
        "--render", action="store_true", help="write the README from the committed figures"
    )
    arguments = parser.parse_args()
    if not arguments.render:
        measure(arguments.network)
    write_atomic(README, render(README.read_text(), load_records()))


if __name__ == "__main__":
    main()
