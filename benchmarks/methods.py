"""Trains the variants of a configuration; writes docs/results and docs/training.md.

    TRITFORGE_DATA=... python -m benchmarks.methods mnist [--only twn ics] [--build build]
    python -m benchmarks.methods mnist --render

Variants are trained sequentially in the order of the file. Finished ones are stored in --build and
not trained again, interrupted ones continue. The figures are written after each. --collect reads
the finished ones and trains none. --render writes the page from the committed figures alone,
including those of benchmarks/training_step.py.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tritforge.config import config, variants
from tritforge.files import write_atomic
from tritforge.quant import checkpoint
from tritforge.reports.render.tables import Column, Table
from tritforge.steps.compare import collect
from tritforge.steps.training import share_pretraining, train_once
from tritforge.steps.workspace import Workspace

__all__ = ["PAGE", "RECORDS", "main", "rendered"]

ROOT = Path(__file__).resolve().parent.parent
RECORDS = ROOT / "docs" / "results"
PAGE = ROOT / "docs" / "training.md"
STUDIES = ("mnist", "cifar10", "cifar10_jpeg", "cifar10_cpu", "cifar10_short")


def figures(place: Workspace) -> dict[str, Any]:
    """Return what is known of the finished training in ``place``."""
    found = collect(config.load(place.config_path), place).figures()
    result = checkpoint.load(place.training)[1]["result"]
    # that it was trained with
    versions = json.loads((place.training / "model.json").read_text())["versions"]
    return {**found, "seconds": round(result["seconds"], 1), "versions": versions}


def record_of(study: str) -> dict[str, Any]:
    """Return the committed figures of a study, by variant."""
    path = RECORDS / f"{study}.json"
    return dict(json.loads(path.read_text())) if path.is_file() else {}


def table(study: str, record: dict[str, Any]) -> Table:
    """Return a row for each variant of the study that was measured, in the order of its file."""
    names = variants.names(ROOT / "networks" / f"{study}.yaml")
    layers = list(next(iter(record.values()))["density"]) if record else []
    shown = layers if len(layers) <= 6 else []
    rows = []
    for name in names:
        if name not in record:
            continue
        one = record[name]
        start = (
            f"{100 * one['float_correct'] / one['images']:.2f} %"
            if one["float_correct"]
            else "none"
        )
        rows.append(
            (
                name,
                one["activation"],
                one["accuracy_percent"],
                one["validation_percent"],
                start,
                one["zeros_percent"],
                *(f"{100 * one['density'][layer]:.0f} %" for layer in shown),
                "no hardware" if one["compression"] is None else f"{one['compression']:.1f}x",
                one["epochs"],
                one["seed"],
            )
        )
    percent: dict[str, Any] = {"digits": 2, "suffix": " %"}
    columns = (
        "Variant",
        "Activations",
        Column("Test", **percent),
        Column("Validation", **percent),
        "Float start",
        Column("Zeros", suffix=" %"),
        *shown,
        "Compression",
        "Epochs",
        "Seed",
    )
    sources = sorted(
        {f"{one['dataset']}, n = {one['images']:,}; on {one['device']}" for one in record.values()}
    )
    tools = sorted(
        {", ".join(f"{k} {v}" for k, v in one["versions"].items()) for one in record.values()}
    )
    options = [
        f"{name}: {record[name]['options']}"
        for name in names
        if record.get(name, {}).get("options")
    ]
    missing = ", ".join(name for name in names if name not in record)
    notes = (*sources, *tools, *options, *([f"Not measured: {missing}."] if missing else []))
    return Table("", columns, tuple(rows), notes)


def steps_table(record: Sequence[dict[str, Any]]) -> Table:
    """Return the cost of a step by method and network, from benchmarks/training_step.py."""
    networks = list(dict.fromkeys(row["network"] for row in record))
    ratios = {(row["method"], row["network"]): row["ratio"] for row in record}
    targets = {row["method"]: row["target"] for row in record}
    rows = tuple(
        (method, *(ratios.get((method, network)) for network in networks), target)
        for method, target in targets.items()
    )
    columns = (
        "Method",
        *(Column(network, digits=2) for network in networks),
        Column("Target", digits=2),
    )
    steps = ", ".join(sorted({str(row["steps"]) for row in record}))
    return Table("", columns, rows, (f"Medians of {steps} steps.",) if record else ())


def rendered(page: str) -> str:
    """Return the page with the tables of the committed figures that it has a section for."""
    kept = RECORDS / "training_step.json"
    tables = {study: table(study, record_of(study)) for study in STUDIES}
    tables["steps"] = steps_table(json.loads(kept.read_text()) if kept.is_file() else [])
    for name, shown in tables.items():
        content = shown.markdown(level=0)
        pattern = rf"(<!-- {name}: written by `benchmarks/methods.py` -->\n).*?(<!-- end -->)"
        page = re.sub(
            pattern,
            lambda found, content=content: found[1] + content + found[2],
            page,
            flags=re.DOTALL,
        )
    return page


def main(argv: Sequence[str] | None = None) -> None:
    """Train, collect and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument(
        "--only", nargs="+", metavar="VARIANT", help="these variants instead of all"
    )
    parser.add_argument("--build", type=Path, default=Path("build"), help="where they are trained")
    parser.add_argument("--collect", action="store_true", help="train none")
    parser.add_argument("--render", action="store_true", help="write the page alone")
    chosen = parser.parse_args(argv)
    record = record_of(chosen.study)
    places: list[Workspace] = []
    for path in (
        [] if chosen.render else config.expand(str(ROOT / "networks" / f"{chosen.study}.yaml"))
    ):
        name = str(variants.split(path)[1])
        loaded = config.load(path)
        places.append(Workspace(config_path=path, root=chosen.build / loaded.name))
        if chosen.only and name not in chosen.only:
            continue
        if not chosen.collect:
            share_pretraining(loaded, places[-1], places[:-1])
            train_once(loaded, places[-1])
        elif not (places[-1].training / "model.json").is_file():
            continue
        record[name] = figures(places[-1])
        print(f"{name}: {record[name]['accuracy_percent']:.2f} %", flush=True)
        write_atomic(RECORDS / f"{chosen.study}.json", json.dumps(record, indent=2) + "\n")
        write_atomic(PAGE, rendered(PAGE.read_text()))
    write_atomic(PAGE, rendered(PAGE.read_text()))


if __name__ == "__main__":
    main()
