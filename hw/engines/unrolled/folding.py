"""The folding of a layer onto the ``unrolled`` engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tritforge.hw.engines.layer import MatrixLayer
from tritforge.hw.engines.registry import Activity, Folding, engine
from tritforge.hw.engines.unrolled.engine import MatrixLogicUnit
from tritforge.hw.matrix.cse import CseOptions
from tritforge.hw.stream.unit import Unit
from tritforge.hw.stream.width_converter import resized

__all__ = ["UnrolledFolding"]

MOST_WEIGHTS = 4096
"""Weights of the largest layer that is worth a try: beyond, the search for shared sums takes
minutes.
"""

WELL_SEARCHED = 512
"""Weights up to which that search has its full number of rounds; larger candidates get ten."""


@engine
@dataclass(frozen=True, kw_only=True)
class UnrolledFolding(Folding):
    """Every weight in parallel.

    The defaults need few flip-flops; ``depth`` None and ``registers`` None need the fewest LUTs.

    Parameters
    ----------
    iterations, seed, depth : of the search (tritforge.hw.matrix.cse.CseOptions).
    rows_per_stage : most compressor rows cascaded between registers; None for no limit.
    registers : flip-flops that cost as much as one LUT; None if flip-flops are free.

    Raises
    ------
    TypeError, ValueError : a field has the wrong type or is out of range.
    """

    engine:         str        = "unrolled"
    iterations:     int        = 100
    seed:           int        = 0
    depth:          int | None = 1
    rows_per_stage: int | None = None
    registers:      int | None = 8

    def __post_init__(self) -> None:
        self.search  # noqa: B018  # refuses what it does not take
        for name in ("rows_per_stage", "registers"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
                raise TypeError(f"{name} must be an int or None, not {value!r}")
            if value is not None and value < 1:
                raise ValueError(f"{name} must be positive, not {value!r}")

    @property
    def search(self) -> CseOptions:
        """Options of common subexpression elimination."""
        return CseOptions(iterations=self.iterations, seed=self.seed, depth=self.depth)

    def units(self, layer: MatrixLayer) -> tuple[Unit, ...]:
        """Return im2col, matrix logic and activation, in series."""
        rows, columns = layer.node.block_matrices().shape[1:]
        units  = layer.windows(layer.source.channels, whole=True)
        units += resized(
            "columns",
            layer.source.dtype,
            units[-1].o.lanes if units else layer.lanes,
            columns,
            layer.vectors * columns,
        )
        unit = MatrixLogicUnit(
            name="unrolled",
            node=layer.node,
            source=layer.source.dtype,
            vectors=layer.vectors,
            search=self.search,
            rows_per_stage=self.rows_per_stage,
            registers=self.registers,
            row_luts=layer.technology.heap_row_luts,
        )
        return (*units, unit, layer.results(unit.wiring.sums, rows))

    @classmethod
    def candidates(cls, layer: MatrixLayer, most_lanes: int) -> Iterator[UnrolledFolding]:
        """One; a large layer with a shorter search, a very large one not at all."""
        rows, columns = layer.node.plane_matrices().shape[1:]
        if rows * columns <= MOST_WEIGHTS:
            yield cls() if rows * columns <= WELL_SEARCHED else cls(iterations=10)

    def activity(self, layer: MatrixLayer) -> Activity:
        """Return the operations per frame: only nonzeros, and no weight is read from a memory."""
        columns = layer.node.plane_matrices().shape[2]
        return Activity(additions=layer.vectors * int((layer.node.planes != 0).sum()), passes=1,
                        operands=layer.vectors * columns, weight_reads=0)

    def lanes(self, layer: MatrixLayer) -> int | None:
        """Not set: a product is part of an adder tree whose sums the rows share."""
        return None
