"""Cycles of each layer against what its lanes could do at best: a roofline for ternary weights.

A layer with N products of nonzero weights a frame, on L lanes, takes at least N / L cycles; an engine that
spends a cycle on zeros too takes at least (all products) / L.
"""

from __future__ import annotations

import math

import numpy as np

from tritforge.export.ir.nodes import MatrixNode, Network
from tritforge.reports.page.data import ReportData
from tritforge.reports.render.svg import WIDTH, Svg
from tritforge.reports.render.tables import Column, Table, Value

__all__ = ["limit_table", "products", "roofline"]

_LANES = ("pe", "simd")
"""Options of a folding whose product is the number of lanes."""


def products(network: Network, node: MatrixNode) -> tuple[int, int]:
    """Products of ``node`` a frame: all of them, and those with a nonzero weight; padding counts as input."""
    shape = network.types[node.name]
    positions = shape.size // node.planes.shape[1]
    return positions * node.planes.size, positions * int(np.count_nonzero(node.planes))


def limit_table(data: ReportData) -> Table:
    """Lanes, products and cycles of each layer; what the folding does not tell is not measured."""
    layers = {layer.name: layer for layer in data.manifest.layers}
    rows: list[tuple[Value, ...]] = []
    for node in data.network.matrix_nodes():
        layer = layers.get(node.name)
        folding = (layer and layer.folding) or {}
        known = all(isinstance(folding.get(name), int) for name in _LANES)
        lanes = math.prod(int(folding[name]) for name in _LANES) if known else None
        cycles = layer.interval_cycles if layer is not None else None
        every, nonzero = products(data.network, node)
        bound = None if lanes is None else -(-nonzero // lanes)
        dense = None if lanes is None else -(-every // lanes)
        share = None if bound is None or not cycles else 100 * bound / cycles
        rows.append((node.name, lanes, every, nonzero, dense, bound, cycles, share))
    columns = (
        *(
            "Layer",
            "Lanes",
            "Products",
            "Not zero",
            "Limit, dense",
            "Limit, nonzero",
            "Interval, cycles",
        ),
        Column("Of the limit", suffix=" %"),
    )
    notes = (
        "Products: weights x positions of the kernel, a frame. Limits: products / lanes, rounded up. "
        "Interval: the plan's, which simulation must equal. Of the limit: limit of the nonzero "
        "weights / interval.",
    )
    return Table("Cycles against the limit", columns, tuple(rows), notes)


def roofline(table: Table) -> Svg:
    """Draw ``limit_table``: nonzero products a lane across, cycles up, both as powers of ten."""
    height, left, bottom, right = 340, 70, 44, 130
    svg = Svg(WIDTH, height, "Cycles of each layer against the limit of its nonzero weights")
    points = [
        (str(row[0]), float(row[5]), float(row[6]), float(row[4] or row[5]))
        for row in table.rows
        if isinstance(row[5], int) and isinstance(row[6], int) and row[5] and row[6]
    ]
    if not points:
        svg.text(left, height / 2, "no layer with known lanes", fill="var(--muted)")
        return svg
    values = [value for _, *rest in points for value in rest]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values) + 1))

    def across(value: float) -> float:
        return left + (WIDTH - left - right) * (math.log10(value) - low) / (high - low)

    def up(value: float) -> float:
        return (height - bottom) - (height - bottom - 16) * (math.log10(value) - low) / (high - low)

    for power in range(low, high + 1):
        value = 10.0**power
        svg.path(f"M{left} {up(value):.1f}H{WIDTH - right}", stroke="var(--line)", width=1)
        svg.path(f"M{across(value):.1f} 16V{height - bottom}", stroke="var(--line)", width=1)
        svg.text(left - 8, up(value) + 4, f"{value:,.0f}", anchor="end", fill="var(--muted)")
        svg.text(
            across(value),
            height - bottom + 18,
            f"{value:,.0f}",
            anchor="middle",
            fill="var(--muted)",
        )
    svg.text(left, height - 6, "nonzero products a lane", fill="var(--muted)")
    svg.text(left, 10, "cycles a frame", fill="var(--muted)")
    ends = 10.0**low, 10.0**high
    path = f"M{across(ends[0]):.1f} {up(ends[0]):.1f}L{across(ends[1]):.1f} {up(ends[1]):.1f}"
    svg.path(path, stroke="var(--accent)", width=2)
    for name, bound, cycles, dense in points:
        x, y = across(bound), up(cycles)
        svg.path(f"M{x:.1f} {up(bound):.1f}V{up(dense):.1f}", stroke="var(--muted)", dash="3 3")
        svg.path(f"M{x - 6:.1f} {up(dense):.1f}h12", stroke="var(--muted)", dash="3 3")
        svg.rect(
            x - 5, y - 5, 10, 10, "var(--minus)", radius=5, hint=f"{name}: {cycles:,.0f} cycles"
        )
        svg.text(x + 10, y + 4, name, bold=True)
    return svg
