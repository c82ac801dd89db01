"""Which unit makes the activation codes of a layer: all levels at once, by search, or by multiplication."""

from dataclasses import replace
from enum import Enum

from tritforge.export.ir.nodes import Threshold
from tritforge.export.ir.requantize import Requantize
from tritforge.hw.activation.binary_search import BinarySearchUnit
from tritforge.hw.activation.cost import planned_luts
from tritforge.hw.activation.parallel import ParallelThresholdsUnit
from tritforge.hw.activation.serial_multiply import SerialMultiplierUnit
from tritforge.hw.activation.time_shared import time_shared
from tritforge.hw.matrix.offset_binary import Sums

__all__ = ["ActivationForm", "activations", "choose"]


class ActivationForm(Enum):
    """How codes are made of sums."""

    AUTO = "auto"
    """What is estimated to need the fewest LUTs and takes no longer than the next beat of sums."""

    PARALLEL = "parallel"
    """All levels at once (tritforge.hw.activation.parallel), of several pixels some at a time where that is hidden (tritforge.hw.activation.time_shared)."""

    SEARCH = "search"
    """A bit of the code a cycle."""

    MULTIPLY = "multiply"
    """A bit of the multiplier a cycle (tritforge.hw.activation.serial_multiply), for layers that have one (tritforge.export.ir.nodes.Requantize)."""


def activations(behind: Threshold | Requantize, rows, bounds, sums: Sums, technology, pause=1, **common):
    """Every unit that makes the codes of ``behind``, by its form.

    Parameters
    ----------
    rows : int64 [M], the channels in the order in which they come.
    bounds : smallest and largest y of each of these rows.
    sums : their sums.
    technology : what the design is built for (tritforge.hw.targets.target.Target).
    pause : cycles from beat to beat of sums, at least.
    common : ``layer``, ``source``, ``target``, ``pe``, ``vectors`` and ``pixels`` of the units.
    """
    units = {}
    if isinstance(behind, Requantize):
        multiplier, bias = behind.multiplier[rows], behind.bias[rows]
        levels = replace(behind, multiplier=multiplier, bias=bias).thresholds(*bounds)
        units[ActivationForm.MULTIPLY] = SerialMultiplierUnit(
            name="requantize", values=sums.products(multiplier, bias), shift=behind.shift, **common)
    else:
        levels = behind.thresholds[rows]
    values = sums.thresholds(levels)
    bits   = max(sums.dtype.bits, int(values.max()).bit_length())
    common = {**common, "values": values, "value_bits": bits}
    units[ActivationForm.PARALLEL] = parallel = ParallelThresholdsUnit(name="thresholds", **common)
    units[ActivationForm.SEARCH]   = BinarySearchUnit(name="search", never=sums.largest + 1, **common)
    if common["pixels"] > 1:
        return {ActivationForm.PARALLEL: min([parallel, *time_shared(pause, **common)], key=lambda unit: planned_luts(unit, technology))}
    return units


def choose(units, form, pause, technology):
    """The unit for ``form``; for AUTO the cheapest of those whose cycles from beat to beat are no more than ``pause``.

    Parameters
    ----------
    units : as :func:`activations` gives them.
    pause : cycles from beat to beat of sums.
    technology : what the design is built for.

    Raises
    ------
    KeyError : the layer has no multiplier.
    """
    if form is not ActivationForm.AUTO:
        return units[form]
    hidden = [unit for unit in units.values() if unit.interval_cycles <= pause * unit.frame_beats]
    return min(hidden, key=lambda unit: planned_luts(unit, technology))
