"""The three engines on the same ten layers, and the share of zeros from which `skip` beats `array`.

    python -m benchmarks.engines [--minutes 60] [--render]

Every point is proved before it is counted (benchmarks/layers.py). Measured points are stored under
build/benchmarks, and the figures in docs/results/engines.json; from these docs/engines.md and its
picture are written. A figure is dropped when the generated Verilog has changed. With
``--minutes`` no point is measured after that time: run it again for the others, which the tables
leave out. With ``--render`` nothing is generated.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks import skip
from benchmarks.layers import DEVICE, FRAMES, SEED, Shape, measure
from tritforge.files import write_atomic
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.hw.engines.registry import Folding
from tritforge.hw.engines.skip.folding import SkipFolding
from tritforge.hw.engines.unrolled.folding import UnrolledFolding
from tritforge.reports.render.chart import canvas, styled, svg
from tritforge.reports.render.palette import LIGHT
from tritforge.reports.render.svg import Svg
from tritforge.reports.render.tables import Column, Table

ROOT = Path(__file__).resolve().parent.parent
RECORD = ROOT / "docs" / "results" / "engines.json"
PAGE = ROOT / "docs" / "engines.md"
PICTURE = ROOT / "docs" / "engines.svg"
COMMIT = "acdc6c2 (26 November 2026)"
"""Commit of the program that measured the record; change both together."""

LITTLE = Shape(source=(1, 1, 64), rows=32)
BROAD = Shape(source=(1, 1, 256), rows=64)
THIN = Shape(source=(6, 8, 8), rows=16, kernel=3)
FLAT = Shape(source=(4, 16, 32), rows=32, kernel=3)
"""Layers of the table: small enough to be wiring, and a minute of Yosys at most on any engine."""

WIDE = Shape(source=(1, 1, 512), rows=1024)
DEEP = Shape(source=(4, 16, 64), rows=128, kernel=3)
"""Layers of the crossings, where control and the input's arrival are a small part. They are too
large to be wiring."""

TEN: tuple[tuple[Shape, int, float], ...] = (
    (LITTLE, 8, 0.3), (LITTLE, 2, 0.5), (LITTLE, 8, 0.7), (BROAD, 2, 0.9), (BROAD, 8, 0.9),
    (THIN, 2, 0.3), (THIN, 8, 0.5), (THIN, 2, 0.8), (FLAT, 8, 0.9), (FLAT, 2, 0.95),
)  # fmt: skip
"""Layer, bits of the input, and share of zeros of the table's points."""

FOLDINGS: dict[Shape, tuple[Folding, ...]] = {
    LITTLE: (UnrolledFolding(), ArrayFolding(pe=8, simd=32), SkipFolding(pe=8, entries=4, banks=1)),
    BROAD: (UnrolledFolding(), ArrayFolding(pe=8, simd=32), SkipFolding(pe=8, entries=4, banks=1)),
    FLAT: (
        UnrolledFolding(),
        ArrayFolding(pe=8, simd=32),
        SkipFolding(pe=1, entries=4, banks=1, outputs=4),
    ),
    WIDE: (ArrayFolding(pe=8, simd=32), SkipFolding(pe=16, entries=4, banks=1)),
    THIN: (
        UnrolledFolding(),
        ArrayFolding(pe=8, simd=24),
        SkipFolding(pe=1, entries=4, banks=2, outputs=4),
    ),
    DEEP: (
        ArrayFolding(pe=8, simd=32),
        SkipFolding(pe=1, entries=4, banks=1, outputs=4),
        SkipFolding(pe=1, entries=8, banks=2, outputs=4),
    ),
}
"""The foldings of each layer."""

CROSSINGS: tuple[tuple[Shape, int], ...] = tuple(
    (shape, bits) for bits in (8, 2, 4) for shape in (DEEP, WIDE)
)
SHARES = (0.9, 0.5, 0.7)
"""Layers and shares of zeros between which the crossing is looked for."""


def wanted() -> list[tuple[Shape, int, float, Folding]]:
    """Every point, first those that matter most where the time is short."""
    crossed = [(shape, bits, zeros) for zeros in SHARES for shape, bits in CROSSINGS]
    layers = [*crossed[:4], *TEN, *crossed]
    return list(
        dict.fromkeys((*layer, folding) for layer in layers for folding in FOLDINGS[layer[0]])
    )


def crossings(points: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """By layer and width (zeros, LUT-cycles `array` / `skip`, best foldings), and the crossing.

    Between two measured shares the ratio is interpolated on a straight line; ``crosses`` is None
    where it does not pass 1 between measured shares.
    """
    for shape, bits in CROSSINGS:
        cost: dict[tuple[str, float], int] = {}  # of the best folding
        for point in points:
            if (point["layer"], point["bits"]) == (str(shape), bits):
                key = (point["engine"], point["zeros"])
                cost[key] = min(point["lut_cycles"], cost.get(key, point["lut_cycles"]))
        ratios = [
            (zeros, cost["array", zeros] / cost["skip", zeros])
            for zeros in sorted(SHARES)
            if ("array", zeros) in cost and ("skip", zeros) in cost
        ]
        where = [
            zeros + (1 - ratio) / (after - ratio) * (following - zeros)
            for (zeros, ratio), (following, after) in pairwise(ratios)
            if ratio < 1 <= after
        ]
        if not ratios:
            continue  # not measured
        yield {
            "layer": str(shape),
            "bits": bits,
            "ratios": [list(pair) for pair in ratios],
            "crosses": where[0] if where else None,
        }


@styled()
def picture(found: Sequence[dict[str, Any]]) -> Svg:
    """Draw how many times fewer LUT-cycles the skip engine takes, over the share of zeros."""
    figure = canvas(380)
    axes = figure.subplots()
    for line in found:
        style = "o-" if line["layer"].startswith("dense") else "s--"
        zeros, ratios = zip(*line["ratios"], strict=True)
        colour = LIGHT[{2: "accent", 4: "good", 8: "contrast"}[line["bits"]]]
        label = f"{line['layer']}; {line['bits']} bits"
        axes.plot([100 * share for share in zeros], ratios, style, color=colour, label=label)
    axes.axhline(1, color=LIGHT["muted"], linewidth=1)
    axes.grid()
    axes.set(xlabel="weights that are 0, %", ylabel="LUT x cycles, array / skip", xlim=(0, 100))
    axes.set_ylim(bottom=0)
    figure.legend(loc="outside upper left", ncols=2)
    return svg(figure, "LUT x cycles of array and skip over the share of zeros")


def table(points: Sequence[dict[str, Any]]) -> Table:
    """The ten layers on the three engines."""
    rows = []
    for shape, bits, zeros in TEN:
        for point in points:
            if (point["layer"], point["bits"], point["zeros"]) == (str(shape), bits, zeros):
                used = point["resources"]
                chosen = {
                    name: value for name, value in point["options"].items() if value != "auto"
                }
                folding = ", ".join(f"{name} {value}" for name, value in chosen.items())
                rows.append((
                    str(shape), bits, zeros, point["engine"], folding,
                    point["lut_total"], used["lut_sites"], used["lutram"],
                    used["ff"], used["carry4"], point["bram36"],
                    point["interval_cycles"], point["lut_cycles"] / 1000,
                    point["utilisation"] or "",
                ))  # fmt: skip
    return Table(
        title="Ten layers",
        columns=(
            "layer", "bits", Column("zeros", digits=2), "engine", "folding",
            "LUT", "LUT6 sites, est.", "LUT in memories",
            "FF", "CARRY4", Column("BRAM36", digits=1),
            "cycles", Column("1000 LUT x cycles", digits=0), Column("utilisation", digits=3),
        ),
        rows=tuple(rows),
        notes=(
            f"{points[0]['tool']}, {DEVICE}, not placed and routed; random weights, seed {SEED}; "
            f"2-bit thresholds after each layer. {FRAMES} frames simulated before each count: "
            "every word equal, every cycle as planned.",
            "LUT: all cells, including LUTRAM and inverters. LUT6 sites, est.: our estimate of "
            "those that the logic needs when two small LUTs share one, without memory.",
        ),
    )  # fmt: skip


def crossing_table(found: Sequence[dict[str, Any]]) -> Table:
    """The ratios and where they pass 1."""

    def ratio(line: dict[str, Any], share: float) -> float | None:
        return next((value for zeros, value in line["ratios"] if zeros == share), None)

    shares = sorted(SHARES)
    return Table(
        title="LUT-cycles of `array` divided by those of `skip`",
        columns=(
            "layer",
            "bits",
            *(Column(f"{share:g} zeros", digits=2) for share in shares),
            Column("equal at", digits=2),
        ),
        rows=tuple(
            (
                line["layer"],
                line["bits"],
                *(ratio(line, share) for share in shares),
                line["crosses"],
            )
            for line in found
        ),
        notes=(
            "Equal at: share of zeros where both need as many, interpolated between two "
            "measurements.",
        ),
    )


def render(points: Sequence[dict[str, Any]]) -> str:
    """The page that shows ``points``."""
    crossed = list(crossings(points))
    picture = f"![LUT-cycles of array and skip over the share of zeros]({PICTURE.name})"
    pages = [
        "# The three engines side by side",
        "The same layers built by each engine. LUT x cycles is the cost of a result: less is "
        "better at equal throughput. `unrolled` is the cheapest per result and mostly the largest; "
        "`skip` beats `array` from 55 to 72 % zeros on. Written by `benchmarks/engines.py`; points "
        "that were not measured are not listed.",
        f"The figures are those of commit {COMMIT}. Later changes (counters that wrap by reset, "
        "ROMs from LUT6 and MUXF7) save 6 % of the LUTs of `array` and `skip` on random "
        "configurations, in the same cycles.",
        table(points).markdown(2),
        *([crossing_table(crossed).markdown(2), picture] if crossed else []),
        skip.table(json.loads(skip.RECORD.read_text())).markdown(2),
    ]
    return "\n\n".join(page.strip() for page in pages) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, write the record and the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--render", action="store_true")
    parser.add_argument("--build", type=Path, default=Path("build/benchmarks/engines"))
    chosen = parser.parse_args(arguments)
    if not chosen.render:
        known = (
            {point["digest"]: point for point in json.loads(RECORD.read_text())}
            if RECORD.is_file()
            else {}
        )
        points, started = [], time.monotonic()
        for shape, bits, zeros, folding in wanted():
            options = "-".join(str(value) for value in folding.options.values())
            name = f"{shape}-{bits}bit-{zeros:g}-{folding.engine}-{options}".replace(
                " ", "-"
            ).replace(",", "")
            anew = time.monotonic() - started < 60 * chosen.minutes
            point = measure(shape, bits, zeros, folding, chosen.build / name, known, anew=anew)
            if point is not None:
                points.append(point)
                print(
                    f"{name}: {point['lut_total']} LUT, {point['interval_cycles']} cycles",
                    flush=True,
                )
        write_atomic(RECORD, json.dumps(points, indent=1) + "\n")
    points = json.loads(RECORD.read_text())
    write_atomic(PAGE, render(points))
    print(table(points).text())
    if crossed := list(crossings(points)):
        write_atomic(PICTURE, picture(crossed).standalone())
        print(crossing_table(crossed).text())


if __name__ == "__main__":
    main()
