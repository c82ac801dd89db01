"""Modelled energy of an inference: operations times energies from the literature.

It is a model, never a measurement.

Prices: M. Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC 2014, 45 nm,
0.9 V:

- integer add: 0.03 pJ at 8 bits, 0.1 pJ at 32; between and beyond on the straight line through
  both;
- integer multiply, 8 bits: 0.2 pJ; floating point, 32 bits: add 0.9 pJ, multiply 3.7 pJ;
- an access of 64 bits to a memory of 8 KB: 10 pJ, of 32 KB: 20 pJ, of 1 MB: 100 pJ.

Operations of a layer with M rows, K columns and V output pixels a frame:

- float32 and int8: V M K multiplications, each with an add (32 bits);
- ternary: an add for every weight that the engine executes, as wide as the proved accumulator,
  which is an upper bound: the first adds of a row are narrower.

Memory: weights are read as often as the engine reads them, in the bits of its ROM words, or in 32
and 8 bits a weight; activations once for every operand that is fetched, results once. Each engine
states what it executes, fetches and reads (``tritforge.hw.engines.registry.Activity``). A layer's
memory has the price of the smallest of the three sizes that holds it; above 1 MB, that of 1 MB.
Clock, control, comparison and wires are not in the model. The prices are decimal fractions, so that
sums are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from tritforge.export.artifacts.manifest import Manifest
from tritforge.export.artifacts.rom import WEIGHT_FILES
from tritforge.export.ir.nodes import Network
from tritforge.hw.engines.layer import MatrixLayer
from tritforge.hw.engines.registry import Folding, restored
from tritforge.hw.pipeline.sites import node_sites
from tritforge.reports.render.tables import Column, Table, Value

__all__ = ["FORMATS", "Energy", "add_pj", "energies", "energy_table", "read_pj"]

FORMATS = ("float32", "int8", "ternary")

_INT8_MULTIPLY, _FLOAT_ADD, _FLOAT_MULTIPLY = Fraction("0.2"), Fraction("0.9"), Fraction("3.7")
_ADD_8, _ADD_32 = Fraction("0.03"), Fraction("0.1")
_ACCESSES = ((8 * 1024, 10), (32 * 1024, 20), (1024 * 1024, 100))
"""Bytes of a memory, and pJ of an access of 64 bits."""


def add_pj(bits: int) -> Fraction:
    """Energy of an integer add of ``bits``, in pJ."""
    return _ADD_8 + (bits - 8) * (_ADD_32 - _ADD_8) / 24


def read_pj(bits: int, memory_bits: int) -> Fraction:
    """Energy of reading ``bits`` from a memory of ``memory_bits``, in pJ."""
    price = next(
        (price for limit, price in _ACCESSES if memory_bits <= 8 * limit), _ACCESSES[-1][1]
    )
    return Fraction(bits * price, 64)


@dataclass(frozen=True, kw_only=True)
class Energy:
    """Energy of a layer in one number format, in pJ per frame."""

    arithmetic: Fraction
    weights: Fraction
    activations: Fraction

    @property
    def total(self) -> Fraction:
        """All of it."""
        return self.arithmetic + self.weights + self.activations


def energies(network: Network, manifest: Manifest) -> dict[str, dict[str, Energy]]:
    """Return the energy by layer and format of the layers with weights in ``manifest``.

    Raises
    ------
    PlanError: the manifest names an engine that is not known, or no image of weights that an engine
        reads.
    """
    foldings = {layer.name: layer for layer in manifest.layers}
    words: dict[str, int] = {}
    for rom in manifest.roms:
        if rom.role in WEIGHT_FILES:
            words[rom.layer] = words.get(rom.layer, 0) + rom.word_bits * rom.depth
    return {
        site.name: _layer(
            site.layer(),
            restored(str(foldings[site.name].engine), foldings[site.name].folding or {}),
            words.get(site.name, 0),
        )
        for site in node_sites(network)
        if site.matrix and site.name in foldings
    }


def _layer(layer: MatrixLayer, folding: Folding, rom_bits: int) -> dict[str, Energy]:
    node, source, vectors = layer.node, layer.source, layer.vectors
    rows, columns = node.plane_matrices().shape[1:]
    activity = folding.activity(layer)
    products, readings = vectors * rows * columns, activity.weight_reads
    if readings and not rom_bits:
        raise layer.refuse("the manifest names no ROM image of its weights")
    width = node.accumulator(source.dtype).bits
    results = vectors * rows

    def moved(operands: int, bits: int) -> Fraction:
        """pJ of reading operands of ``bits`` from the input memory and of writing the results."""
        return read_pj(operands * bits, source.size * bits) + read_pj(
            results * bits, results * bits
        )

    found = {}
    for name, bits, multiply_add in (
        ("float32", 32, _FLOAT_MULTIPLY + _FLOAT_ADD),
        ("int8", 8, _INT8_MULTIPLY + add_pj(32)),
    ):
        found[name] = Energy(
            arithmetic=products * multiply_add,
            weights=read_pj(readings * rows * columns * bits, rows * columns * bits),
            activations=moved(vectors * activity.passes * columns, bits),
        )
    found["ternary"] = Energy(
        arithmetic=activity.additions * add_pj(width),
        weights=read_pj(readings * rom_bits, rom_bits),
        activations=moved(activity.operands, source.dtype.bits),
    )
    return found


def energy_table(network: Network, manifest: Manifest) -> Table:
    """Energy per frame of each layer and format, and the ratios of float and int8 to ternary."""
    found = energies(network, manifest)
    rows: list[tuple[Value, ...]] = [_row(name, of) for name, of in found.items()]
    if found:
        sums = {
            name: Energy(
                arithmetic=sum((of[name].arithmetic for of in found.values()), Fraction()),
                weights=sum((of[name].weights for of in found.values()), Fraction()),
                activations=sum((of[name].activations for of in found.values()), Fraction()),
            )
            for name in FORMATS
        }
        rows.append(_row("all layers", sums))
        one = sums["ternary"]
        shares = [
            f"{float(100 * part / one.total):.0f} %"
            for part in (one.arithmetic, one.weights, one.activations)
        ]
        split = (
            f"Of the ternary energy {shares[0]} is arithmetic, {shares[1]} weights, "
            f"{shares[2]} activations."
        )
    headings: tuple[Column | str, ...] = (
        "Layer",
        *(Column(f"{name}, nJ", digits=3) for name in FORMATS),
        Column("float / ternary"),
        Column("int8 / ternary"),
    )
    notes = (
        "A model, not a measurement: adds, multiplications and memory accesses of layers with "
        "weights, times the energies of Horowitz, ISSCC 2014 (45 nm, 0.9 V). float32 and int8: the "
        "same layers and reads, dense weights. Clock, control, comparison and wires are not in it.",
        *((split,) if found else ()),
    )
    return Table("Energy per frame, modelled", headings, tuple(rows), notes, int(bool(found)))


def _row(name: str, of: Mapping[str, Energy]) -> tuple[Value, ...]:
    ternary = of["ternary"].total
    return (
        name,
        *(float(of[each].total / 1000) for each in FORMATS),
        float(of["float32"].total / ternary),
        float(of["int8"].total / ternary),
    )
