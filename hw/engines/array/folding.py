"""The folding of a layer onto the ``array`` engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import gcd

import numpy as np

from tritforge.export.artifacts.packing import word_bits
from tritforge.export.ir.nodes import Convolution
from tritforge.hw.activation.select import ActivationForm
from tritforge.hw.cost.packing import PackingChoice, chosen, split_depth
from tritforge.hw.engines.array.engine import MacArrayUnit
from tritforge.hw.engines.layer import MatrixLayer, divisors
from tritforge.hw.engines.planes_parallel import combined
from tritforge.hw.engines.registry import Activity, Folding, engine
from tritforge.hw.stream.unit import Unit
from tritforge.hw.stream.width_converter import resized
from tritforge.hw.targets.memory import MemoryStyle

__all__ = ["ArrayFolding"]


@engine
@dataclass(frozen=True, kw_only=True)
class ArrayFolding(Folding):
    """PE x SIMD folding of the ``array`` engine.

    Parameters
    ----------
    pe : rows in parallel; divides the rows.
    simd : columns in parallel; divides the columns.
    packing : layout of the weights in their ROM words.
    memory : block RAM, LUTs, or the choice of synthesis for the weight ROM.
    activation : form of the activation unit.

    Raises
    ------
    TypeError, ValueError : a field has the wrong type or is not positive.
    """

    engine:     str = "array"
    pe:         int
    simd:       int
    packing:    PackingChoice  = PackingChoice.AUTO
    memory:     MemoryStyle    = MemoryStyle.AUTO
    activation: ActivationForm = ActivationForm.AUTO

    def __post_init__(self) -> None:
        self._check_positive("pe", "simd")
        for name, kind in (
            ("packing", PackingChoice),
            ("memory", MemoryStyle),
            ("activation", ActivationForm),
        ):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(f"{name} must be a {kind.__name__}, not {value!r}")

    def units(self, layer: MatrixLayer) -> tuple[Unit, ...]:
        """Return im2col, array, weighted sum of planes and activation, in series."""
        node = layer.node
        rows, columns = node.plane_matrices().shape[1:]
        layer.check_divides("pe", self.pe, rows, "rows")
        layer.check_divides("simd", self.simd, columns, "columns")
        depth = len(node.planes) * (rows // self.pe) * (columns // self.simd)
        trits = self.pe * self.simd
        packing = chosen(layer.technology, self.packing, trits, depth)
        array = MacArrayUnit(
            name="array",
            node=node,
            source=layer.source.dtype,
            vectors=layer.vectors,
            pe=self.pe,
            simd=self.simd,
            packing=packing,
            memory=self.memory,
            split=split_depth(layer.technology, word_bits(trits, packing), depth),
        )
        lanes = self._window_lanes(layer, array)
        # a line buffer if the array reads more lanes than a pixel has
        units = layer.windows(lanes, whole=array.i.lanes > lanes, blocks=array.blocks)
        units += resized(
            "columns",
            layer.source.dtype,
            units[-1].o.lanes if units else layer.lanes,
            array.i.lanes,
            layer.vectors * columns * array.groups,
        )
        units.append(array)
        steps = np.full((1, len(array.planes)), array.vector_beats)
        if node.coefficients != (1,):
            units.append(
                combined(
                    steps,
                    source=array.o.dtype,
                    target=array.sums.dtype,
                    coefficients=node.coefficients,
                    lanes=self.pe,
                    totals=layer.vectors * rows // self.pe,
                )
            )
        return (
            *units,
            layer.results(array.sums, self.pe, pause=int(steps.sum()), form=self.activation),
        )

    @classmethod
    def candidates(cls, layer: MatrixLayer, most_lanes: int) -> Iterator[ArrayFolding]:
        """Yield every pe and simd that divide the matrix, with at most ``most_lanes`` lanes."""
        rows, columns = layer.node.plane_matrices().shape[1:]
        for pe, simd in product(divisors(rows), divisors(columns)):
            if pe * simd <= most_lanes:
                yield cls(pe=pe, simd=simd)

    def activity(self, layer: MatrixLayer) -> Activity:
        """Return the operations per frame: zeros take cycles; each vector reads all weights."""
        planes, rows, columns = layer.node.plane_matrices().shape
        passes = rows // self.pe
        return Activity(
            additions=layer.vectors * planes * rows * columns,
            passes=passes,
            operands=layer.vectors * planes * passes * columns,
            weight_reads=layer.vectors,
        )

    def lanes(self, layer: MatrixLayer) -> int | None:
        """Products per cycle, pe * simd."""
        return self.pe * self.simd

    def _window_lanes(self, layer: MatrixLayer, array: MacArrayUnit) -> int:
        """Lanes of the im2col of a convolution; PlanError if it cannot feed ``array``."""
        node = layer.node
        if not isinstance(node, Convolution):
            return self.simd
        rows, channels = len(array.planes[0]) // array.groups, layer.source.channels // array.groups
        whose = "channels of a group" if array.groups > 1 else "channels"
        if rows % self.pe and self.pe % rows:
            raise layer.refuse(
                f"pe must divide the {rows} rows of a group or be a multiple of them, not "
                f"{self.pe!r}"
            )
        if array.together > 1 and self.simd % channels:
            raise layer.refuse(
                f"simd must be a multiple of its {channels} {whose} where pe exceeds the "
                f"{rows} rows of a "
                f"group, not {self.simd!r}"
            )
        if channels % self.simd and self.simd % channels:
            raise layer.refuse(
                f"simd must divide its {channels} {whose} or be a multiple of them, not "
                f"{self.simd!r}"
            )
        return array.together * gcd(self.simd, channels)
