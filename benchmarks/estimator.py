"""The estimator against synthesis: calibrated on random configurations, tested on others.

    python -m benchmarks.estimator measure --first 0 --count 200 [--family xc7] [--kind array ...]
    python -m benchmarks.estimator fit
    python -m benchmarks.estimator publish
    python -m benchmarks.estimator network [digits]

``measure`` synthesises configurations (benchmarks/configurations.py) and keeps each as a JSON line in
docs/results/estimator_points.jsonl, so that it can be stopped and goes on. ``fit`` calibrates on those with a
number below 48,000, of the kinds that came later with one of 50,000 to 67,999, and writes hw/cost/cost.json; only
the LUTs of logic, their sites and carries are fitted, all else is derived. ``publish`` estimates the others
and writes docs/results/estimator.json, the picture, the error that every estimate states, and the section of
docs/results.md; ``network`` that of one network, from what its ``synth`` and ``simulate`` left in build/.
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.hdl import UnusedElaboratable
from numpy.typing import NDArray
from scipy.optimize import nnls

from benchmarks.configurations import MORE, Configuration, draw
from benchmarks.measure_costs import digest, measure, measured, part_of
from tritforge.files import write_atomic
from tritforge.hw.cost.registry import cost
from tritforge.hw.engines.array.cost import dot_cost
from tritforge.hw.targets.cost import Cost, total
from tritforge.hw.targets.registry import FAMILIES, TARGETS
from tritforge.hw.targets.target import Target, calibration
from tritforge.reports.synth.resources import count
from tritforge.reports.synth.yosys import tool_name

ROOT = Path(__file__).resolve().parent.parent
LINES = ROOT / "docs" / "results" / "estimator_points.jsonl"
CALIBRATION = ROOT / "hw" / "cost" / "cost.json"

TESTS = 48_000
"""Number of the first configuration that takes no part in the calibration, and of the later kinds 68,000."""

LATER = 18_000
"""Of the later kinds, numbers from the first one to the first that takes no part."""

SHARED = ("dot", "ternary dot", "rom", "decoder")
"""Components that stand inside a unit as instances and are counted apart."""

BY_PRIMITIVES = frozenset(("dot", "ternary dot", "levels", "search", "turns", "unrolled"))
"""Components whose logic differs with the primitives."""

WORST = 12
"""Configurations that are printed with the largest errors."""

SMALL = 8
"""LUTs below which an error weighs no more."""


POWER = 1.4
"""Of an error in the calibration: of squares the few that no feature explains would decide."""

ROUNDS = 40
"""Of reweighting; afterwards nothing moves."""

EXACT = 0.01
"""Relative error below which one counts as this."""


class _Recording:
    """What makes a target add nothing and remember which features were asked for."""

    asked: list[tuple[str, dict[str, float]]]

    def logic(self, component: str, **features: float) -> Cost:
        """Remember ``features``; they cost nothing."""
        self.asked.append((component, features))
        return Cost()


def recorder(target: Target) -> Any:
    """A target like ``target`` whose ``asked`` are the features that it was asked for."""
    made = type("Recorder", (_Recording, type(target)), {})(target.cells)
    object.__setattr__(made, "asked", [])
    return made


@dataclass
class Sample:
    """One component of one configuration: what its features must come to."""

    components: tuple[str, ...]
    key: str
    features: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    wanted: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    whole: dict[str, float] = field(default_factory=lambda: defaultdict(float))


def held_out(number: int) -> bool:
    """Whether a configuration takes no part in the calibration."""
    return TESTS <= number < MORE or number >= MORE + LATER


def units(configuration: Configuration) -> Iterator[tuple[str, Any]]:
    """Name and unit of everything in a configuration; the part's name is empty where it is the whole."""
    if configuration.stage is None:
        yield "", configuration.part
    else:
        for unit in configuration.stage.all_units:
            yield unit.name, unit


def cost_of(part: Mapping[str, Any], family: str) -> Cost:
    """What an instance holds itself, in the terms of an estimate."""
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


def samples(record: Mapping[str, Any]) -> Iterator[Sample]:
    """Every component of a measured configuration, for the calibration."""
    configuration = draw(record["number"], record["family"])
    target = configuration.target
    for name, unit in units(configuration):
        recording = recorder(target)
        known = cost(unit, recording)
        rows = Cost()
        if hasattr(unit, "dot"):
            pixels = unit.program.pe * unit.pixels if hasattr(unit, "program") else unit.pe
            rows = dot_cost(unit.dot, recorder(target), pixels)
        found: dict[str | None, Sample] = {}
        for component, features in recording.asked:
            place = component.removeprefix("ternary ") if component in SHARED else None
            sample = found.setdefault(place, Sample((), target.key))
            sample.components = tuple(sorted({*sample.components, component}))
            for feature, value in features.items():
                sample.features[component, feature] += value
        for part in record["parts"]:
            if name and part["path"].split(".")[0] != name:
                continue
            place = part_of(part["path"], part["module"])
            counted = cost_of(part, record["family"])
            for item in target.CALIBRATED:
                if place in found:
                    found[place].whole[item] += getattr(counted, item)
                elif (
                    place != "dot" and None in found
                ):  # of cells: its derived cost is in the unit's
                    found[None].wanted[item] += getattr(counted, item)
        for place, sample in found.items():
            for item in target.CALIBRATED:
                derived = {
                    "dot": getattr(rows, item),
                    None: getattr(known, item) - getattr(rows, item),
                }
                sample.wanted[item] += sample.whole[item] - derived.get(place, 0)
            yield sample


def fit(records: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Weights of all features, none negative, with the least sum of relative errors to the power ``POWER``.

    A configuration whose memories are not what was foreseen is left out: its ROMs are no LUTs where LUTs were
    foreseen, and a single one of these would make all others cheap.
    """
    pools: dict[tuple[tuple[str, ...], str], list[Sample]] = defaultdict(list)
    for record in records:
        if not same_memories(record):
            continue
        for sample in samples(record):
            split = not BY_PRIMITIVES.isdisjoint(sample.components)
            pools[sample.components, sample.key if split else sample.key.split()[0]].append(sample)
    components: dict[str, Any] = defaultdict(dict)
    merged = _merged(pools)
    for (_, key), pool in sorted(merged.items()):
        names = sorted({name for sample in pool for name in sample.features})
        matrix = np.array(
            [[sample.features.get(name, 0) for name in names] for sample in pool], float
        )
        keys = [key] if " " in key else [TARGETS[key](cells).key for cells in (False, True)]
        for item in TARGETS[key.split()[0]].CALIBRATED:
            weight = 1 / np.array([max(sample.whole[item], SMALL) for sample in pool])
            wanted = np.array([max(0.0, sample.wanted[item]) for sample in pool])
            found = _least(matrix * weight[:, None], wanted * weight)
            for (component, feature), value in zip(names, found, strict=True):
                for name in keys:
                    place = components[component].setdefault(name, {}).setdefault(item, {})
                    place[feature] = round(float(value), 4)
    return dict(components)


def _least(matrix: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return x, not negative, with the least sum of abs(matrix x - wanted)**POWER, by reweighting."""
    found: NDArray[np.float64] = nnls(matrix, wanted)[0]
    for _ in range(ROUNDS):
        left = np.maximum(np.abs(matrix @ found - wanted), EXACT) ** (POWER / 2 - 1)
        found = nnls(matrix * left[:, None], wanted * left)[0]
    return found


def same_memories(record: Mapping[str, Any]) -> bool:
    """Whether the estimate has the memories of a measured configuration."""
    found = point(record, recorder(draw(record["number"], record["family"]).target))
    return (found.estimated.bram18, found.estimated.lutram) == (
        found.counted.bram18,
        found.counted.lutram,
    )


def _merged(
    pools: Mapping[tuple[tuple[str, ...], str], list[Sample]],
) -> dict[tuple[tuple[str, ...], str], list[Sample]]:
    """Join the pools that have a component in common."""
    merged: dict[tuple[tuple[str, ...], str], list[Sample]] = {}
    for (components, key), pool in sorted(pools.items()):
        near = [
            place
            for place in merged
            if place[1] == key and not set(place[0]).isdisjoint(components)
        ]
        joined, names = list(pool), set(components)
        for place in near:
            joined += merged.pop(place)
            names |= set(place[0])
        merged[tuple(sorted(names)), key] = joined
    return merged


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
        """(estimate - count) / count in percent; None where either is unknown or nothing was counted."""
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
        estimated=total(cost(unit, target) for _, unit in units(configuration)),
        counted=total(cost_of(part, record["family"]) for part in record["parts"]),
    )


def current(records: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those whose circuit is still what was measured."""
    return [
        record
        for record in records
        if record["digest"] == digest(draw(record["number"], record["family"]))
    ]


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    more = commands.add_parser("measure")
    more.add_argument("--first", type=int, default=0)
    more.add_argument("--count", type=int, default=200)
    more.add_argument("--family", choices=FAMILIES)
    more.add_argument("--kind", action="append")
    commands.add_parser("fit")
    commands.add_parser("publish")
    commands.add_parser("network").add_argument("name", nargs="?", default="digits")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UnusedElaboratable)
    if arguments.command == "network":
        from benchmarks.estimator_page import network

        network(arguments.name)
        return
    LINES.parent.mkdir(parents=True, exist_ok=True)
    if arguments.command == "measure":
        numbers = range(arguments.first, arguments.first + arguments.count)
        drawn = (draw(number, arguments.family) for number in numbers)
        measure((c for c in drawn if not arguments.kind or c.kind in arguments.kind), LINES)
        return
    records = current(measured(LINES).values())
    if arguments.command == "fit":
        calibrating = [record for record in records if not held_out(record["number"])]
        content = {
            "configurations": len(calibrating),
            "tool": tool_name(calibrating[0]["tool"]),
            "components": fit(calibrating),
        }
        write_atomic(CALIBRATION, json.dumps(content, indent=1) + "\n")
        calibration.cache_clear()
        print_errors([point(record) for record in calibrating])
    else:
        from benchmarks.estimator_page import publish

        publish([point(record) for record in records if held_out(record["number"])], records)


def print_errors(points: Iterable[Point]) -> None:
    """Print the error of each kind and the worst configurations."""
    points = list(points)
    groups: dict[str, list[Point]] = defaultdict(list)
    for found in points:
        groups[found.kind].append(found)
        groups["all"].append(found)
    for name, group in sorted(groups.items()):
        errors = {
            item: [abs(e) for p in group if (e := p.error(item)) is not None]
            for item in ("lut_total", "ff", "sites")
        }
        exact = sum(
            (p.estimated.bram18, p.estimated.lutram) == (p.counted.bram18, p.counted.lutram)
            for p in group
        )
        shown = ", ".join(
            f"{item} {np.median(values):.1f} / {np.quantile(values, 0.95):.1f} %"
            for item, values in errors.items()
            if values
        )
        print(f"{name:14s} n = {len(group):3d}  median / 95th: {shown}, memories exact {exact}")
    for found in sorted(points, key=lambda p: -abs(p.error("lut_total") or 0))[:WORST]:
        luts = f"LUT {found.estimated.lut_total:.0f} for {found.counted.lut_total:.0f}"
        registers = f"FF {found.estimated.ff} for {found.counted.ff}"
        print(
            f"  {found.number} {found.kind} {found.technology}: {luts}, {registers}: {found.text[:90]}"
        )


if __name__ == "__main__":
    main()
