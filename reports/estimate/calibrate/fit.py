"""Calibrate the cost model: feature weights by non-negative least squares on measured points.

    python -m tritforge.reports.estimate.calibrate.fit

Only costs that synthesis minimises are fitted: LUTs of logic, their sites, and carries. All else is
counted from the parameters of a unit. Writes hw/cost/cost.json; its errors are those of ``score``.
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

from tritforge.files import write_atomic
from tritforge.hw.cost.registry import cost
from tritforge.hw.engines.array.cost import dot_cost
from tritforge.hw.targets.cost import Cost
from tritforge.hw.targets.registry import TARGETS
from tritforge.hw.targets.target import Target, calibration
from tritforge.reports.estimate.calibrate.configurations import draw, held_out
from tritforge.reports.estimate.calibrate.measure import POINTS, measured, part_of
from tritforge.reports.estimate.calibrate.score import (
    COST_JSON,
    counted_cost,
    current,
    point,
    print_errors,
)
from tritforge.reports.synth.yosys import tool_name

__all__ = ["fit", "recorder", "same_memories", "samples"]

SHARED = ("dot", "ternary dot", "rom", "decoder")
"""Components that are instances inside a unit and are counted apart from it."""

BY_CELLS = frozenset(("dot", "ternary dot", "levels", "search", "turns", "unrolled"))
"""Components whose logic differs where arithmetic is made of the family's cells."""

SMALL = 8
"""Least LUTs that a relative error is taken of: errors of smaller units weigh less."""

POWER = 1.4
"""Exponent of an error. With 2, the few points that no feature explains would dominate."""

ROUNDS = 40
"""Rounds of reweighting; further ones do not change the weights."""

EXACT = 0.01
"""Relative errors below this have the weight of this one."""


class _Recording:
    """Mixin of a target: its logic costs nothing, and the requested features are recorded."""

    asked: list[tuple[str, dict[str, float]]]

    def logic(self, component: str, **features: float) -> Cost:
        """Record ``features``."""
        self.asked.append((component, features))
        return Cost()


def recorder(target: Target) -> Any:
    """Return a copy of ``target`` whose ``asked`` lists the features of each ``logic`` call."""
    made = type("Recorder", (_Recording, type(target)), {})(target.cells)
    object.__setattr__(made, "asked", [])
    return made


@dataclass
class Sample:
    """One component of one configuration: the equation features * weights = ``wanted``.

    ``whole`` is its total count, the scale of its relative error.
    """

    components: tuple[str, ...]
    key: str
    features: dict[tuple[str, str], float] = field(default_factory=lambda: defaultdict(float))
    wanted: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    whole: dict[str, float] = field(default_factory=lambda: defaultdict(float))


def samples(record: Mapping[str, Any]) -> Iterator[Sample]:
    """Yield every component of a measured configuration."""
    configuration = draw(record["number"], record["family"])
    target = configuration.target
    for name, unit in configuration.units():
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
            counted = counted_cost(part, record["family"])
            for item in target.CALIBRATED:
                if place in found:
                    found[place].whole[item] += getattr(counted, item)
                elif place != "dot" and None in found:  # cells, whose cost is the unit's
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
    """Return the weights >= 0 of all features that minimise sum(abs(relative error)**POWER).

    A configuration whose memories differ from the estimate is left out: a ROM in block RAM where
    LUTs were expected would make all other ROMs too cheap.
    """
    pools: dict[tuple[tuple[str, ...], str], list[Sample]] = defaultdict(list)
    for record in records:
        if not same_memories(record):
            continue
        for sample in samples(record):
            split = not BY_CELLS.isdisjoint(sample.components)
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
    """Return x >= 0 that minimises sum(abs(matrix x - wanted)**POWER).

    Solved by iteratively reweighted non-negative least squares.
    """
    found: NDArray[np.float64] = nnls(matrix, wanted)[0]
    for _ in range(ROUNDS):
        left = np.maximum(np.abs(matrix @ found - wanted), EXACT) ** (POWER / 2 - 1)
        found = nnls(matrix * left[:, None], wanted * left)[0]
    return found


def same_memories(record: Mapping[str, Any]) -> bool:
    """Whether the estimated memories of a measured configuration are those counted."""
    found = point(record, recorder(draw(record["number"], record["family"]).target))
    return (found.estimated.bram18, found.estimated.lutram) == (
        found.counted.bram18,
        found.counted.lutram,
    )


def _merged(
    pools: Mapping[tuple[tuple[str, ...], str], list[Sample]],
) -> dict[tuple[tuple[str, ...], str], list[Sample]]:
    """Join pools of one target that share a component: their weights are fitted together."""
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


def main() -> None:
    """Fit the weights on all configurations that are not held out, and write them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=Path, default=POINTS, help="file of the measured ones")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UnusedElaboratable)
    known = measured(arguments.points).values()
    records = current(record for record in known if not held_out(record["number"]))
    content = {
        "configurations": len(records),
        "tool": tool_name(records[0]["tool"]),
        "components": fit(records),
        "error": calibration()["error"],
    }
    write_atomic(COST_JSON, json.dumps(content, indent=1) + "\n")
    calibration.cache_clear()
    print_errors([point(record) for record in records])


if __name__ == "__main__":
    main()
