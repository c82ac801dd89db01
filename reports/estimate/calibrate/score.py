"""Score the cost model on configurations that took no part in the calibration.

    python -m tritforge.reports.estimate.calibrate.score

Writes the error that every estimate states into hw/cost/cost.json.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.hdl import UnusedElaboratable

from tritforge.files import write_atomic
from tritforge.hw.cost.registry import cost
from tritforge.hw.targets.cost import Cost, total
from tritforge.hw.targets.registry import FAMILIES, TARGETS
from tritforge.hw.targets.target import Target
from tritforge.reports.estimate.calibrate.configurations import draw, held_out
from tritforge.reports.estimate.calibrate.measure import POINTS, digest, measured
from tritforge.reports.synth.resources import count
from tritforge.reports.synth.yosys import tool_name

__all__ = [
    "COST_JSON",
    "Point",
    "counted_cost",
    "current",
    "errors",
    "errors_of",
    "point",
    "quantiles",
]

COST_JSON = Path(str(resources.files("tritforge.hw.cost").joinpath("cost.json")))

WORST = 12
"""Configurations that are printed with the largest errors."""


def counted_cost(part: Mapping[str, Any], family: str) -> Cost:
    """Cells of an instance without its children, as a Cost."""
    target = TARGETS[family]()
    found = count(part["cells"], target, where=part["path"])
    return Cost(
        lut=found.lut + found.inv + found.srl,
        sites=part["sites"] if "sites" in target.CALIBRATED else None,
        ff=found.ff,
        carry=found.carry,
        lutram=found.lutram,
        bram18=found.bram18 + 2 * found.bram36,
        dsp=found.dsp,
    )


@dataclass(frozen=True, kw_only=True)
class Point:
    """A configuration, estimated and counted."""

    number: int
    kind: str
    technology: str
    text: str
    estimated: Cost
    counted: Cost

    def error(self, name: str) -> float | None:
        """(estimate - count) / count in percent; None where either is unknown or the count is 0."""
        estimated, counted = getattr(self.estimated, name), getattr(self.counted, name)
        return None if estimated is None or not counted else 100 * (estimated - counted) / counted


def point(record: Mapping[str, Any], target: Target | None = None) -> Point:
    """Estimate a measured configuration, for its own target if none is given."""
    configuration = draw(record["number"], record["family"])
    target = target or configuration.target
    return Point(
        number=record["number"],
        kind=record["kind"],
        technology=f"{target.NAME} {target.LIBRARY if target.cells else 'generic'}",
        text=record["text"],
        estimated=total(cost(unit, target) for _, unit in configuration.units()),
        counted=total(counted_cost(part, record["family"]) for part in record["parts"]),
    )


def current(records: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the records whose circuits have not changed since they were measured."""
    return [
        record
        for record in records
        if record["digest"] == digest(draw(record["number"], record["family"]))
    ]


def quantiles(errors: Iterable[float | None]) -> tuple[float, float] | None:
    """Median and 95th percentile of absolute errors; None without any."""
    known = [abs(error) for error in errors if error is not None]
    return (float(np.median(known)), float(np.quantile(known, 0.95))) if known else None


def errors_of(points: Sequence[Point]) -> dict[str, Any]:
    """Errors of ``points`` in percent, and in how many the memories and multipliers are exact."""
    found = {
        item: quantiles(one.error(item) for one in points) for item in ("lut_total", "sites", "ff")
    }
    memories = sum(
        (one.estimated.lutram, one.estimated.bram18) == (one.counted.lutram, one.counted.bram18)
        for one in points
    )
    dsp = sum(one.estimated.dsp == one.counted.dsp for one in points)
    return {"n": len(points), **found, "memories_exact": memories, "dsp_exact": dsp}


def errors(points: Iterable[Point]) -> dict[str, dict[str, Any]]:
    """Errors by family and kind; the kind "all" is of the whole family."""
    groups: dict[str, dict[str, list[Point]]] = {}
    for one in points:
        family = groups.setdefault(one.technology.split()[0], {"all": []})
        family["all"].append(one)
        family.setdefault(one.kind, []).append(one)
    return {
        name: {kind: errors_of(group) for kind, group in sorted(groups[name].items())}
        for name in FAMILIES
        if name in groups
    }


def print_errors(points: Sequence[Point]) -> None:
    """Print the error of each kind and the worst configurations."""
    groups: dict[str, list[Point]] = defaultdict(list)
    for one in points:
        for name in (one.kind, one.technology.split()[0], "all"):
            groups[name].append(one)
    for name, group in sorted(groups.items()):
        found = errors_of(group)
        shown = ", ".join(
            f"{item} {found[item][0]:.1f} / {found[item][1]:.1f} %"
            for item in ("lut_total", "ff", "sites")
            if found[item]
        )
        exact = found["memories_exact"]
        print(f"{name:14s} n = {len(group):3d}  median / 95th: {shown}, memories exact {exact}")
    for one in sorted(points, key=lambda p: -abs(p.error("lut_total") or 0))[:WORST]:
        luts = f"LUT {one.estimated.lut_total:.0f} for {one.counted.lut_total:.0f}"
        registers = f"FF {one.estimated.ff} for {one.counted.ff}"
        print(f"  {one.number} {one.kind} {one.technology}: {luts}, {registers}: {one.text[:90]}")


def main() -> None:
    """Score the held-out configurations and write their error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=Path, default=POINTS, help="file of the measured ones")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UnusedElaboratable)
    known = measured(arguments.points).values()
    records = current(record for record in known if held_out(record["number"]))
    points = [point(record) for record in records]
    content = json.loads(COST_JSON.read_text(encoding="utf-8"))
    content["error"] = {
        family: {
            "tool": tool_name(records[0]["tool"]),
            "configurations": groups["all"]["n"],
            "lut_median": groups["all"]["lut_total"][0],
            "lut_95": groups["all"]["lut_total"][1],
            "ff_95": groups["all"]["ff"][1],
            "memories_exact": groups["all"]["memories_exact"],
        }
        for family, groups in errors(points).items()
    }
    write_atomic(COST_JSON, json.dumps(content, indent=1) + "\n")
    print_errors(points)


if __name__ == "__main__":
    main()
