"""A matrix layer as the engines see it: its tensors, im2col units and result unit."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tritforge.errors import UserError
from tritforge.export.ir.nodes import Bias, Convolution, MatrixNode, TensorType, Threshold
from tritforge.export.ir.requantize import Requantize
from tritforge.hw.activation.parallel import BiasUnit, PerChannelUnit
from tritforge.hw.activation.select import ActivationForm, activations, choose
from tritforge.hw.layers.line_window import LineBufferUnit
from tritforge.hw.layers.window import SlidingWindowUnit
from tritforge.hw.matrix.offset_binary import Sums
from tritforge.hw.stream.unit import Unit
from tritforge.hw.stream.width_converter import resized
from tritforge.hw.targets.target import Target

__all__ = ["MatrixLayer", "PlanError", "divisors"]


class PlanError(UserError):
    """A plan that cannot be built; the message names the layer, the rule and the remedy."""


@dataclass(frozen=True, kw_only=True)
class MatrixLayer:
    """A matrix layer as an engine sees it.

    Parameters
    ----------
    node : the weights.
    epilogue : thresholds, requantization or bias of the layer; None if the sums themselves leave
        it.
    source : tensor that the layer reads.
    sums : tensor of ``node``.
    target : output tensor: that of ``epilogue``, else ``sums``.
    lanes : lanes of the input stream; None at the network's input, which takes the lanes of the
        layer.
    technology : target of the design (tritforge.hw.targets.target.Target).

    Raises
    ------
    ValueError : ``sums`` is not the type that ``node`` proves for ``source``.
    PlanError : some window of a convolution lies in the padding alone.
    """

    node:       MatrixNode
    epilogue:   Threshold | Requantize | Bias | None
    source:     TensorType
    sums:       TensorType
    target:     TensorType
    lanes:      int | None
    technology: Target

    def __post_init__(self) -> None:
        if (proved := self.node.infer(self.source)) != self.sums:
            raise ValueError(
                f"sums of {self.node.name!r} must be {proved}, as proved for an input of "
                f"{self.source}, not {self.sums}"
            )
        node = self.node
        if isinstance(node, Convolution) and any(map(operator.ge, node.padding, node.extent)):
            raise self.refuse(
                f"padding must be smaller than the kernel's extent {node.extent!r}, not "
                f"{node.padding!r}"
            )

    @property
    def vectors(self) -> int:
        """Matrix-vector products per frame: the output pixels."""
        return self.sums.height * self.sums.width

    def windows(self, lanes: int, *, whole: bool = False, blocks: int = 1) -> list[Unit]:
        """Return the im2col units of a convolution, in series; none for a dense layer.

        Parameters
        ----------
        lanes : channels per beat; divides the channels of a block.
        whole : with one block, use a line buffer, whose beat is a whole window of
            kernel height * width * channels elements.
        blocks : equal parts of the channels; a pixel has one vector per block, in sequence.
        """
        node = self.node
        if not isinstance(node, Convolution):
            return []
        units = resized("lanes", self.source.dtype, self.lanes, lanes, self.source.size)
        common: dict[str, Any] = {
            "name": "window",
            "tensor": self.source,
            "kernel": node.kernel,
            "stride": node.stride,
            "padding": node.padding,
            "dilation": node.dilation,
        }
        if whole and blocks == 1:
            return [*units, LineBufferUnit(**common)]
        if (node.kernel, node.stride, node.padding) != ((1, 1), (1, 1), (0, 0)):
            return [*units, SlidingWindowUnit(lanes=lanes, blocks=blocks, **common)]
        return units

    def results(
        self,
        sums: Sums,
        pe: int,
        *,
        order: npt.ArrayLike | None = None,
        vectors: int | None = None,
        pixels: int = 1,
        pause: int = 1,
        form: ActivationForm = ActivationForm.AUTO,
    ) -> PerChannelUnit:
        """Return the unit that computes the results from beats of ``pe`` rows of ``sums``.

        Parameters
        ----------
        sums : offset binary sums of the layer's rows.
        order : the rows in the order of the stream; None for their own.
        vectors, pixels : as of :class:`tritforge.hw.activation.parallel.PerChannelUnit`; None for
            the layer's vectors, one at a time.
        pause : cycles between beats, at least.
        form : of activations; several pixels exclude binary search.

        Raises
        ------
        PlanError : the layer has no unit of this ``form``.
        """
        rows   = np.arange(self.sums.channels) if order is None else np.asarray(order)
        ours   = sums.rows(rows)
        common: dict[str, Any] = {
            "layer": self.node.name,
            "source": sums.dtype,
            "target": self.target.dtype,
            "pe": pe,
            "vectors": self.vectors if vectors is None else vectors,
            "pixels": pixels,
        }
        if isinstance(self.epilogue, (Threshold, Requantize)):
            bounds = [bound[rows] for bound in self.node.row_bounds(self.source.dtype)]
            units  = activations(
                self.epilogue, rows, bounds, ours, self.technology, pause, **common
            )
            if form not in (ActivationForm.AUTO, *units):
                raise self.refuse(
                    f"activation {form.value!r} is for {Requantize.kind}, not for "
                    f"{self.epilogue.kind} {self.epilogue.name!r}"
                )
            return choose(units, form, pause, self.technology)
        values = ours.bias(self.epilogue.bias[rows] if self.epilogue is not None else 0)[:, None]
        bits   = 1 + max(int(value).bit_length() for value in values.flat)
        return BiasUnit(name="bias", values=values, value_bits=bits, **common)

    def check_divides(self, parameter: str, value: int, total: int, what: str) -> None:
        """Raise PlanError unless ``value`` of ``parameter`` divides ``total`` (of ``what``)."""
        if total % value:
            listed = ", ".join(map(str, divisors(total)))
            raise self.refuse(
                f"{parameter} must divide its {total} {what} ({listed}), not {value!r}"
            )

    def refuse(self, rule: str) -> PlanError:
        """Return a PlanError that names the layer."""
        return PlanError(f"{self.node.name!r}: {rule}")


def divisors(number: int) -> list[int]:
    """Return the divisors of ``number``, ascending."""
    return [divisor for divisor in range(1, number + 1) if number % divisor == 0]
