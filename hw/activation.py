"""Which unit makes the activation codes of a layer: all levels at once, by search, or by multiplication."""

from enum import Enum

from export.correction import corrected_products, corrected_thresholds, largest_sums, threshold_bits
from export.datatype import DataType
from export.ir import MatrixNode, Requantize, Threshold
from hw.requantize import Requantizer
from hw.search import Search
from hw.threshold import Thresholds

__all__ = ["ActivationForm", "activations", "choose"]


class ActivationForm(Enum):
    """How codes are made of sums."""

    AUTO = "auto"
    """What is estimated to need the fewest LUTs and takes no longer than the next beat of sums."""

    PARALLEL = "parallel"
    """All levels at once (hw.threshold)."""

    SEARCH = "search"
    """A bit of the code a cycle."""

    MULTIPLY = "multiply"
    """A bit of the multiplier a cycle (hw.requantize), for layers that have one (export.ir.Requantize)."""


def activations(node: MatrixNode, matrix, behind: Threshold | Requantize, elements: DataType, **common):
    """Every unit that makes the codes of ``behind``, by its form.

    Parameters
    ----------
    node : the layer with the weights, after which ``behind`` comes.
    matrix : int8 [M, K], the rows that the engine sums up (export.correction).
    elements : type of the layer's input.
    common : ``layer``, ``source``, ``target``, ``pe`` and ``vectors`` of the units.
    """
    units  = {}
    levels = behind.thresholds
    if isinstance(behind, Requantize):
        levels = behind.thresholds(*node.row_bounds(elements))
        units[ActivationForm.MULTIPLY] = Requantizer(
            name="requantize", values=corrected_products(behind.multiplier, behind.bias, matrix, elements), shift=behind.shift,
            **common)
    values = corrected_thresholds(levels, matrix, elements)
    common = {**common, "values": values, "value_bits": threshold_bits(values, matrix, elements)}
    units[ActivationForm.PARALLEL] = Thresholds(name="thresholds", **common)
    units[ActivationForm.SEARCH]   = Search(name="search", never=largest_sums(matrix, elements) + 1, **common)
    return units


def choose(units, form, pause):
    """The unit for ``form``; for AUTO the cheapest of those whose cycles from beat to beat are no more than ``pause``.

    Parameters
    ----------
    units : as :func:`activations` gives them.
    pause : cycles from beat to beat of sums.

    Raises
    ------
    KeyError : the layer has no multiplier.
    """
    if form is not ActivationForm.AUTO:
        return units[form]
    hidden = [unit for unit in units.values() if unit.interval_cycles <= pause * unit.frame_beats]
    return min(hidden, key=lambda unit: unit.luts)
