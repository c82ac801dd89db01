"""Density and compression of a network's weights, from the bits that its ROM images take.

For comparison the papers' tables: density of layers (ICS: He, Gong, Fan 2019, Table VII; TTQ: Zhu
et al. 2017, Table 4) and the nominal compression of two-bit against 32-bit weights: 16 (ICS), 16 /
t with t planes.
"""

from __future__ import annotations

import math

from tritforge.export.artifacts.manifest import Manifest
from tritforge.export.artifacts.rom import Role
from tritforge.export.ir.nodes import Network, Trits
from tritforge.reports.render.chart import Series, bars
from tritforge.reports.render.svg import Svg
from tritforge.reports.render.tables import Column, Table, Value

__all__ = ["PAPERS", "density_picture", "density_table", "entropy_bits", "papers_table"]

FLOAT_BITS = 32

PAPERS: tuple[tuple[str, str, float, float, float], ...] = (
    ("AlexNet, ICS", "ICS, Table VII, after fine-tuning", 53.6, 67.5, 41.1),
    ("ResNet-18, ICS", "ICS, Table VII, after fine-tuning", 52.2, 68.3, 40.1),
    ("AlexNet, TTQ", "TTQ, Table 4, first and last layer in 32 bits", 100.0, 100.0, 37.0),
)
"""Network and method, source, and density in per cent: first layer, last layer, all."""


def entropy_bits(trits: Trits) -> float:
    """Return the entropy of -1, 0 and +1 in ``trits``, of any shape, in bits per trit."""
    shares = [float((trits == trit).mean()) for trit in (-1, 0, 1)]
    return -sum(share * math.log2(share) for share in shares if share)


def density_table(network: Network, manifest: Manifest) -> Table:
    """Tabulate density (%), ROM bits and compression against float32 of each layer, all planes."""
    bits: dict[str, int] = {}
    for image in manifest.roms:
        if image.role in Role.WEIGHTS.files:
            bits[image.layer] = bits.get(image.layer, 0) + image.word_bits * image.depth
    rows: list[tuple[Value, ...]] = []
    whole_floats = whole_nonzeros = whole_trits = 0
    for node in network.matrix_nodes():
        floats, nonzeros = node.planes[0].size, int((node.planes != 0).sum())
        rom = bits.get(node.name)
        density = 100 * nonzeros / node.planes.size
        entropy = entropy_bits(node.planes)
        known = (node.name, len(node.planes), floats, nonzeros, density, entropy)
        rows.append((*known, rom, *_rates(rom, floats)))
        whole_floats += floats
        whole_nonzeros += nonzeros
        whole_trits += node.planes.size
    whole = None if any(row[6] is None for row in rows) else sum(int(row[6] or 0) for row in rows)
    density = 100 * whole_nonzeros / whole_trits
    rates = _rates(whole, whole_floats)
    rows.append(("all layers", "", whole_floats, whole_nonzeros, density, "", whole, *rates))
    columns = (
        "Layer",
        "Planes",
        "Weights",
        "Nonzero",
        Column("Density", suffix=" %"),
        Column("Entropy, bits", digits=2),
        "ROM bits",
        Column("Bits per weight", digits=2),
        Column("Compression", digits=2, suffix="x"),
    )
    notes = (
        "Density: share of trits that are not 0, over all planes. ROM bits: words x width of the "
        "weight images, padding included. Compression: 32 bits x weights / ROM bits; the papers' "
        "nominal rate is 16x.",
        "Entropy: lower bound of a lossless code of independent weights, in bits per trit.",
    )
    return Table("Density and compression", columns, tuple(rows), notes, 1)


def _rates(rom: int | None, floats: int) -> tuple[float | None, float | None]:
    return (None, None) if rom is None else (rom / floats, FLOAT_BITS * floats / rom)


def papers_table() -> Table:
    """Tabulate the densities that the papers report of their own networks, in percent."""
    shares = (Column(name, suffix=" %") for name in ("First layer", "Last layer", "All"))
    note = "Quoted: their weights are not published with them."
    return Table("Density in the papers", ("Network", "Paper", *shares), PAPERS, (note,))


def density_picture(network: Network) -> Svg:
    """Draw the density of each layer and AlexNet's average, as figure 6 of the ICS paper does."""
    densities = {node.name: 100 * (1 - node.sparsity) for node in network.matrix_nodes()}
    return bars(
        "Density of each layer",
        list(densities),
        [Series("", "accent", list(densities.values()))],
        [f"{density:.1f} %" for density in densities.values()],
        "weights that are not 0, %",
        mark=(PAPERS[0][4], f"{PAPERS[0][4]} %: average of AlexNet in the ICS paper"),
    )
