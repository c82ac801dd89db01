"""From a trained torch model to integers: the one place where floats turn into the contract of ``export.ir``.

The model that is lowered is ``quant.evaluate.exact(model)``: float64, in evaluation. Any ``forward`` will do
whose operations form one chain. Each matrix layer brings its trits from its ternarization method. What
follows up to the next quantizer (bias, batch norm, ReLU, the quantizer itself) is never rewritten: those very
modules are evaluated on every integer that decides (``export.thresholds``).

Two things move on the way. A channel whose codes fall when its accumulator rises gets its weights negated, so
that every comparison is ``>=``. A max pool before a quantizer moves behind it, where it acts on codes; the
two commute only while nothing falls, and that is checked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from export.datatype import DataType
from export.exactness import check_sums, multiples, product
from export.graph import SUPPORTED, ClassArgMax, LoweringError, Step, read_steps
from export.ir import (
    INPUT,
    ArgMax,
    Bias,
    Convolution,
    Dense,
    Flatten,
    IntArray,
    MatrixNode,
    MaxPool,
    Network,
    Node,
    TensorType,
    Threshold,
    Trits,
)
from export.requantize import Requantize, fit
from export.thresholds import find, is_decreasing
from quant.activation import Quantizer
from quant.apply import ternarizer_of
from quant.evaluate import exact
from quant.tracing import trace

__all__ = ["SUPPORTED", "Lowered", "LoweringError", "lower"]

_IGNORED = (nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
_ONCE = (nn.Conv2d, nn.Linear, Quantizer)
_Result = TypeVar("_Result")

_THRESHOLD_BITS = 4
"""Codes of more bits are made by multiplication where that gives exactly the same (``export.requantize``)."""


@dataclass(frozen=True)
class Lowered:
    """A network in integers, and where its integers come from.

    Parameters
    ----------
    network: the integer form.
    sources: for each tensor that ``quant.evaluate.integer_activations`` knows, by the tensor's name, the path
        of the torch module whose integers it must equal ([N, C, H, W] there, [N, H, W, C] here).
    input_step: a real input is ``input_step`` times the integer.
    scales: for each tensor that stands for a real one, the real value of 1.
    """

    network: Network
    sources: dict[str, str]
    input_step: float
    scales: dict[str, float]


def lower(model: nn.Module, input_shape: tuple[int, ...], *, name: str, argmax: bool = True) -> Lowered:
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


def _lower_steps(steps: list[Step], input_shape: tuple[int, ...], name: str, argmax: bool) -> Lowered:
    called: set[str | None] = set()
    for step in steps:
        if isinstance(step.module, _ONCE) and step.path in called:
            raise step.refuse("is called twice: give each place a module of its own")
        called.add(step.path)
    steps = [step for step in steps if not isinstance(step.module, _IGNORED)]
    if not steps:
        raise LoweringError("the model computes nothing")
    if isinstance(steps[-1].module, ClassArgMax):
        steps, argmax = steps[:-1], True
    lowering = _Lowering(steps[0], input_shape)
    for step in steps[1:]:
        lowering.take(step)
    return lowering.finish(name, argmax)


@dataclass
class _Stretch:
    """A matrix layer and the modules after it that no quantizer has closed yet.

    Parameters
    ----------
    step: the layer.
    node: the layer in integers.
    dtype: type of its input.
    unit: float64 [O], what 1 in the accumulator stands for.
    bias: float64 [O].
    steps: the modules after it, pools included.
    """

    step: Step
    node: MatrixNode
    dtype: DataType
    unit: Tensor
    bias: Tensor
    steps: list[Step] = field(default_factory=list)

    def values(self, integers: npt.NDArray[np.float64], end: int | None = None) -> Tensor:
        """Evaluate the modules before position ``end``, without pools, on accumulators [n, C] -> [n, C]."""
        value = torch.from_numpy(integers) * self.unit + self.bias  # exact: export.exactness proved it
        spatial = isinstance(self.node, Convolution)
        if spatial:
            value = value.T.reshape(1, len(self.unit), -1, 1)  # [1, C, n, 1]: the modules expect an image
        for step in self.steps[:end]:
            if not isinstance(step.module, nn.MaxPool2d):
                value = step.module(value)
        return value.reshape(len(self.unit), -1).T if spatial else value

    def pools(self) -> list[int]:
        """Positions of the pools among ``steps``."""
        return [index for index, step in enumerate(self.steps) if isinstance(step.module, nn.MaxPool2d)]


class _Lowering:
    """Walks the steps after the input's quantizer and collects nodes."""

    def __init__(self, step: Step, input_shape: tuple[int, ...]) -> None:
        if not isinstance(step.module, Quantizer):
            raise step.refuse("the model's input must go straight into an UnsignedQuantizer")
        channels, height, width = input_shape if len(input_shape) == 3 else (*input_shape, 1, 1)
        self._input = TensorType(height, width, channels, _type_of(step.module))
        self._type = self._input
        self._current = INPUT
        self._flat = len(input_shape) == 1
        self._flattened: tuple[int, int, int] | None = None  # (H, W, C) of the image that a flatten took
        self._step = float(step.module.effective_step())  # of the codes in self._current
        self._stretch: _Stretch | None = None
        self._nodes: list[Node] = []
        self._names = {INPUT}
        self._sources = {INPUT: step.path or ""}
        self._scales = {INPUT: self._step}

    def take(self, step: Step) -> None:
        """Lower one step."""
        module = step.module
        if isinstance(module, Quantizer):
            self._threshold(step, module)
        elif isinstance(module, (nn.Conv2d, nn.Linear)):
            self._open(step, module)
        elif isinstance(module, nn.Flatten):
            self._flatten(step, module)
        elif isinstance(module, nn.MaxPool2d):
            self._check_pool(step, module)
            if self._stretch is None:
                self._pool(step)
            else:
                self._stretch.steps.append(step)
        elif isinstance(module, (nn.ReLU, *_NORMS)):
            if self._stretch is not None:
                self._check_norm(step)
                self._stretch.steps.append(step)
            elif isinstance(module, _NORMS):
                raise step.refuse("must follow a Conv2d or Linear, with no quantizer between them")
            elif self._type.dtype.signed:
                raise step.refuse("must follow a Conv2d or Linear: what comes here is signed codes")
            # else a ReLU of codes, which are never negative: nothing to do
        else:
            raise step.refuse(f"not supported here; supported are {SUPPORTED}")

    def finish(self, name: str, argmax: bool) -> Lowered:
        """Close the last layer and return the whole."""
        if self._stretch is not None:
            self._scores(self._stretch)
        if argmax:
            self._emit(ArgMax(name=self._name("argmax"), input=self._current))
        network = Network(name, self._input, tuple(self._nodes))
        return Lowered(network, self._sources, self._scales[INPUT], self._scales)

    def _open(self, step: Step, module: nn.Conv2d | nn.Linear) -> None:
        """Begin a matrix layer; the next quantizer, or the end of the model, closes it."""
        if self._stretch is not None:
            raise step.refuse(f"must have an UnsignedQuantizer between it and {self._stretch.step.where}")
        ternarizer, latent = _located(step, lambda: ternarizer_of(module))
        parts = _located(step, lambda: ternarizer.decompose(latent))
        if not torch.equal(parts.weight(), module.weight):
            raise step.refuse("its planes do not rebuild its weight: the ternarization method is at fault")
        geometry: dict[str, Any] = {}
        planes: Trits = parts.planes.numpy()
        if isinstance(module, nn.Conv2d):
            geometry = self._geometry(step, module)
        else:
            planes = self._permuted(step, planes)
        kind = Convolution if isinstance(module, nn.Conv2d) else Dense
        node = kind(
            name=self._name(step.name),
            input=self._current,
            planes=planes,
            coefficients=parts.coefficients,
            **geometry,
        )
        node.infer(self._type)  # refuses a wrong shape before anything is computed
        rows, dtype = planes.shape[1], self._type.dtype
        units = _located(step, lambda: product(parts.scale.expand(rows).tolist(), self._step))
        bias = torch.zeros(rows, dtype=torch.float64) if module.bias is None else module.bias
        _located(step, lambda: check_sums(node.matrix(), dtype, units, bias.tolist()))
        self._stretch = _Stretch(step, node, dtype, torch.tensor(units, dtype=torch.float64), bias)

    def _geometry(self, step: Step, module: nn.Conv2d) -> dict[str, Any]:
        """Return stride, padding, dilation and groups; refuse what the contract has no word for."""
        if self._flat:
            raise step.refuse("takes an image, not a vector")
        if module.padding_mode != "zeros":
            raise step.refuse(f"padding_mode must be 'zeros', not {module.padding_mode!r}")
        padding, dilation = module.padding, _pair(module.dilation)
        if isinstance(padding, str):
            added = [step * (size - 1) for step, size in zip(dilation, module.kernel_size, strict=True)]
            if padding == "same" and any(total % 2 for total in added):
                raise step.refuse(f"padding 'same' needs an odd kernel, not {module.kernel_size}")
            padding = tuple(total // 2 if padding == "same" else 0 for total in added)
        return {
            "stride": _pair(module.stride),
            "padding": _pair(padding),
            "dilation": dilation,
            "groups": module.groups,
        }

    def _permuted(self, step: Step, planes: Trits) -> Trits:
        """Return dense planes [J, O, K], columns in stream order (H, W, C); torch flattens (C, H, W)."""
        if not self._flat:
            raise step.refuse("takes a vector: put a Flatten before it")
        if planes.shape[2] != self._type.size:
            raise step.refuse(f"takes {planes.shape[2]} elements, its input has {self._type.size}")
        if self._flattened is None:
            return planes
        height, width, channels = self._flattened
        images = planes.reshape(*planes.shape[:2], channels, height, width)
        permuted: Trits = images.transpose(0, 1, 3, 4, 2).reshape(planes.shape)
        return permuted

    def _threshold(self, step: Step, quantizer: Quantizer) -> None:
        """Close the open layer: its node, the thresholds of all up to ``quantizer``, then the pools."""
        stretch = self._stretch
        if stretch is None:
            raise step.refuse("must follow a Conv2d or Linear: what comes here is quantized already")

        def codes(integers: npt.NDArray[np.float64]) -> IntArray:
            values = quantizer.codes(stretch.values(integers)).to(torch.int64).numpy()
            return values - quantizer.minimum  # 0..levels, as ``find`` counts them

        bounds = stretch.node.row_bounds(stretch.dtype)
        falling = is_decreasing(codes, *bounds)  # [C]
        for index in stretch.pools():
            before, after = stretch.values(np.stack(bounds).astype(np.float64), index).numpy()
            wrong = falling | (after < before)
            if wrong.any():
                raise stretch.steps[index].refuse(
                    f"channel {int(np.argmax(wrong))} falls between {stretch.step.where} and {step.where}, "
                    "so the pool cannot move behind the quantizer: put it there, or keep the slopes positive"
                )
        sign = np.where(falling, -1, 1).astype(np.int8)
        planes = stretch.node.planes * sign.reshape(1, -1, *[1] * (stretch.node.planes.ndim - 2))
        node = replace(stretch.node, planes=planes)
        levels = quantizer.maximum - quantizer.minimum
        bounds = node.row_bounds(stretch.dtype)
        thresholds = _located(step, lambda: find(lambda y: codes(y * sign), *bounds, levels))
        output = _type_of(quantizer)
        # A threshold that every integer reaches, for each code of the type that the quantizer never gives.
        always = np.repeat(bounds[0][:, None], quantizer.minimum - output.minimum, axis=1)
        thresholds = np.concatenate([always, thresholds], axis=1)
        self._stretch = None
        self._step = float(quantizer.effective_step())
        self._emit(node)
        name = self._name(step.name)
        constants = fit(thresholds, *bounds, output) if output.bits > _THRESHOLD_BITS else None
        activation = (
            Threshold(name=name, input=node.name, thresholds=thresholds, output=output)
            if constants is None
            else Requantize(name=name, input=node.name, output=output, **vars(constants))
        )
        self._emit(activation, self._step)
        for index in stretch.pools():
            self._pool(stretch.steps[index])
        self._sources[self._current] = step.path or ""

    def _scores(self, stretch: _Stretch) -> None:
        """Close the open layer as scores: integers with an integer bias, nothing else."""
        step, unit = stretch.step, float(stretch.unit[0])
        if stretch.steps:
            raise stretch.steps[0].refuse(
                f"must have an UnsignedQuantizer after it: the scores of {step.where} allow a bias alone"
            )
        if not bool((stretch.unit == unit).all()):
            raise step.refuse("scores must have one scale for all channels")
        self._emit(stretch.node, unit)
        if step.module.bias is not None:
            bias = _located(step, lambda: multiples(stretch.bias.tolist(), unit))
            self._emit(
                Bias(name=self._name(f"{stretch.node.name}_bias"), input=self._current, bias=bias), unit
            )
        self._sources[self._current] = step.path or ""

    def _check_norm(self, step: Step) -> None:
        if isinstance(step.module, _NORMS) and not step.module.track_running_stats:
            raise step.refuse("must keep running statistics: those of a batch are no function of one sample")

    def _check_pool(self, step: Step, module: nn.MaxPool2d) -> None:
        if _pair(module.dilation) != (1, 1):
            raise step.refuse(f"dilation must be 1, not {module.dilation!r}")
        if module.ceil_mode or module.return_indices:
            raise step.refuse("ceil_mode and return_indices must be False")
        if self._flat:
            raise step.refuse("takes an image, not a vector")

    def _pool(self, step: Step) -> None:
        module = step.module
        assert isinstance(module, nn.MaxPool2d)
        node = MaxPool(
            name=self._name(step.name),
            input=self._current,
            size=_pair(module.kernel_size),
            stride=_pair(module.stride),
            padding=_pair(module.padding),
        )
        self._emit(node, self._step)

    def _flatten(self, step: Step, module: nn.Flatten) -> None:
        if module.start_dim != 1 or module.end_dim not in (-1, 1 if self._flat else 3):
            raise step.refuse("must flatten all but the batch: start_dim=1, end_dim=-1")
        if self._stretch is not None:
            raise step.refuse(f"must have an UnsignedQuantizer between it and {self._stretch.step.where}")
        if not self._flat:
            self._flat, self._flattened = True, self._type.shape
            self._emit(Flatten(name=self._name(step.name), input=self._current), self._step)

    def _emit(self, node: Node, scale: float | None = None) -> None:
        """Append a node; ``scale`` is the real value of 1 in its output, if it stands for a real value."""
        self._type, self._current = node.infer(self._type), node.name
        self._nodes.append(node)
        if isinstance(node, MatrixNode):
            self._flattened = None
        if scale is not None:
            self._scales[node.name] = scale

    def _name(self, wish: str) -> str:
        """Reserve and return an identifier like ``wish`` that no tensor has yet."""
        base = wish if wish.isidentifier() else f"layer_{wish}"
        name, number = base, 1
        while name in self._names:
            number += 1
            name = f"{base}_{number}"
        self._names.add(name)
        return name


def _located(step: Step, function: Callable[[], _Result]) -> _Result:
    """Call ``function``; put the step's description before the message of its ValueError."""
    try:
        return function()
    except ValueError as error:
        raise step.refuse(str(error)) from error


def _type_of(quantizer: Quantizer) -> DataType:
    return DataType(quantizer.bits, signed=quantizer.signed)


def _pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])
