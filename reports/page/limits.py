"""Initiation interval of each layer against its lower bound: a roofline for ternary weights.

A layer with N products of nonzero weights per frame, on L lanes, takes at least N / L cycles; an
engine that spends cycles on zeros too takes at least (all products) / L.
"""

from __future__ import annotations

import numpy as np

from tritforge.export.ir.nodes import MatrixNode, Network
from tritforge.hw.engines.registry import restored
from tritforge.hw.pipeline.sites import node_sites
from tritforge.reports.page.data import ReportData
from tritforge.reports.render.chart import canvas, hinted, label, log_axis, styled, svg
from tritforge.reports.render.palette import LIGHT
from tritforge.reports.render.svg import Svg
from tritforge.reports.render.tables import Column, Table, Value

__all__ = ["limit_table", "products", "roofline"]

_ROOFLINE = "Initiation interval of each layer against the lower bound of its nonzero products"


def products(network: Network, node: MatrixNode) -> tuple[int, int]:
    """Return products per frame of ``node``: all, and those of a nonzero weight; padding counts."""
    shape = network.types[node.name]
    positions = shape.size // node.planes.shape[1]
    return positions * node.planes.size, positions * int(np.count_nonzero(node.planes))


def limit_table(data: ReportData) -> Table:
    """Tabulate lanes, products per frame and cycles of each layer; unknown lanes are None."""
    layers = {layer.name: layer for layer in data.manifest.layers}
    rows: list[tuple[Value, ...]] = []
    for site in node_sites(data.network):
        if not site.matrix:
            continue
        node, layer = site.layer().node, layers.get(site.name)
        lanes = cycles = None
        if layer is not None:
            lanes = restored(layer.engine, layer.folding or {}).lanes(site.layer())
            cycles = layer.interval_cycles
        every, nonzero = products(data.network, node)
        bound = None if lanes is None else -(-nonzero // lanes)
        dense = None if lanes is None else -(-every // lanes)
        share = None if bound is None or not cycles else 100 * bound / cycles
        rows.append((node.name, lanes, every, nonzero, dense, bound, cycles, share))
    columns = (
        "Layer",
        "Lanes",
        "Products",
        "Nonzero products",
        "Bound, dense",
        "Bound, nonzero",
        "Interval, cycles",
        Column("Bound / interval", suffix=" %"),
    )
    notes = (
        "Products: weights x positions of the kernel, per frame. Bounds, in cycles: products / "
        "lanes, rounded up. Interval: the plan's initiation interval, which simulation must equal. "
        "Bound / interval: of the nonzero products.",
    )
    return Table("Initiation interval against its lower bound", columns, tuple(rows), notes)


@styled()
def roofline(table: Table) -> Svg:
    """Draw ``limit_table``: x nonzero products per lane, y cycles per frame, both logarithmic."""
    points = [
        (str(row[0]), float(row[5]), float(row[6]), float(row[4] or row[5]))
        for row in table.rows
        if isinstance(row[5], int) and isinstance(row[6], int) and row[5] and row[6]
    ]
    figure = canvas(380)
    axes = figure.subplots()
    axes.set_xlabel("lower bound: nonzero products per lane")
    axes.set_ylabel("initiation interval, cycles per frame")
    if not points:
        axes.text(0.5, 0.5, "no layer with known lanes", ha="center", transform=axes.transAxes)
        return svg(figure, _ROOFLINE)
    values = [value for _, *rest in points for value in rest]
    ends = min(values) / 1.5, max(values) * 1.5
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
    log_axis(axes.xaxis)
    log_axis(axes.yaxis)
    axes.grid()
    axes.plot(
        ends,
        ends,
        color=LIGHT["accent"],
        label="lower bound: one nonzero product per lane and cycle",
    )
    muted = LIGHT["muted"]
    for number, (name, bound, cycles, dense) in enumerate(points):
        text = "" if number else "bound of an engine that spends cycles on zeros"
        axes.plot([bound, bound], [bound, dense], ":", color=muted)
        axes.plot(bound, dense, "_", color=muted, markersize=12, label=text)
        gid = hinted(f"{name}: {cycles:,.0f} cycles")
        text = "" if number else "a layer"
        axes.plot(bound, cycles, "o", color=LIGHT["contrast"], label=text, gid=gid)
    label(axes, [(bound, cycles, name) for name, bound, cycles, _ in points])
    figure.legend(loc="outside upper left", ncols=3)
    return svg(figure, _ROOFLINE)
