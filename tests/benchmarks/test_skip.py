"""The table has a row for each folding; no figure is asserted."""

from __future__ import annotations

from benchmarks.skip import ZEROS, table


def test_a_row_for_each_folding() -> None:
    points = [
        {"layer": "dense", "pe": 2, "entries": entries, "banks": 1, "utilisation": zeros / entries}
        for zeros in ZEROS
        for entries in (1, 2)
    ]
    rows = table(points).rows
    assert rows == (("dense", 2, 1, 1, *ZEROS), ("dense", 2, 2, 1, *(zeros / 2 for zeros in ZEROS)))
