"""A layer with weights as every engine is given it: what it reads, what leaves it, and the units on either side."""

from dataclasses import dataclass

import numpy as np

from tritforge.errors import UserError
from tritforge.export.ir.nodes import Bias, Convolution, MatrixNode, TensorType, Threshold
from tritforge.export.ir.requantize import Requantize
from tritforge.hw.activation.parallel import BiasUnit
from tritforge.hw.activation.select import ActivationForm, activations, choose
from tritforge.hw.layers.line_window import LineBufferUnit
from tritforge.hw.layers.window import SlidingWindowUnit
from tritforge.hw.matrix.offset_binary import Sums
from tritforge.hw.stream.width_converter import resized
from tritforge.hw.targets.target import Target

__all__ = ["MatrixLayer", "PlanError", "divisors"]


class PlanError(UserError):
    """A plan that cannot be built; the message names the layer, the rule and what would do."""


@dataclass(frozen=True, kw_only=True)
class MatrixLayer:
    """A layer with weights as an engine is given it.

    Parameters
    ----------
    node : the weights.
    behind : thresholds, multipliers or bias that belong to the layer; None where the sums themselves leave it.
    source : the tensor that the layer reads.
    sums : the tensor of the node.
    target : the tensor that leaves: of ``behind``, else ``sums``.
    lanes : lanes that ``source`` comes with; None at the network's input, which takes what the layer wants.
    technology : what the design is built for (tritforge.hw.targets.target.Target).
    """

    node:       MatrixNode
    behind:     Threshold | Requantize | Bias | None
    source:     TensorType
    sums:       TensorType
    target:     TensorType
    lanes:      int | None
    technology: Target

    def __post_init__(self):
        if (proved := self.node.infer(self.source)) != self.sums:
            raise ValueError(f"sums of {self.node.name!r} must be {proved}, as proved for an input of {self.source}, "
                             f"not {self.sums}")

    @property
    def vectors(self):
        """Products of matrix and vector a frame: the pixels of the output."""
        return self.sums.height * self.sums.width

    def windows(self, lanes, *, whole=False, blocks=1):
        """Units that make the vectors of a convolution, one behind the other; none for a dense layer.

        They come in beats of ``lanes`` elements, a divisor of the channels of a block, or, with ``whole`` and one block,
        as a whole window a beat: the last unit's ``o`` says which. With ``blocks`` a pixel's vector is one of the first
        channels of all taps, then of the next, and so on.
        """
        node = self.node
        if not isinstance(node, Convolution):
            return []
        units = resized("lanes", self.source.dtype, self.lanes, lanes, self.source.size)
        if whole and blocks == 1:
            return [*units, LineBufferUnit(name="window", tensor=self.source, kernel=node.kernel, stride=node.stride,
                                       padding=node.padding, dilation=node.dilation)]
        if (node.kernel, node.stride, node.padding) != ((1, 1), (1, 1), (0, 0)):
            return [*units, SlidingWindowUnit(name="window", tensor=self.source, kernel=node.kernel, stride=node.stride,
                                   padding=node.padding, dilation=node.dilation, lanes=lanes, blocks=blocks)]
        return units

    def results(self, sums: Sums, pe, *, order=None, vectors=None, pixels=1, pause=1, form=ActivationForm.AUTO):
        """The unit that makes the results from beats of ``pe`` rows of ``sums``.

        Parameters
        ----------
        sums : of the layer's rows.
        order : the rows in the order in which they come; their own when left open.
        vectors, pixels : see :class:`tritforge.hw.activation.parallel.PerChannelUnit`; the layer's vectors, one at a time, when left open.
        pause : cycles from beat to beat, at least.
        form : of activations; with several pixels they are no search.
        """
        rows   = np.arange(self.sums.channels) if order is None else np.asarray(order)
        ours   = sums.rows(rows)
        common = {"layer": self.node.name, "source": sums.dtype, "target": self.target.dtype, "pe": pe,
                  "vectors": self.vectors if vectors is None else vectors, "pixels": pixels}
        if isinstance(self.behind, (Threshold, Requantize)):
            bounds = [bound[rows] for bound in self.node.row_bounds(self.source.dtype)]
            units  = activations(self.behind, rows, bounds, ours, self.technology, pause, **common)
            if form not in (ActivationForm.AUTO, *units):
                raise self.refuse(f"activation {form.value!r} is for {Requantize.kind}, not for {self.behind.kind} "
                                  f"{self.behind.name!r}")
            return choose(units, form, pause, self.technology)
        values = ours.bias(self.behind.bias[rows] if self.behind is not None else 0)[:, None]
        bits   = 1 + max(int(value).bit_length() for value in values.flat)
        return BiasUnit(name="bias", values=values, value_bits=bits, **common)

    def check_divides(self, parameter, value, total, what):
        """Raise PlanError unless ``value`` of ``parameter`` divides the ``total`` rows, columns or whatever ``what`` says."""
        if total % value:
            listed = ", ".join(map(str, divisors(total)))
            raise self.refuse(f"{parameter} must divide its {total} {what} ({listed}), not {value!r}")

    def refuse(self, rule):
        """A PlanError that names the layer."""
        return PlanError(f"{self.node.name!r}: {rule}")


def divisors(number):
    """Return the divisors of ``number``, ascending."""
    return [divisor for divisor in range(1, number + 1) if number % divisor == 0]
