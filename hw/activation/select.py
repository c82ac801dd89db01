"""Choice of a layer's activation unit: parallel, binary search or multiplication."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum
from typing import Any

from tritforge.export.ir.nodes import Threshold
from tritforge.export.ir.requantize import Requantize
from tritforge.hw.activation.binary_search import BinarySearchUnit
from tritforge.hw.activation.cost import planned_luts
from tritforge.hw.activation.parallel import ParallelThresholdsUnit, PerChannelUnit
from tritforge.hw.activation.serial_multiply import SerialMultiplierUnit
from tritforge.hw.activation.time_shared import time_shared
from tritforge.hw.matrix.offset_binary import Sums
from tritforge.hw.targets.target import Target
from tritforge.types import IntArray

__all__ = ["ActivationForm", "activations", "choose"]


class ActivationForm(Enum):
    """How activation codes are computed from sums."""

    AUTO = "auto"
    """The form with the fewest estimated LUTs that does not lower the throughput."""

    PARALLEL = "parallel"
    """One comparator per level (tritforge.hw.activation.parallel).

    With several pixels the comparators may be time-multiplexed, if the interval of the sums allows
    it (tritforge.hw.activation.time_shared).
    """

    SEARCH = "search"
    """Binary search: one bit of the code per cycle (tritforge.hw.activation.binary_search)."""

    MULTIPLY = "multiply"
    """Serial multiplication, one bit of the multiplier per cycle, for layers with a Requantize
    (tritforge.hw.activation.serial_multiply).
    """


def activations(
    epilogue: Threshold | Requantize,
    rows: IntArray,
    bounds: Sequence[IntArray],
    sums: Sums,
    technology: Target,
    pause: int = 1,
    **common: Any,
) -> dict[ActivationForm, PerChannelUnit]:
    """Return the candidate units of ``epilogue``, by form.

    Parameters
    ----------
    rows : int64 [M], the channels in the order of the stream.
    bounds : smallest and largest y of each of them.
    sums : their offset binary sums.
    technology : target of the design.
    pause : cycles between beats of sums, at least.
    common : ``layer``, ``source``, ``target``, ``pe``, ``vectors`` and ``pixels`` of the units.
    """
    units: dict[ActivationForm, PerChannelUnit] = {}
    if isinstance(epilogue, Requantize):
        multiplier, bias = epilogue.multiplier[rows], epilogue.bias[rows]
        levels = replace(epilogue, multiplier=multiplier, bias=bias).thresholds(*bounds)
        units[ActivationForm.MULTIPLY] = SerialMultiplierUnit(
            name="requantize",
            values=sums.products(multiplier, bias),
            shift=epilogue.shift,
            **common,
        )
    else:
        levels = epilogue.thresholds[rows]
    values = sums.thresholds(levels)
    bits   = max(sums.dtype.bits, int(values.max()).bit_length())
    common = {**common, "values": values, "value_bits": bits}
    units[ActivationForm.PARALLEL] = parallel = ParallelThresholdsUnit(name="thresholds", **common)
    units[ActivationForm.SEARCH] = BinarySearchUnit(name="search", never=sums.largest + 1, **common)
    if common["pixels"] > 1:
        return {
            ActivationForm.PARALLEL: min(
                [parallel, *time_shared(pause, **common)],
                key=lambda unit: planned_luts(unit, technology),
            )
        }
    return units


def choose(
    units: Mapping[ActivationForm, PerChannelUnit],
    form: ActivationForm,
    pause: int,
    technology: Target,
) -> PerChannelUnit:
    """Return the unit of ``form``.

    AUTO is the unit with the fewest LUTs whose initiation interval is at most ``pause`` cycles per
    beat.

    Parameters
    ----------
    units : as :func:`activations` returns them.
    pause : cycles between beats of sums.
    technology : target of the design.

    Raises
    ------
    KeyError : the layer has no multiplier.
    """
    if form is not ActivationForm.AUTO:
        return units[form]
    hidden = [unit for unit in units.values() if unit.interval_cycles <= pause * unit.frame_beats]
    return min(hidden, key=lambda unit: planned_luts(unit, technology))
