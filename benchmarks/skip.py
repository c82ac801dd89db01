"""How busy the lanes of the skip engine are: nonzeros for each lane and cycle of its schedule.

    python -m benchmarks.skip

Random ternary layers are scheduled, the schedules are checked, and nothing is built;
benchmarks/engines.py builds and counts. Prints a table and writes docs/results/skip.json, which
`python -m benchmarks.engines --render` puts on its page.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.layers import SEED, trits
from tritforge.files import write_atomic
from tritforge.hw.matrix.skip_schedule import skip_schedule
from tritforge.reports.render.tables import Column, Table

RECORD = Path(__file__).resolve().parent.parent / "docs" / "results" / "skip.json"

ZEROS = (0.4, 0.55, 0.7, 0.9)

LAYERS: dict[str, tuple[tuple[int, int, int], dict[str, int]]] = {
    "dense 512x512": ((512, 512, 512), {"pe": 16, "outputs": 16}),
    "dense 1000x4096": ((1000, 4096, 4096), {"pe": 8, "outputs": 8}),
    "convolution 64x576": ((64, 576, 64), {"pe": 1, "outputs": 8}),
    "convolution 128x1152": ((128, 1152, 128), {"pe": 1, "outputs": 8}),
}
"""Rows, columns and channels of each layer, and options of the schedule."""

LANES = ((1, 1), (2, 1), (4, 1), (4, 4), (8, 8))
"""(entries, banks)."""


def utilisation() -> list[dict[str, Any]]:
    """The figures of every layer, share of zeros, entries and banks."""
    points = []
    for name, ((height, columns, channels), options) in LAYERS.items():
        for zeros in ZEROS:
            planes = trits((1, height, columns), zeros)
            for entries, banks in LANES:
                schedule = skip_schedule(
                    planes, channels=channels, entries=entries, banks=banks, **options
                )
                schedule.validate()
                point = {
                    "layer": name,
                    "zeros": zeros,
                    "pe": schedule.pe,
                    "entries": entries,
                    "banks": banks,
                }
                points.append(
                    {**point, "cycles": schedule.cycles, "utilisation": schedule.utilisation}
                )
    return points


def table(points: Sequence[dict[str, Any]]) -> Table:
    """Utilisation by layer and folding, a column for each share of zeros."""
    rows: dict[tuple[Any, ...], list[float]] = {}
    for point in points:
        key = tuple(point[name] for name in ("layer", "pe", "entries", "banks"))
        rows.setdefault(key, []).append(point["utilisation"])
    shares = (Column(f"{share:g} zeros", digits=3) for share in ZEROS)
    return Table(
        title="Utilisation of `skip`",
        columns=("layer", "PE", "entries", "banks", *shares),
        rows=tuple((*key, *values) for key, values in rows.items()),
        notes=(
            "Nonzeros for each lane and cycle of the schedule. Random ternary weights, seed "
            f"{SEED}.",
        ),
    )


def main() -> None:
    """Schedule and print."""
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    points = utilisation()
    write_atomic(RECORD, json.dumps(points, indent=2) + "\n")
    print(table(points).text())


if __name__ == "__main__":
    main()
