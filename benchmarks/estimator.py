"""The estimator against synthesis, in docs/results.md: figures, picture and table.

    python -m benchmarks.estimator
    python -m benchmarks.estimator --network digits

From the configurations in docs/results/estimator_points.jsonl
(tritforge.reports.estimate.calibrate). With ``--network``: the estimate of that network beside what
its ``synth`` and ``simulate`` left in build/.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.hdl import UnusedElaboratable
from matplotlib import rc_context
from matplotlib.figure import Figure

from benchmarks.pages import section
from tritforge.config import config
from tritforge.files import write_atomic
from tritforge.hw.cost.registry import cost
from tritforge.hw.targets.cost import total
from tritforge.hw.targets.registry import FAMILIES, TARGETS
from tritforge.reports.estimate.calibrate.configurations import (
    FIRST_HELD_OUT,
    LATER_HELD_OUT,
    draw,
    held_out,
)
from tritforge.reports.estimate.calibrate.measure import POINTS, measured
from tritforge.reports.estimate.calibrate.score import (
    Point,
    counted_cost,
    current,
    errors,
    errors_of,
    point,
    quantiles,
)
from tritforge.reports.page import sections
from tritforge.reports.papers.finn import MatrixUnit
from tritforge.reports.render.tables import Column, Table
from tritforge.reports.synth.yosys import tool_name
from tritforge.steps import results
from tritforge.steps.design import load_manifest, load_network
from tritforge.steps.vectors import Vectors
from tritforge.steps.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "docs" / "results" / "estimator.json"
PICTURE = ROOT / "docs" / "estimator.svg"

GOALS = "LUT 3 % in the median and 10 % at the 95th percentile, FF 2 %, memories exact"


TITLES = {name: TARGETS[name].TITLE for name in FAMILIES}

ALL = "all families"

SCRIPTS = (
    "synth_xilinx -family xc7 or xcup -noiopad -noclkbuf, synth_ecp5 without &mfs and with a delay "
    "target for each module (hw/targets/ecp5), hierarchy kept, not placed and routed"
)

NOTES = (
    f"The test configurations have numbers from {FIRST_HELD_OUT:,} on, those of the kinds "
    f"multiply, ternary and packed from {LATER_HELD_OUT:,} on. None is left out; formulas and "
    "weights were final before they were scored. Earlier test series are part of the calibration "
    "now. To this synthesis, logic of UltraScale+ is that of the 7 series, so the two share a "
    "calibration and only memories differ. LUTs of ECP5 are LUT4; a CCU2C is two of them. "
    "Configurations: levels are standalone thresholds, frame ends the AXI4-Stream adapters, resize "
    "width converters, multiply requantization, ternary an array with ternary inputs, packed one "
    "with weights in 5in8."
)

MARKERS = "o^sD"
"""One for every ten kinds, which have as many colours."""


def finn(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """FINN's estimate, ours and the count of a matrix unit and activation; None for other kinds."""
    if record["kind"] != "array" or record["family"] != "xc7":
        return None
    configuration = draw(record["number"], record["family"])
    stage = configuration.stage
    assert stage is not None
    array = next(unit for unit in stage.units if unit.name == "array")
    node = stage.node
    results = stage.units[-1]
    if len(node.planes) > 1 or results.name not in ("thresholds", "search"):
        return None
    chosen = [unit for unit in stage.units if unit.name in ("array", results.name)]
    target = configuration.target
    counted = total(
        counted_cost(part, record["family"])
        for part in record["parts"]
        if part["path"].split(".")[0] in ("array", results.name)
    )
    unit = MatrixUnit(
        rows=len(array.planes[0]),
        columns=array.planes.shape[2],
        pe=array.pe,
        simd=array.simd,
        bits=array.source.bits,
        signed=array.source.signed,
        accumulator_bits=node.accumulator(array.source).bits,
        output_bits=results.target.bits,
    )
    return {
        "number": record["number"],
        "text": record["text"],
        "counted": counted.lut_total,
        "ours": total(cost(part, target) for part in chosen).lut_total,
        "finn": unit.luts(),
        "finn_default": unit.luts(memories=False),
    }


def figures(points: Sequence[Point], records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Everything that is published, as plain values."""
    families = errors(points)
    compared = [value for record in records if (value := finn(record)) is not None]
    return {
        "tool": tool_name(records[0]["tool"]),
        "script": SCRIPTS,
        "calibrated_on": {
            name: sum(
                record["family"] == name and not held_out(record["number"]) for record in records
            )
            for name in families
        },
        "tested_on": len(points),
        "seeds": "number of the configuration, after 6",
        "errors": families,
        "all_families": errors_of(points),
        "finn": compared,
        "points": [
            {
                "number": one.number,
                "kind": one.kind,
                "technology": one.technology,
                "text": one.text,
                "estimated": vars(one.estimated),
                "counted": vars(one.counted),
            }
            for one in points
        ],
    }


def picture(points: Sequence[Point]) -> None:
    """LUTs estimated over LUTs counted, both logarithmic, with the band of 10 %, of each family."""
    settings = {"svg.fonttype": "none", "svg.hashsalt": "estimator", "font.size": 10}
    kinds = sorted({point.kind for point in points})
    found = [point for point in points if point.estimated.lut_total and point.counted.lut_total]
    sizes = [
        size for point in found for size in (point.estimated.lut_total, point.counted.lut_total)
    ]
    ends = np.array([min(sizes) / 1.3, max(sizes) * 1.3])
    with rc_context(settings):
        figure = Figure(figsize=(10, 4.6), layout="constrained")
        panels = figure.subplots(1, len(TITLES), sharey=True)
        for (family, name), axes in zip(TITLES.items(), panels, strict=True):
            for number, kind in enumerate(kinds):
                group = [
                    point
                    for point in found
                    if (point.technology.split()[0], point.kind) == (family, kind)
                ]
                axes.scatter(
                    [point.counted.lut_total for point in group],
                    [point.estimated.lut_total for point in group],
                    s=20,
                    marker=MARKERS[number // 10],
                    label=kind,
                    color=f"C{number % 10}",
                    alpha=0.8,
                )
            axes.plot(ends, ends, color="0.3", linewidth=0.8)
            axes.fill_between(
                ends, ends * 0.9, ends * 1.1, color="0.9", zorder=0, label="within 10 %"
            )
            axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, title=name)
            axes.set_xlabel("LUT counted by Yosys")
        panels[0].set_ylabel("LUT estimated")
        figure.legend(
            *panels[0].get_legend_handles_labels(), fontsize=8, ncols=7, loc="outside lower center"
        )
        figure.savefig(PICTURE, metadata={"Date": None})


def text(found: Mapping[str, Any]) -> str:
    """The section of docs/results.md."""

    def shown(value: Sequence[float] | None, at: int) -> float | None:
        return None if value is None else value[at]

    every = [(ALL, "all", found["all_families"])]
    every += [
        (TITLES[family], name, group)
        for family, groups in found["errors"].items()
        for name, group in groups.items()
    ]
    rows = tuple(
        (
            family,
            name,
            group["n"],
            *(shown(group[item], at) for item in ("lut_total", "sites", "ff") for at in (0, 1)),
            group["memories_exact"],
            group["dsp_exact"],
        )
        for family, name, group in every
    )
    percent = [
        Column(f"{what}, {where}", 1, " %")
        for what in ("LUT", "LUT6 sites", "FF")
        for where in ("median", "95th")
    ]
    table = Table(
        "Error of the estimate",
        ("Family", "Configuration", "n", *percent, "Memories exact", "DSP exact"),
        rows,
    )
    pairs = [(p, p["counted"]) for p in found["finn"] if p["counted"] and p["ours"] is not None]
    peers = Table(
        "Matrix unit and thresholds: LUT error",
        ("Formula", "n", Column("Median", 1, " %"), Column("95th", 1, " %")),
        tuple(
            (
                name,
                len(pairs),
                *(quantiles(100 * (p[key] - count) / count for p, count in pairs) or (None, None)),
            )
            for name, key in (
                ("ours", "ours"),
                ("FINN, memories and comparators counted", "finn"),
                ("FINN, its default", "finn_default"),
            )
        ),
    )
    calibrated = found["calibrated_on"]
    split = ", ".join(f"{count} {TITLES[family]}" for family, count in calibrated.items())
    return "\n\n".join(
        (
            "The cost of each component is a formula (`cost.py` in each package of `hw`). "
            "Registers, memories, ROM columns and rows of cells are counted; the LUTs of other "
            f"logic are calibrated on {sum(calibrated.values())} random configurations ({split}) "
            f"and scored on {found['tested_on']} others, drawn over all components, engines and "
            f"widths, with {found['tool']}, {found['script']}. The goal: {GOALS}. A configuration "
            "is a layer with its windows, engine and activation, or one component between layers. "
            f"Every figure of all of them: `docs/results/estimator.json`. {NOTES}",
            "![LUTs estimated over LUTs counted, one mark a configuration](estimator.svg)",
            table.markdown().strip(),
            "FINN's published formula of its matrix unit, on the same `array` layers (calibration "
            "and test), is meant for other hardware, made by HLS: its prediction beside what ours "
            "takes.",
            peers.markdown().strip(),
        )
    )


def publish(points: Sequence[Point], records: Sequence[Mapping[str, Any]]) -> None:
    """Write the figures, the picture and the section."""
    found = figures(points, records)
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(RECORD, json.dumps(found, indent=1) + "\n")
    picture(points)
    section("estimator", "The estimator against synthesis", text(found))
    print(text(found))


def network(name: str) -> None:
    """Write the section with a network's estimate, synthesis and simulation from build/."""
    path = config.locate(name)
    chosen = config.load(path)
    place = Workspace(config_path=path, root=ROOT / "build" / chosen.name)
    tests = Vectors.load(place.vectors)
    data = results.gather(chosen, place, load_network(place), load_manifest(place), tests)
    shown = sections.estimate_table(data)
    section(
        f"estimate-{name}",
        f"{name}: estimate, synthesis and simulation",
        f"`tritforge demo {name}`, and `report`'s table of it.\n\n{shown.markdown().strip()}",
    )
    print(shown.text())


def main() -> None:
    """Write the section of the estimator, or of one network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", help="write the section of this network instead")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UnusedElaboratable)
    if arguments.network:
        network(arguments.network)
        return
    records = current(measured(ROOT / POINTS).values())
    publish([point(record) for record in records if held_out(record["number"])], records)


if __name__ == "__main__":
    main()
