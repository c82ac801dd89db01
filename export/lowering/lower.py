"""From a trained torch model to integers: the one place where floats turn into the contract of ``tritforge.export.ir.nodes``.

The model that is lowered is ``tritforge.quant.evaluate.exact(model)``: float64, in evaluation. Any ``forward`` will
do whose operations are supported; branches may part wherever the values are codes, and meet in a sum of two
whose codes count one step. Each matrix layer brings its trits from its ternarization method. What follows up
to the next quantizer (bias, batch norm, ReLU, the quantizer itself) is never rewritten (``tritforge.export.lowering.segment``).

Two things move on the way. A channel whose codes fall when its accumulator rises gets its weights negated, so
that every comparison is ``>=``. A max pool before a quantizer moves behind it, where it acts on codes; the
two commute only while nothing falls, and that is checked.

An average pool becomes a sum. Its division by a power of two belongs to the step of the codes; any other
quotient is rounded by float64, so a quantizer must follow, whose thresholds know that rounding.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from tritforge.export.ir.nodes import (
    INPUT,
    ArgMax,
    Bias,
    Convolution,
    Dense,
    Flatten,
    MaxPool,
    Network,
    Node,
    TensorType,
    Threshold,
    Trits,
)
from tritforge.export.ir.pools import SumPool
from tritforge.export.ir.requantize import Requantize, fit
from tritforge.export.ir.residual import Add, Shortcut
from tritforge.export.lowering.exactness import check_sums, multiples, product
from tritforge.export.lowering.geometry import (
    check_image,
    check_max_pool,
    geometry,
    pair,
    permuted,
    window,
)
from tritforge.export.lowering.graph import (
    ChannelPad,
    ClassArgMax,
    LoweringError,
    Step,
    Subsample,
    Sum,
    read_steps,
)
from tritforge.export.lowering.segment import Codes, Segment, check_exact, located, type_of
from tritforge.export.lowering.supported import SUPPORTED
from tritforge.quant.activation import Quantizer
from tritforge.quant.apply import ternarizer_of
from tritforge.quant.evaluate import exact
from tritforge.quant.pooling import GlobalPool, ImageMean, divisor
from tritforge.quant.tracing import trace
from tritforge.types import IntArray

__all__ = ["SUPPORTED", "Lowered", "LoweringError", "lower"]

_IGNORED = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
_AVERAGES = (GlobalPool, ImageMean, nn.AvgPool2d, nn.AdaptiveAvgPool2d)
_ONCE = (nn.Conv2d, nn.Linear, Quantizer)

_THRESHOLD_BITS = 4
"""Codes of more bits are made by multiplication where that gives exactly the same (``tritforge.export.ir.requantize``)."""

_Value = Codes | Segment


@dataclass(frozen=True)
class Lowered:
    """A network in integers, and where its integers come from.

    Parameters
    ----------
    network: the integer form.
    sources: for each tensor that ``tritforge.quant.evaluate.integer_activations`` knows, by the tensor's name, the path
        of the torch module whose integers it must equal ([N, C, H, W] there, [N, H, W, C] here).
    input_step: a real input is ``input_step`` times the integer.
    scales: for each tensor that stands for a real one, the real value of 1.
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
    The network and its correspondence to the model. Nodes are called like the modules they come from, with
    "_" for ".", a bias "<layer>_bias".

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
        if isinstance(step.module, _ONCE) and step.path in called:
            raise step.refuse("is called twice: give each place a module of its own")
        called.add(step.path)
    lowering = _Lowering(input_shape)
    for step in steps:
        lowering.take(step)
    return lowering.finish(name, argmax)


class _Lowering:
    """Walks the steps, and collects nodes and what each step gives."""

    def __init__(self, input_shape: tuple[int, ...]) -> None:
        self._shape = input_shape
        self._input: Codes | None = None
        self._values: list[_Value | None] = []  # of each step; None is the model's input itself
        self._nodes: dict[str, Node] = {}
        self._types: dict[str, TensorType] = {}
        self._names = {INPUT}
        self._sources: dict[str, str] = {}
        self._scales: dict[str, float] = {}
        self._argmax = False

    def take(self, step: Step) -> None:
        """Lower one step."""
        given = [None if index < 0 else self._values[index] for index in step.inputs]
        value: _Value | None
        if self._argmax:
            raise step.refuse("must come before the argmax")
        if isinstance(step.module, _IGNORED):
            value = given[0]
        elif isinstance(step.module, ClassArgMax):
            value, self._argmax = given[0], True
        else:
            values = [part for part in given if part is not None]
            if len(values) < len(given):
                value = self._enter(step)
            elif isinstance(step.module, Sum):
                value = self._add(step, values)
            else:
                value = self._lower(step, values[0])
        if isinstance(value, Segment) and step.uses > 1:
            raise step.refuse(
                f"its result is used {step.uses} times: put a quantizer before the branches part"
            )
        self._values.append(value)

    def finish(self, name: str, argmax: bool) -> Lowered:
        """Close the last layer and return the whole."""
        last = self._values[-1] if self._values else None
        if last is None or self._input is None:
            raise LoweringError("the model computes nothing")
        result = self._scores(last) if isinstance(last, Segment) else last
        if argmax or self._argmax:
            self._emit(ArgMax(name=self._name("argmax"), input=result.tensor))
        network = Network(name, self._input.type, tuple(self._read()))
        return Lowered(network, self._sources, self._scales[INPUT], self._scales)

    def _read(self) -> list[Node]:
        """The nodes without those that others have replaced, which nobody reads."""
        last = next(reversed(self._nodes), None)
        read, kept = {last}, []
        for node in reversed(self._nodes.values()):
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
        self._sources[INPUT] = step.path or ""
        self._scales[INPUT] = scale
        return self._input

    def _lower(self, step: Step, value: _Value) -> _Value:
        """Lower a step that reads one value."""
        module = step.module
        if isinstance(module, Quantizer):
            return self._quantize(step, module, self._opened(step, value))
        if isinstance(module, (nn.ReLU, *_NORMS)):
            if isinstance(module, _NORMS) and not module.track_running_stats:
                raise step.refuse(
                    "must keep running statistics: those of a batch are no function of one sample"
                )
            if (
                isinstance(module, nn.ReLU)
                and isinstance(value, Codes)
                and not value.type.dtype.signed
            ):
                return value  # codes that are never negative: nothing to do
            return self._opened(step, value).then(step)
        if isinstance(module, nn.MaxPool2d):
            check_max_pool(step, module, value)
            return value.then(step) if isinstance(value, Segment) else self._max_pool(step, value)
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            return self._matrix(step, module, _codes(step, value))
        if isinstance(module, nn.Flatten):
            return self._flatten(step, module, _codes(step, value))
        if isinstance(module, _AVERAGES):
            return self._average(step, module, _codes(step, value))
        if isinstance(module, (Subsample, ChannelPad)):
            return self._shortcut(step, module, _codes(step, value))
        raise step.unsupported()

    def _opened(self, step: Step, value: _Value) -> Segment:
        """The stretch that ``value`` is, or that begins at its codes."""
        if isinstance(value, Segment):
            return value
        if value.flattened is not None:
            raise step.refuse(
                "must stand before the flatten, which changes the order of the elements"
            )
        unit = torch.full((value.type.channels,), value.step, dtype=torch.float64)
        bias = torch.zeros_like(unit)
        return Segment(first=step, source=value, node=None, unit=unit, bias=bias, flat=value.flat)

    def _matrix(self, step: Step, module: nn.Conv2d | nn.Linear, value: Codes) -> Segment:
        """Begin a matrix layer; the next quantizer, or the end of the model, closes it."""
        ternarizer, latent = located(step, lambda: ternarizer_of(module))
        parts = located(step, lambda: ternarizer.decompose(latent))
        if not torch.equal(parts.weight(), module.weight):
            raise step.refuse(
                "its planes do not rebuild its weight: the ternarization method is at fault"
            )
        options: dict[str, Any] = {}
        planes: Trits = parts.planes.numpy()
        if isinstance(module, nn.Conv2d):
            options = geometry(step, module, value)
        else:
            planes = permuted(step, planes, value)
        kind = Convolution if isinstance(module, nn.Conv2d) else Dense
        node = kind(
            name=self._name(step.name),
            input=value.tensor,
            planes=planes,
            coefficients=parts.coefficients,
            **options,
        )
        node.infer(value.type)  # refuses a wrong shape before anything is computed
        rows, dtype = planes.shape[1], value.type.dtype
        units = located(step, lambda: product(parts.scale.expand(rows).tolist(), value.step))
        bias = torch.zeros(rows, dtype=torch.float64) if module.bias is None else module.bias
        located(step, lambda: check_sums(node.matrix(), dtype, units, bias.tolist()))
        unit = torch.tensor(units, dtype=torch.float64)
        return Segment(first=step, source=value, node=node, unit=unit, bias=bias, flat=value.flat)

    def _quantize(self, step: Step, quantizer: Quantizer, stretch: Segment) -> Codes:
        """Close a stretch: its layer, the thresholds of all up to ``quantizer``, then the pools."""
        node, thresholds, bounds = stretch.thresholds(step, quantizer)
        scale, output = float(quantizer.effective_step()), type_of(quantizer)
        tensor = self._emit(node) if node is not None else stretch.source.tensor
        name = self._name(step.name)
        constants = fit(thresholds, *bounds, output) if output.bits > _THRESHOLD_BITS else None
        activation = (
            Threshold(name=name, input=tensor, thresholds=thresholds, output=output)
            if constants is None
            else Requantize(name=name, input=tensor, output=output, **vars(constants))
        )
        codes = self._codes(step, activation, scale, stretch.flat)
        for index in stretch.pools():
            codes = self._max_pool(stretch.steps[index], codes)
        self._sources[codes.tensor] = step.path or ""
        return codes

    def _scores(self, stretch: Segment) -> Codes:
        """Close the last layer as scores: integers with an integer bias, nothing else."""
        step, node, unit = stretch.first, stretch.node, float(stretch.unit[0])
        if stretch.average is not None:
            raise _inexact(stretch)
        if node is None:
            raise stretch.steps[0].refuse("must have an UnsignedQuantizer after it")
        if stretch.steps:
            raise stretch.steps[0].refuse(
                f"must have an UnsignedQuantizer after it: the scores of {stretch.where} allow a bias alone"
            )
        if not bool((stretch.unit == unit).all()):
            raise step.refuse("scores must have one scale for all channels")
        codes = self._codes(step, node, unit, stretch.flat)
        if step.module.bias is not None:
            bias = located(step, lambda: multiples(stretch.bias.tolist(), unit))
            added = Bias(name=self._name(f"{node.name}_bias"), input=node.name, bias=bias)
            codes = self._codes(step, added, unit, stretch.flat)
        self._sources[codes.tensor] = step.path or ""
        return codes

    def _add(self, step: Step, values: Sequence[_Value]) -> Codes:
        """The sum of two branches, whose codes must count one step."""
        for value in values:
            if isinstance(value, Segment):
                raise step.refuse(
                    f"its branch from {value.where} must end in a quantizer before the sum"
                )
        left, right = (value for value in values if isinstance(value, Codes))
        between = f"its branches {left.where} and {right.where} must have one"
        if (left.type.shape, left.flattened) != (right.type.shape, right.flattened):
            raise step.refuse(f"{between} shape, not {left.type} and {right.type}")
        if left.step != right.step:
            raise step.refuse(
                f"{between} step, not {left.step!r} and {right.step!r}: "
                "make one SignedQuantizer with shared= the other"
            )
        node = Add(name=self._name(step.name), input=left.tensor, other=right.tensor)
        check_exact(step, node.infer(left.type, right.type).dtype, 1, left.step)
        return self._codes(step, node, left.step, left.flat, left.flattened)

    def _shortcut(self, step: Step, module: Subsample | ChannelPad, value: Codes) -> Codes:
        """Pixels left out, or channels of 0 added; what follows each other is one node."""
        check_image(step, value)
        stride = module.stride if isinstance(module, Subsample) else (1, 1)
        before, after = (module.before, module.after) if isinstance(module, ChannelPad) else (0, 0)
        source, last = value.tensor, self._nodes.get(value.tensor)
        if isinstance(last, Shortcut) and isinstance(module, ChannelPad):
            source, stride = last.input, last.stride
            before, after = before + last.before, after + last.after
        node = Shortcut(
            name=self._name(step.name), input=source, stride=stride, before=before, after=after
        )
        return self._codes(step, node, value.step, flat=False)

    def _average(self, step: Step, module: nn.Module, value: Codes) -> _Value:
        """An average pool as a sum; where its division is no power of two a quantizer must follow."""
        check_image(step, value)
        height, width = value.type.shape[:2]
        size, stride, padding = window(step, module, height, width)
        node = SumPool(
            name=self._name(step.name),
            input=value.tensor,
            size=size,
            stride=stride,
            padding=padding,
        )
        check_exact(step, value.type.dtype, size[0] * size[1], value.step)
        flat = isinstance(module, (GlobalPool, ImageMean))
        by = divisor(module, height, width)
        codes = self._codes(step, node, value.step / by, flat)
        if by & (by - 1) == 0:
            return codes
        stretch = replace(self._opened(step, codes), average=(module, height, width))
        return replace(stretch, unit=torch.full_like(stretch.unit, value.step))

    def _max_pool(self, step: Step, value: Codes) -> Codes:
        module = step.module
        assert isinstance(module, nn.MaxPool2d)
        node = MaxPool(
            name=self._name(step.name),
            input=value.tensor,
            size=pair(module.kernel_size),
            stride=pair(module.stride),
            padding=pair(module.padding),
        )
        return self._codes(step, node, value.step, flat=False)

    def _flatten(self, step: Step, module: nn.Flatten, value: Codes) -> Codes:
        if module.start_dim != 1 or module.end_dim not in (-1, 1 if value.flat else 3):
            raise step.refuse("must flatten all but the batch: start_dim=1, end_dim=-1")
        if value.flat:
            return value
        node = Flatten(name=self._name(step.name), input=value.tensor)
        pixels = value.type.height * value.type.width
        flattened = value.type.shape if pixels > 1 else None
        return self._codes(step, node, value.step, flat=True, flattened=flattened)

    def _codes(
        self,
        step: Step,
        node: Node,
        scale: float,
        flat: bool,
        flattened: tuple[int, int, int] | None = None,
    ) -> Codes:
        """Append a node whose integers stand for a real value, ``scale`` each."""
        tensor = self._emit(node)
        self._scales[tensor] = scale
        return Codes(
            tensor=tensor,
            type=self._types[tensor],
            step=scale,
            where=step.where,
            flat=flat,
            flattened=flattened,
        )

    def _emit(self, node: Node) -> str:
        """Append a node; return the name of its tensor."""
        self._types[node.name] = node.infer(*(self._types[name] for name in node.inputs))
        self._nodes[node.name] = node
        return node.name

    def _name(self, wish: str) -> str:
        """Reserve and return an identifier like ``wish`` that no tensor has yet."""
        plain = re.sub(r"\W", "_", wish, flags=re.ASCII)  # Verilog knows no other letters
        base = plain if plain.isidentifier() else f"layer_{plain}"
        name, number = base, 1
        while name in self._names:
            number += 1
            name = f"{base}_{number}"
        self._names.add(name)
        return name


def _codes(step: Step, value: _Value) -> Codes:
    """The codes that ``step`` needs; LoweringError where no quantizer made any."""
    if isinstance(value, Codes):
        return value
    if value.average is not None and not value.steps:
        raise _inexact(value)
    raise step.refuse(f"must have an UnsignedQuantizer between it and {value.where}")


def _inexact(stretch: Segment) -> LoweringError:
    assert stretch.average is not None
    return stretch.first.refuse(
        f"divides by {divisor(*stretch.average)}, which is no power of two: put a quantizer behind it, "
        "or use tritforge.quant.pooling.GlobalPool"
    )
