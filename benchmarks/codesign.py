"""Training choices and hardware choices together: accuracy, LUT and frames per second.

    tritforge train --compare benchmarks/codesign.yaml
    python -m benchmarks.codesign benchmarks/codesign.yaml --fps 10000 100000 --clock-mhz 100

For every trained model the cheapest plan of each rate is searched
(``tritforge.reports.explore.search``), with engine and folding of every layer free. A configuration
that was not trained, or that has no hardware, is named and left out. Writes
docs/results/codesign.json, docs/codesign.svg and the section of docs/results.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pages import PAGE, section
from tritforge.config import config
from tritforge.config.config import Config
from tritforge.export.ir.nodes import Network
from tritforge.export.lowering.lower import lower
from tritforge.files import write_atomic
from tritforge.quant import checkpoint, datasets
from tritforge.quant.evaluate import exact
from tritforge.reports.devices import device
from tritforge.reports.explore.price import Pricing
from tritforge.reports.explore.search import cheapest
from tritforge.reports.render.scatter import Dot, scatter
from tritforge.reports.render.svg import Svg
from tritforge.reports.render.tables import Column, Table, Value
from tritforge.steps import results
from tritforge.steps.explore import Goal, read_budget, space_of
from tritforge.steps.training import build
from tritforge.steps.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "docs" / "results" / "codesign.json"
PICTURE = ROOT / "docs" / "codesign.svg"


def restored(chosen: Config, place: Workspace) -> tuple[Network, dict[str, Any]]:
    """The integer network and the training record of a checkpoint, proved by lowering."""
    state, meta = checkpoint.load(place.training)
    trained = results.as_trained(chosen, results.stored_settings(meta, place))
    model = build(trained, place)
    checkpoint.restore(model, state)
    channels, *size = datasets.SHAPES[chosen.dataset.name]
    return lower(exact(model), (channels, *size), name=chosen.name).network, meta


def measured(
    chosen: Config,
    place: Workspace,
    rates: Sequence[float],
    clock_mhz: float,
    engines: Sequence[str],
) -> list[dict[str, Any]]:
    """A row for each rate: training choices, accuracy, and the cheapest plan (None without any)."""
    network, meta = restored(chosen, place)
    part = device(chosen.hardware.device)
    pricing = Pricing(chosen.hardware.target)
    limits = read_budget([], part)
    space = space_of(
        network, pricing, Goal(device=part, clock_mhz=clock_mhz, fps=None, limits=limits), engines
    )
    weights = np.concatenate([node.planes.ravel() for node in network.matrix_nodes()])
    common = {
        "model": chosen.name,
        "method": chosen.quantization.method,
        "zeros_percent": 100 * float((weights == 0).mean()),
        "activation_bits": getattr(chosen.quantization, "activation_bits", None),
        "accuracy_percent": 100 * meta["result"]["test_accuracy"],
        "images": meta["result"]["test_images"],
        "epochs": meta["result"]["epochs"],
        "seed": meta["training"]["seed"],
        "engines": list(engines),
    }
    rows = []
    for rate in rates:
        plan = cheapest(space, int(1e6 * clock_mhz / rate + 1e-6), limits)
        row = {
            **common,
            "fps": rate,
            "clock_mhz": clock_mhz,
            "lut": None,
            "bram36": None,
            "interval_cycles": None,
        }
        if plan is not None:
            layers = {name: [f.engine, f.options] for name, f in plan.foldings.items()}
            row |= {
                "lut": plan.cost.lut,
                "bram36": plan.cost.bram18 / 2,
                "interval_cycles": plan.interval,
            }
            row |= {"layers": layers}
        rows.append(row)
    return rows


def pareto_optimal(rows: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Whether each row is on the Pareto front of accuracy and LUTs at its rate."""

    def beats(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
        as_good = a["accuracy_percent"] >= b["accuracy_percent"] and a["lut"] <= b["lut"]
        return as_good and (a["accuracy_percent"], a["lut"]) != (b["accuracy_percent"], b["lut"])

    known = [row for row in rows if row["lut"] is not None]
    return [
        row["lut"] is not None
        and not any(beats(other, row) for other in known if other["fps"] == row["fps"])
        for row in rows
    ]


def table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """One row for each model and rate."""
    best = pareto_optimal(rows)
    shown: list[tuple[Value, ...]] = []
    for row, mark in zip(rows, best, strict=True):
        engines = [engine for engine, _ in row.get("layers", {}).values()]
        mix = ", ".join(f"{engines.count(name)} {name}" for name in sorted(set(engines)))
        shown.append(
            (
                *(row["model"], row["method"], row["zeros_percent"], row["activation_bits"]),
                *(
                    row["accuracy_percent"],
                    row["fps"],
                    None if row["lut"] is None else round(row["lut"]),
                ),
                *(row["bram36"], mix, "yes" if mark else ""),
            )
        )
    columns = (
        *(
            "Model",
            "Method",
            Column("Zeros", suffix=" %"),
            "Activation bits",
            Column("Accuracy", 2, " %"),
        ),
        *(Column("Frames/s", 0), "LUT", "BRAM36", "Engines", "Pareto-optimal"),
    )
    first = rows[0]
    note = (
        f"Accuracy on {first['images']:,} held-out images, seed {first['seed']}, {first['epochs']} "
        f"epochs; LUT as estimated, of the cheapest plan of that rate at {first['clock_mhz']:g} "
        f"MHz, by exact search over engine ({' or '.join(first['engines'])}) and folding of every "
        "layer. Pareto-optimal: no other model at this rate is as accurate with fewer LUTs."
    )
    return Table("Training and hardware together", columns, tuple(shown), (note,))


def picture(rows: Sequence[Mapping[str, Any]]) -> Svg:
    """Accuracy against LUT, a series for each rate; the Pareto-optimal ones are marked."""
    known = [
        (row, mark)
        for row, mark in zip(rows, pareto_optimal(rows), strict=True)
        if row["lut"] is not None
    ]
    starts = {row["model"].partition("_")[0] for row in rows}
    common = f"{starts.pop()}_" if len(starts) == 1 else ""
    dots = []
    for row, mark in known:
        label = row["model"].removeprefix(common) if mark else ""
        tip = f"{row['model']}: {row['accuracy_percent']:.2f} %, {row['lut']:,.0f} LUT"
        rate = f"{row['fps']:,.0f} frames/s"
        dots.append(Dot(row["lut"], row["accuracy_percent"], rate, label, tip, mark))
    title = "Accuracy against LUT at each rate"
    return scatter(dots, title, "LUT, estimated", "accuracy, %", lines=False, linear_y=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure what is trained, and write record, picture and page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("configs", nargs="+", help="a file selects all its variants")
    parser.add_argument("--fps", type=float, nargs="+", default=[10_000.0, 100_000.0])
    parser.add_argument("--clock-mhz", type=float, default=100.0)
    parser.add_argument("--engine", action="append", help="default: array and skip")
    parser.add_argument("--build", type=Path, default=Path("build"))
    parser.add_argument("--record", type=Path, default=RECORD)
    parser.add_argument("--picture", type=Path, default=PICTURE)
    parser.add_argument("--page", type=Path, default=PAGE)
    arguments = parser.parse_args(argv)
    engines = tuple(arguments.engine or ("array", "skip"))
    rows: list[dict[str, Any]] = []
    for path in (path for name in arguments.configs for path in config.expand(name)):
        chosen = config.load(path)
        place = Workspace(config_path=path, root=arguments.build / chosen.name)
        if not chosen.quantization.ternary or chosen.quantization.activation == "float":
            print(f"{chosen.name}: no hardware, left out")
        elif not (place.training / "model.json").is_file():
            print(f"{chosen.name}: not trained, left out")
        else:
            rows += measured(chosen, place, arguments.fps, arguments.clock_mhz, engines)
            print(f"{chosen.name}: {rows[-1]['accuracy_percent']:.2f} %", flush=True)
    if not rows:
        parser.error("none of these is trained; run `tritforge train --compare` with them first")
    write_atomic(arguments.record, json.dumps(rows, indent=1) + "\n")
    write_atomic(arguments.picture, picture(rows).standalone())
    text = f"![Accuracy against LUT at each rate](codesign.svg)\n\n{table(rows).markdown(0)}"
    section("codesign", "Training and hardware together", text, arguments.page)


if __name__ == "__main__":
    main()
