"""The folding of a layer onto the ``array`` engine."""

from dataclasses import dataclass
from math import gcd

from export.ir import Convolution
from export.packing import Packing
from hw.activation import ActivationForm
from hw.array import Array
from hw.layer import Folding, divisors
from hw.resize import resized

__all__ = ["ArrayFolding"]


@dataclass(frozen=True, kw_only=True)
class ArrayFolding(Folding):
    """``pe`` rows and ``simd`` columns at a time; ``packing`` is how the weights lie in their ROM, ``activation``
    how codes are made of sums."""

    engine:     str = "array"
    pe:         int
    simd:       int
    packing:    Packing = Packing.TWO_BIT
    activation: ActivationForm = ActivationForm.AUTO

    def __post_init__(self):
        for name in ("pe", "simd"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} must be an int, not {value!r}")
            if value < 1:
                raise ValueError(f"{name} must be positive, not {value!r}")
        for name, kind in (("packing", Packing), ("activation", ActivationForm)):
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(f"{name} must be a {kind.__name__}, not {value!r}")

    def units(self, layer):
        node = layer.node
        rows, columns = node.plane_matrices().shape[1:]
        if len(node.planes) != 1 or node.coefficients != (1,):
            raise layer.refuse(f"it has {len(node.planes)} planes of coefficients {node.coefficients!r}; "
                               "the array engine builds one plane of coefficient 1")
        for parameter, value, total, what in (("pe", self.pe, rows, "rows"), ("simd", self.simd, columns, "columns")):
            if total % value:
                raise layer.refuse(f"{parameter} must divide its {total} {what} ({divisors(total)}), not {value!r}")
        lanes = self.simd
        if isinstance(node, Convolution):
            channels = layer.source.channels
            if channels % self.simd and self.simd % channels:
                raise layer.refuse(f"simd must divide its {channels} channels or be a multiple of them, "
                                   f"not {self.simd!r}")
            lanes = gcd(self.simd, channels)
        units = layer.windows(lanes, whole=self.simd > lanes)       # whole windows beat a pixel of one a cycle
        units += resized("columns", layer.source.dtype, units[-1].o.lanes if units else layer.lanes, self.simd,
                         layer.vectors * columns)
        array = Array(name="array", node=node, source=layer.source.dtype, vectors=layer.vectors, pe=self.pe,
                      simd=self.simd, packing=self.packing)
        return (*units, array, layer.results(array.sums, self.pe, pause=array.vector_beats, form=self.activation))
