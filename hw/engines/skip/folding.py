"""The folding of a layer onto the ``skip`` engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from tritforge.export.ir.nodes import Convolution
from tritforge.hw.activation.cost import planned_luts
from tritforge.hw.activation.parallel import PerChannelUnit
from tritforge.hw.engines.layer import MatrixLayer, divisors
from tritforge.hw.engines.planes_parallel import combined
from tritforge.hw.engines.registry import Activity, Folding, engine
from tritforge.hw.engines.skip.convolution import SkipConvolutionUnit
from tritforge.hw.engines.skip.dense import SkipDenseUnit
from tritforge.hw.engines.skip.engine import SkipUnit
from tritforge.hw.engines.skip.permute import permuted
from tritforge.hw.engines.skip.reorder import ReorderBufferUnit
from tritforge.hw.matrix.offset_binary import Sums
from tritforge.hw.matrix.skip_schedule import Schedule, skip_schedule
from tritforge.hw.stream.unit import Unit
from tritforge.hw.stream.width_converter import resized

__all__ = ["SkipFolding"]

MOST_BANKS = 32
"""Most banks of a candidate.

With more, the nonzeros are spread too unevenly for the schedule to skip the zeros, and scheduling
takes minutes.
"""

READS_OF_A_BANK = (1, 2, 4)
"""Entries per bank of the candidates: more entries keep more lanes busy, fewer banks mean fewer
input lanes.
"""


@engine
@dataclass(frozen=True, kw_only=True)
class SkipFolding(Folding):
    """``pe`` rows in parallel, ``entries`` nonzero weights of each per cycle.

    For a convolution every lane exists once for each pixel of an output row.

    Parameters
    ----------
    pe : rows in parallel; divides ``outputs``.
    entries : nonzero weights per row and cycle.
    banks : input banks and elements per input beat; divides ``entries`` and the channels. None for
        ``entries``, the smallest memories; fewer banks keep more lanes busy with deeper memories.
    outputs : channels per output beat; divides the rows. None for ``pe``.

    Raises
    ------
    TypeError, ValueError : a field has the wrong type or is not positive.
    """

    engine:  str = "skip"
    pe:      int
    entries: int
    banks:   int | None = None
    outputs: int | None = None

    def __post_init__(self) -> None:
        self._check_positive("pe", "entries", "banks", "outputs")

    def program(self, layer: MatrixLayer) -> Schedule:
        """Return the schedule of ``layer``.

        Raises
        ------
        PlanError : the folding does not divide the layer.
        """
        planes   = layer.node.block_matrices()
        channels = layer.source.channels
        banks    = self.entries if self.banks is None else self.banks
        outputs  = self.pe if self.outputs is None else self.outputs
        layer.check_divides("outputs" if self.outputs else "pe", outputs, planes.shape[1], "rows")
        layer.check_divides("pe", self.pe, outputs, "outputs")
        layer.check_divides("banks" if self.banks else "entries", banks, channels, "channels")
        layer.check_divides("banks", banks, self.entries, "entries")
        return skip_schedule(
            planes,
            channels=channels,
            pe=self.pe,
            entries=self.entries,
            banks=banks,
            outputs=outputs,
        )

    def _results(self, layer: MatrixLayer, engine: SkipUnit, sums: Sums) -> PerChannelUnit:
        """Return the activation or bias unit with the fewest LUTs that keeps up with the engine."""
        program = engine.program
        # cycles from pass to pass; waiting for the activation may cost at most 1/64 of the row
        steps   = np.diff(program.ends[:, -1], prepend=-1)
        pause   = max(pause for pause in range(1, steps.max() + 1)
                      if pause == 1 or np.maximum(steps, pause).sum() <= program.cycles * 65 // 64)
        common: dict[str, Any] = {
            "order": program.rows.ravel(),
            "vectors": layer.sums.height,
            "pixels": engine.pixels,
        }
        if engine.pixels > 1:
            return layer.results(sums, program.pe, pause=pause, **common)
        units = [
            layer.results(sums, lanes, pause=max(1, pause * lanes // program.pe), **common)
            for lanes in range(1, program.pe + 1)
            if program.pe % lanes == 0 and (program.pe <= pause * lanes or lanes == program.pe)
        ]
        return min(units, key=lambda unit: planned_luts(unit, layer.technology))

    def units(self, layer: MatrixLayer) -> tuple[Unit, ...]:
        """Return engine, weighted sum of planes, activation and reorder buffer, in series."""
        node = layer.node
        program = self.program(layer)
        source  = layer.source
        form    = SkipConvolutionUnit if isinstance(node, Convolution) else SkipDenseUnit
        engine  = form(
            name="skip",
            node=node,
            source=source,
            program=program,
            lut_words=layer.technology.lut_words,
        )
        units = [
            *resized("lanes", source.dtype, layer.lanes, program.banks, source.size),
            *permuted(
                "spread",
                layer=node.name,
                beats=engine.i,
                order=program.bank_order,
                periods=source.height * source.width,
            ),
            engine,
        ]
        sums = Sums.of(program.planes, source.dtype, node.coefficients)
        if node.coefficients != (1,):
            steps = np.diff(program.ends.ravel(), prepend=-1).reshape(program.ends.shape)
            units.append(
                combined(
                    steps,
                    source=engine.o.dtype,
                    target=sums.dtype,
                    lanes=engine.o.lanes,
                    coefficients=node.coefficients,
                    totals=layer.sums.height * len(program.rows),
                )
            )
        return (*units, *self._outputs(layer, engine, sums))

    def _outputs(self, layer: MatrixLayer, engine: SkipUnit, sums: Sums) -> Iterator[Unit]:
        """Yield the units after the sums: activation or bias, and the channels back in order."""
        program  = engine.program
        height   = layer.sums.height
        results  = self._results(layer, engine, sums)
        elements = height * program.rows.size
        yield from resized("narrow", sums.dtype, program.pe, results.pe, elements)
        yield results
        yield from resized("widen", results.target, results.pe, program.pe, elements)
        reorder = ReorderBufferUnit(
            name="reorder",
            layer=layer.node.name,
            program=program,
            dtype=results.target,
            pixels=engine.pixels,
            rows=height,
        )
        if not reorder.moves_nothing:
            yield reorder
        yield from permuted(
            "gather",
            layer=layer.node.name,
            beats=reorder.o,
            order=reorder.order,
            periods=layer.vectors,
        )

    @classmethod
    def candidates(cls, layer: MatrixLayer, most_lanes: int) -> Iterator[SkipFolding]:
        """Yield the foldings with at most ``most_lanes`` lanes.

        Every pe that divides the rows, with up to ``MOST_BANKS`` banks that divide the channels and
        one, two or four entries per bank.
        """
        rows  = len(layer.node.plane_matrices()[0])
        banks = [number for number in divisors(layer.source.channels) if number <= MOST_BANKS]
        for pe, number, reads in product(divisors(rows), banks, READS_OF_A_BANK):
            folding = cls(pe=pe, entries=number * reads, banks=number)
            if folding.lanes(layer) <= most_lanes:
                yield folding

    def activity(self, layer: MatrixLayer) -> Activity:
        """Return the operations per frame: zeros take no cycle.

        All pixels of an output row share a word of the schedule.
        """
        rows      = len(layer.node.plane_matrices()[0])
        additions = layer.vectors * int((layer.node.planes != 0).sum())
        return Activity(
            additions=additions,
            operands=additions,
            passes=rows // self.pe,
            weight_reads=layer.sums.height,
        )

    def lanes(self, layer: MatrixLayer) -> int:
        """Products per cycle, pe * entries * output pixels of a row (1 for a dense layer)."""
        return self.pe * self.entries * layer.sums.width
