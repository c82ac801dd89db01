"""Lower a trained torch model to the integer contract, the one place where floats become integers.

The model that is lowered is ``tritforge.quant.evaluate.exact(model)``: float64, in evaluation. Any
``forward`` will do whose operations are supported; branches may part wherever the values are codes,
and meet in a sum of two whose codes count one step. Each matrix layer brings its trits from its
ternarization method. What follows up to the next quantizer (bias, batch norm, ReLU, the quantizer
itself) is never rewritten (``tritforge.export.lowering.segment``).

Two things move on the way. A channel whose codes fall when its accumulator rises gets its weights
negated, so that every comparison is ``>=``. A max pool before a quantizer moves after it, where it
acts on codes; the two commute only while nothing falls, and that is checked.

An average pool becomes a sum. Its division by a power of two belongs to the step of the codes; any
other quotient is rounded by float64, so a quantizer must follow, whose thresholds know that
rounding.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from tritforge.export.ir.nodes import INPUT, ArgMax, Network, Node, TensorType
from tritforge.export.lowering.graph import LoweringError, Step, read_steps
from tritforge.export.lowering.layers import scores
from tritforge.export.lowering.segment import Codes, Segment, Value, type_of
from tritforge.export.lowering.supported import handler_of
from tritforge.quant.activation import Quantizer
from tritforge.quant.evaluate import exact
from tritforge.quant.tracing import trace
from tritforge.types import IntArray

__all__ = ["Lowered", "Lowering", "LoweringError", "lower"]


@dataclass(frozen=True)
class Lowered:
    """A network in integers, and where its integers come from.

    Parameters
    ----------
    network: the integer form.
    sources: for each tensor that ``tritforge.quant.evaluate.integer_activations`` knows, by the
        tensor's name, the path of the torch module whose integers it must equal ([N, C, H, W]
        there, [N, H, W, C] here).
    input_step: a real input is ``input_step`` times the integer.
    scales: for each tensor that represents a real one, the real value of the integer 1.
    """

    network: Network
    sources: dict[str, str]
    input_step: float
    scales: dict[str, float]

    def codes(self, values: npt.ArrayLike) -> IntArray:
        """Return real inputs as the integers that the hardware takes.

        Parameters
        ----------
        values: numbers [N, C, H, W] or [N, K], as the torch model takes them.

        Returns
        -------
        floor(value / input_step + 1/2), clamped to the input type, int64 [N, H, W, C].
        """
        array = np.asarray(values, dtype=np.float64)
        array = array.reshape(len(array), -1, *(array.shape[2:] or (1, 1)))  # [N, C, H, W]
        dtype = self.network.input.dtype
        clamped = np.clip(array / self.input_step, dtype.minimum, dtype.maximum)
        rounded = np.floor(clamped + 0.5).astype(np.int64)
        return np.ascontiguousarray(rounded.transpose(0, 2, 3, 1))


def lower(
    model: nn.Module, input_shape: tuple[int, ...], *, name: str, argmax: bool = True
) -> Lowered:
    """Lower a trained ternary model.

    Parameters
    ----------
    model: a model that ``quant.ternarize`` made ternary; it is not changed.
    input_shape: of one sample, (C, H, W) or (K,).
    name: of the network, an identifier.
    argmax: whether the network ends with the index of the largest score even if the model does not.

    Returns
    -------
    The network and its correspondence to the model. Nodes are called like the modules they come
    from, with "_" for ".", a bias "<layer>_bias".

    Raises
    ------
    LoweringError: naming the module that cannot be lowered and what would be accepted.
    """
    if len(input_shape) not in (1, 3):
        raise LoweringError(f"input_shape must be (C, H, W) or (K,), not {input_shape!r}")
    model64 = exact(model)
    try:
        steps = read_steps(model64, trace(model64))
        with torch.no_grad():
            return _lower_steps(steps, input_shape, name, argmax)
    except LoweringError:
        raise
    except ValueError as error:  # of the graph or the contract: it names its module or node itself
        raise LoweringError(str(error)) from error


def _lower_steps(
    steps: list[Step], input_shape: tuple[int, ...], name: str, argmax: bool
) -> Lowered:
    called: set[str | None] = set()
    for step in steps:
        handler = handler_of(step.module)
        if handler is not None and handler.once and step.path in called:
            raise step.refuse("is called twice: give each place a module of its own")
        called.add(step.path)
    lowering = Lowering(input_shape)
    for step in steps:
        lowering.take(step)
    return lowering.finish(name, argmax)


class Lowering:
    """Walks the steps, and collects nodes and what each step gives."""

    def __init__(self, input_shape: tuple[int, ...]) -> None:
        self._shape = input_shape
        self._input: Codes | None = None
        self._values: list[Value | None] = []  # of each step; None is the model's input itself
        self.nodes: dict[str, Node] = {}
        self._types: dict[str, TensorType] = {}
        self._names = {INPUT}
        self.sources: dict[str, str] = {}
        self._scales: dict[str, float] = {}
        self.ends_with_argmax = False

    def take(self, step: Step) -> None:
        """Lower one step.

        Raises
        ------
        LoweringError: the step is not supported, or not on this input or after an argmax.
        """
        given = [None if index < 0 else self._values[index] for index in step.inputs]
        value: Value | None
        if self.ends_with_argmax:
            raise step.refuse("must come before the argmax")
        handler = handler_of(step.module)
        if None in given and not (handler is not None and handler.anywhere):
            value = self._enter(step)
        elif handler is None:
            raise step.unsupported()
        else:
            value = handler.call(self, step, *given)
        if isinstance(value, Segment) and step.uses > 1:
            raise step.refuse(
                f"its result is used {step.uses} times: put a quantizer before the branches part"
            )
        self._values.append(value)

    def finish(self, name: str, argmax: bool) -> Lowered:
        """Close the last layer and return the lowered network.

        Raises
        ------
        LoweringError: the model computes nothing, or its last layer is not closed by scores.
        """
        last = self._values[-1] if self._values else None
        if last is None or self._input is None:
            raise LoweringError("the model computes nothing")
        result = scores(self, last) if isinstance(last, Segment) else last
        if argmax or self.ends_with_argmax:
            self.emit(ArgMax(name=self.name("argmax"), input=result.tensor))
        network = Network(name, self._input.type, tuple(self._read()))
        return Lowered(network, self.sources, self._scales[INPUT], self._scales)

    def _read(self) -> list[Node]:
        """The nodes without those that others have replaced, which nobody reads."""
        last = next(reversed(self.nodes), None)
        read, kept = {last}, []
        for node in reversed(self.nodes.values()):
            if node.name in read:
                read.update(node.inputs)
                kept.append(node)
            else:
                del self._scales[node.name]
        return kept[::-1]

    def _enter(self, step: Step) -> Codes:
        """The quantizer of the model's input."""
        if not isinstance(step.module, Quantizer):
            raise step.refuse("the model's input must go straight into an UnsignedQuantizer")
        if self._input is not None:
            raise step.refuse(
                f"the model's input goes into {self._input.where} already: use its result"
            )
        flat = len(self._shape) == 1
        channels, height, width = (*self._shape, 1, 1) if flat else self._shape
        kind = TensorType(height, width, channels, type_of(step.module))
        scale = float(step.module.effective_step())
        self._types[INPUT] = kind
        self._input = Codes(tensor=INPUT, type=kind, step=scale, where=step.where, flat=flat)
        self.sources[INPUT] = step.path or ""
        self._scales[INPUT] = scale
        return self._input

    def opened(self, step: Step, value: Value) -> Segment:
        """The segment that ``value`` is, or that begins at its codes.

        Raises
        ------
        LoweringError: ``value`` is a flattened image, whose elements have changed their order.
        """
        if isinstance(value, Segment):
            return value
        if value.flattened is not None:
            raise step.refuse(
                "must stand before the flatten, which changes the order of the elements"
            )
        unit = torch.full((value.type.channels,), value.step, dtype=torch.float64)
        bias = torch.zeros_like(unit)
        return Segment(first=step, source=value, node=None, unit=unit, bias=bias, flat=value.flat)

    def codes(
        self,
        step: Step,
        node: Node,
        scale: float,
        flat: bool,
        flattened: tuple[int, int, int] | None = None,
    ) -> Codes:
        """Append a node whose integers represent real values, ``scale`` times the integer."""
        tensor = self.emit(node)
        self._scales[tensor] = scale
        return Codes(
            tensor=tensor,
            type=self._types[tensor],
            step=scale,
            where=step.where,
            flat=flat,
            flattened=flattened,
        )

    def emit(self, node: Node) -> str:
        """Append a node; return the name of its tensor."""
        self._types[node.name] = node.infer(*(self._types[name] for name in node.inputs))
        self.nodes[node.name] = node
        return node.name

    def name(self, wish: str) -> str:
        """Reserve and return an identifier like ``wish`` that no tensor has yet."""
        plain = re.sub(r"\W", "_", wish, flags=re.ASCII)  # Verilog knows no other letters
        base = plain if plain.isidentifier() else f"layer_{plain}"
        name, number = base, 1
        while name in self._names:
            number += 1
            name = f"{base}_{number}"
        self._names.add(name)
        return name
