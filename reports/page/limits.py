"""Cycles of each layer against what its lanes could do at best: a roofline for ternary weights.

A layer with N products of nonzero weights a frame, on L lanes, takes at least N / L cycles; an engine that
spends a cycle on zeros too takes at least (all products) / L.
"""

from __future__ import annotations

import math

import numpy as np

from tritforge.export.ir.nodes import MatrixNode, Network
from tritforge.reports.page.data import ReportData
from tritforge.reports.render.chart import canvas, hinted, label, log_axis, styled, svg
from tritforge.reports.render.palette import LIGHT
from tritforge.reports.render.svg import Svg
from tritforge.reports.render.tables import Column, Table, Value

__all__ = ["limit_table", "products", "roofline"]

_LANES = ("pe", "simd")
"""Options of a folding whose product is the number of lanes."""

_ROOFLINE = "Cycles of each layer against the limit of its nonzero weights"


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


@styled()
def roofline(table: Table) -> Svg:
    """Draw ``limit_table``: nonzero products a lane across, cycles a frame up, both logarithmic."""
    points = [
        (str(row[0]), float(row[5]), float(row[6]), float(row[4] or row[5]))
        for row in table.rows
        if isinstance(row[5], int) and isinstance(row[6], int) and row[5] and row[6]
    ]
    figure = canvas(380)
    axes = figure.subplots()
    axes.set_xlabel("nonzero products a lane")
    axes.set_ylabel("initiation interval, cycles a frame")
    if not points:
        axes.text(0.5, 0.5, "no layer with known lanes", ha="center", transform=axes.transAxes)
        return svg(figure, _ROOFLINE)
    values = [value for _, *rest in points for value in rest]
    ends = min(values) / 1.5, max(values) * 1.5
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
    log_axis(axes.xaxis)
    log_axis(axes.yaxis)
    axes.grid()
    axes.plot(ends, ends, color=LIGHT["accent"], label="limit: a nonzero product a lane and cycle")
    muted = LIGHT["muted"]
    for number, (name, bound, cycles, dense) in enumerate(points):
        text = "" if number else "limit of an engine that spends cycles on zeros"
        axes.plot([bound, bound], [bound, dense], ":", color=muted)
        axes.plot(bound, dense, "_", color=muted, markersize=12, label=text)
        gid = hinted(f"{name}: {cycles:,.0f} cycles")
        text = "" if number else "a layer"
        axes.plot(bound, cycles, "o", color=LIGHT["contrast"], label=text, gid=gid)
    label(axes, [(bound, cycles, name) for name, bound, cycles, _ in points])
    figure.legend(loc="outside upper left", ncols=3)
    return svg(figure, _ROOFLINE)
