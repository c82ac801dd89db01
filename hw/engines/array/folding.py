"""The folding of a layer onto the ``array`` engine."""

from dataclasses import dataclass
from itertools import product
from math import gcd

import numpy as np

from tritforge.export.artifacts.packing import word_bits
from tritforge.export.ir.nodes import Convolution
from tritforge.hw.activation.select import ActivationForm
from tritforge.hw.cost.packing import PackingChoice, chosen, split_depth
from tritforge.hw.engines.array.engine import MacArrayUnit
from tritforge.hw.engines.layer import divisors
from tritforge.hw.engines.planes_parallel import combined
from tritforge.hw.engines.registry import Activity, Folding, engine
from tritforge.hw.stream.width_converter import resized
from tritforge.hw.targets.memory import MemoryStyle

__all__ = ["ArrayFolding"]


@engine
@dataclass(frozen=True, kw_only=True)
class ArrayFolding(Folding):
    """``pe`` rows and ``simd`` columns at a time; ``packing`` is how the weights lie in their ROM, ``memory`` what that is
    made of, ``activation`` how codes are made of sums."""

    engine:     str = "array"
    pe:         int
    simd:       int
    packing:    PackingChoice  = PackingChoice.AUTO
    memory:     MemoryStyle    = MemoryStyle.AUTO
    activation: ActivationForm = ActivationForm.AUTO

    def __post_init__(self):
        self._check_positive("pe", "simd")
        for name, kind in (("packing", PackingChoice), ("memory", MemoryStyle), ("activation", ActivationForm)):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(f"{name} must be a {kind.__name__}, not {value!r}")

    def units(self, layer):
        node = layer.node
        rows, columns = node.plane_matrices().shape[1:]
        layer.check_divides("pe", self.pe, rows, "rows")
        layer.check_divides("simd", self.simd, columns, "columns")
        depth = len(node.planes) * (rows // self.pe) * (columns // self.simd)
        trits = self.pe * self.simd
        packing = chosen(layer.technology, self.packing, trits, depth)
        array = MacArrayUnit(name="array", node=node, source=layer.source.dtype, vectors=layer.vectors, pe=self.pe,
                             simd=self.simd, packing=packing, memory=self.memory,
                             split=split_depth(layer.technology, word_bits(trits, packing), depth))
        lanes = self._window_lanes(layer, array)
        units = layer.windows(lanes, whole=array.i.lanes > lanes, blocks=array.blocks)  # whole windows beat a pixel a cycle
        units += resized("columns", layer.source.dtype, units[-1].o.lanes if units else layer.lanes, array.i.lanes,
                         layer.vectors * columns * array.groups)
        units.append(array)
        steps = np.full((1, len(array.planes)), array.vector_beats)
        if node.coefficients != (1,):
            units.append(combined(steps, source=array.o.dtype, target=array.sums.dtype, coefficients=node.coefficients,
                                  lanes=self.pe, totals=layer.vectors * rows // self.pe))
        return (*units, layer.results(array.sums, self.pe, pause=int(steps.sum()), form=self.activation))

    @classmethod
    def candidates(cls, layer, most_lanes):
        """Every pe and simd that divide the matrix."""
        rows, columns = layer.node.plane_matrices().shape[1:]
        for pe, simd in product(divisors(rows), divisors(columns)):
            if pe * simd <= most_lanes:
                yield cls(pe=pe, simd=simd)

    def activity(self, layer):
        """Every weight takes part, zeros too; the weights are read for every vector."""
        planes, rows, columns = layer.node.plane_matrices().shape
        passes = rows // self.pe
        return Activity(additions=layer.vectors * planes * rows * columns, passes=passes,
                        operands=layer.vectors * planes * passes * columns, weight_reads=layer.vectors)

    def lanes(self, layer):
        return self.pe * self.simd

    def _window_lanes(self, layer, array):
        """Lanes of the window of a convolution; PlanError where it cannot feed ``array``."""
        node = layer.node
        if not isinstance(node, Convolution):
            return self.simd
        rows, channels = len(array.planes[0]) // array.groups, layer.source.channels // array.groups
        whose = "channels of a group" if array.groups > 1 else "channels"
        if rows % self.pe and self.pe % rows:
            raise layer.refuse(f"pe must divide the {rows} rows of a group or be a multiple of them, not {self.pe!r}")
        if array.together > 1 and self.simd % channels:
            raise layer.refuse(f"simd must be a multiple of its {channels} {whose} where pe exceeds the {rows} rows of "
                               f"a group, not {self.simd!r}")
        if channels % self.simd and self.simd % channels:
            raise layer.refuse(f"simd must divide its {channels} {whose} or be a multiple of them, not {self.simd!r}")
        return array.together * gcd(self.simd, channels)
