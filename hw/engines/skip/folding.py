"""The folding of a layer onto the ``skip`` engine."""

import operator
from dataclasses import dataclass
from itertools import product

import numpy as np

from tritforge.export.ir.nodes import Convolution
from tritforge.hw.activation.cost import planned_luts
from tritforge.hw.engines.layer import divisors
from tritforge.hw.engines.planes_parallel import combined
from tritforge.hw.engines.registry import Activity, Folding, engine
from tritforge.hw.engines.skip.convolution import SkipConvolutionUnit
from tritforge.hw.engines.skip.dense import SkipDenseUnit
from tritforge.hw.engines.skip.permute import permuted
from tritforge.hw.engines.skip.reorder import ReorderBufferUnit
from tritforge.hw.matrix.offset_binary import Sums
from tritforge.hw.matrix.skip_schedule import skip_schedule
from tritforge.hw.stream.width_converter import resized

__all__ = ["SkipFolding"]

MOST_BANKS = 32
"""Banks of the widest candidate: beyond, the zeros no longer lie evenly enough to be skipped, and the schedule takes
minutes."""

READS_OF_A_BANK = (1, 2, 4)
"""Entries that read the same bank: fewer banks than entries fill the cycles better, a bank fewer lanes of input."""


@engine
@dataclass(frozen=True, kw_only=True)
class SkipFolding(Folding):
    """``pe`` rows at a time and ``entries`` nonzeros of each a cycle.

    For a convolution every lane exists once for each pixel of an output row.

    Parameters
    ----------
    pe : rows at a time; divides ``outputs``.
    entries : nonzeros of a row a cycle.
    banks : banks of the inputs, and elements a beat in; divides ``entries`` and the channels. ``entries`` when left
        open: the smallest memories; fewer banks keep more lanes busy, for as many times deeper memories.
    outputs : channels a beat out; divides the rows. ``pe`` when left open.
    """

    engine:  str = "skip"
    pe:      int
    entries: int
    banks:   int | None = None
    outputs: int | None = None

    def __post_init__(self):
        self._check_positive("pe", "entries", "banks", "outputs")

    def program(self, layer):
        """The schedule of ``layer`` (tritforge.hw.matrix.skip_schedule.Schedule); PlanError where the folding does not divide."""
        planes   = layer.node.block_matrices()
        channels = layer.source.channels
        banks    = self.entries if self.banks is None else self.banks
        outputs  = self.pe if self.outputs is None else self.outputs
        layer.check_divides("outputs" if self.outputs else "pe", outputs, planes.shape[1], "rows")
        layer.check_divides("pe", self.pe, outputs, "outputs")
        layer.check_divides("banks" if self.banks else "entries", banks, channels, "channels")
        layer.check_divides("banks", banks, self.entries, "entries")
        return skip_schedule(planes, channels=channels, pe=self.pe, entries=self.entries, banks=banks, outputs=outputs)

    def _results(self, layer, engine, sums):
        """The unit that makes the results, of as many rows at a time as is cheapest and keeps up with the engine."""
        program = engine.program
        steps   = np.diff(program.ends[:, -1], prepend=-1)           # from pass to pass; a 64th of them all may be lost
        pause   = max(pause for pause in range(1, steps.max() + 1)
                      if pause == 1 or np.maximum(steps, pause).sum() <= program.cycles * 65 // 64)
        common  = {"order": program.rows.ravel(), "vectors": layer.sums.height, "pixels": engine.pixels}
        if engine.pixels > 1:
            return layer.results(sums, program.pe, pause=pause, **common)
        units   = [layer.results(sums, lanes, pause=max(1, pause * lanes // program.pe), **common)
                   for lanes in range(1, program.pe + 1)
                   if program.pe % lanes == 0 and (program.pe <= pause * lanes or lanes == program.pe)]
        return min(units, key=lambda unit: planned_luts(unit, layer.technology))

    def units(self, layer):
        node = layer.node
        if isinstance(node, Convolution) and any(map(operator.ge, node.padding, node.extent)):
            raise layer.refuse(f"padding must be smaller than the kernel's extent {node.extent!r}, not {node.padding!r}")
        program = self.program(layer)
        source  = layer.source
        height  = layer.sums.height
        common  = {"layer": node.name}
        form    = SkipConvolutionUnit if isinstance(node, Convolution) else SkipDenseUnit
        engine  = form(name="skip", node=node, source=source, program=program, lut_words=layer.technology.lut_words)
        units   = [
            *resized("lanes", source.dtype, layer.lanes, program.banks, source.size),
            *permuted("spread", beats=engine.i, order=program.bank_order, periods=source.height * source.width, **common),
            engine,
        ]
        sums = Sums.of(program.planes, source.dtype, node.coefficients)
        if node.coefficients != (1,):
            steps = np.diff(program.ends.ravel(), prepend=-1).reshape(program.ends.shape)
            units.append(combined(steps, source=engine.o.dtype, target=sums.dtype, lanes=engine.o.lanes,
                                  coefficients=node.coefficients, totals=height * len(program.rows)))
        results  = self._results(layer, engine, sums)
        elements = height * program.rows.size
        units += resized("narrow", sums.dtype, program.pe, results.pe, elements)
        units.append(results)
        units += resized("widen", results.target, results.pe, program.pe, elements)
        reorder = ReorderBufferUnit(name="reorder", program=program, dtype=results.target, pixels=engine.pixels, rows=height, **common)
        if not reorder.moves_nothing:
            units.append(reorder)
        units += permuted("gather", beats=reorder.o, order=reorder.order, periods=layer.vectors, **common)
        return tuple(units)

    @classmethod
    def candidates(cls, layer, most_lanes):
        """Every pe, and up to ``MOST_BANKS`` banks that divide the channels, with one, two or four entries a bank."""
        rows  = len(layer.node.plane_matrices()[0])
        banks = [number for number in divisors(layer.source.channels) if number <= MOST_BANKS]
        for pe, number, reads in product(divisors(rows), banks, READS_OF_A_BANK):
            folding = cls(pe=pe, entries=number * reads, banks=number)
            if folding.lanes(layer) <= most_lanes:
                yield folding

    def activity(self, layer):
        """Weights that are zero take no part; all pixels of an output row share a word of the schedule."""
        rows      = len(layer.node.plane_matrices()[0])
        additions = layer.vectors * int((layer.node.planes != 0).sum())
        return Activity(additions=additions, operands=additions, passes=rows // self.pe, weight_reads=layer.sums.height)

    def lanes(self, layer):
        """For a convolution the pixels of an output row go side by side; a vector is a row of one."""
        return self.pe * self.entries * layer.sums.width
