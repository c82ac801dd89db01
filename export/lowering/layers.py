"""How each module of torch becomes nodes, and which functions stand for which modules.

A handler takes the lowering (``tritforge.export.lowering.lower.Lowering``), the step and the value
of each of its inputs, and returns the value that the step makes. A new kind of layer needs one
here or in a file beside this one.
"""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from tritforge.export.ir.nodes import Bias, Convolution, Dense, Flatten, Threshold, Trits
from tritforge.export.ir.pools import MaxPool, SumPool
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
from tritforge.export.lowering.graph import ClassArgMax, Step
from tritforge.export.lowering.segment import (
    Codes,
    Segment,
    Value,
    check_exact,
    codes_of,
    inexact,
    located,
    type_of,
)
from tritforge.export.lowering.supported import lowers, written_as
from tritforge.quant.activation import Quantizer
from tritforge.quant.apply import ternarizer_of
from tritforge.quant.pooling import GlobalPool, ImageMean, average_of, divisor

if TYPE_CHECKING:
    from tritforge.export.lowering.lower import Lowering

__all__ = ["ChannelPad", "Subsample", "Sum", "scores"]


class Sum(nn.Module):
    """The sum of two branches."""

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """Return [N, C, H, W]."""
        return left + right


class Subsample(nn.Module):
    """Every stride-th pixel from the first: x[:, :, ::vertical, ::horizontal].

    Parameters
    ----------
    stride: (vertical, horizontal), positive.
    """

    def __init__(self, stride: tuple[int, int]) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Return every stride-th pixel of ``x`` [N, C, H, W]."""
        return x[:, :, :: self.stride[0], :: self.stride[1]]


class ChannelPad(nn.Module):
    """Channels of 0 ``before`` and ``after`` those of the input."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.before, self.after = before, after

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, before + C + after, H, W]."""
        return F.pad(x, (0, 0, 0, 0, self.before, self.after))


def _options(node: fx.Node, *names: str) -> dict[str, Any]:
    """The arguments of a call after the tensor, by name."""
    return dict(zip(names, node.args[1:], strict=False)) | {
        name: value for name, value in node.kwargs.items() if name in names
    }


@lowers(
    nn.Conv2d,
    nn.Linear,
    once=True,
    nearest={
        "Conv2d as a module": ("Conv1d", "Conv3d", "conv1d", "conv2d", "conv3d"),
        "Conv2d": ("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"),
        "Linear as a module": ("Bilinear", "linear", "matmul", "mm", "bmm", "einsum"),
    },
)
def _matrix(lowering: Lowering, step: Step, value: Value) -> Segment:
    """Begin a matrix layer; the next quantizer, or the end of the model, closes it."""
    source, module = codes_of(step, value), step.module
    assert isinstance(module, (nn.Conv2d, nn.Linear))
    ternarizer, latent = located(step, lambda: ternarizer_of(module))
    parts = located(step, lambda: ternarizer.decompose(latent))
    if not torch.equal(parts.weight(), module.weight):
        raise step.refuse(
            "its planes do not rebuild its weight: the ternarization method is at fault"
        )
    options: dict[str, Any] = {}
    planes: Trits = parts.planes.numpy()
    if isinstance(module, nn.Conv2d):
        options = geometry(step, module, source)
    else:
        planes = permuted(step, planes, source)
    kind = Convolution if isinstance(module, nn.Conv2d) else Dense
    node = kind(
        name=lowering.name(step.name),
        input=source.tensor,
        planes=planes,
        coefficients=parts.coefficients,
        **options,
    )
    node.infer(source.type)  # refuses a wrong shape before anything is computed
    rows, dtype = planes.shape[1], source.type.dtype
    units = located(step, lambda: product(parts.scale.expand(rows).tolist(), source.step))
    bias = torch.zeros(rows, dtype=torch.float64) if module.bias is None else module.bias
    located(step, lambda: check_sums(node.matrix(), dtype, units, bias.tolist()))
    unit = torch.tensor(units, dtype=torch.float64)
    return Segment(first=step, source=source, node=node, unit=unit, bias=bias, flat=source.flat)


def scores(lowering: Lowering, segment: Segment) -> Codes:
    """Close the last layer as scores: integers with an integer bias, without other modules.

    Raises
    ------
    LoweringError: modules without a quantizer follow, the scales differ by channel, or the bias is
        no whole number of units.
    """
    step, node, unit = segment.first, segment.node, float(segment.unit[0])
    if segment.average is not None:
        raise inexact(segment)
    if node is None:
        raise segment.steps[0].refuse("must have an UnsignedQuantizer after it")
    if segment.steps:
        raise segment.steps[0].refuse(
            "must have an UnsignedQuantizer after it: "
            f"the scores of {segment.where} allow a bias alone"
        )
    if not bool((segment.unit == unit).all()):
        raise step.refuse("scores must have one scale for all channels")
    codes = lowering.codes(step, node, unit, segment.flat)
    if step.module.bias is not None:
        bias = located(step, lambda: multiples(segment.bias.tolist(), unit))
        added = Bias(name=lowering.name(f"{node.name}_bias"), input=node.name, bias=bias)
        codes = lowering.codes(step, added, unit, segment.flat)
    lowering.sources[codes.tensor] = step.path or ""
    return codes


_THRESHOLD_BITS = 4
"""Codes of more bits are made by multiplication where that gives exactly the same."""

_ACTIVATIONS = (
    *("CELU", "ELU", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU"),
    *("LogSigmoid", "Mish", "PReLU", "ReLU6", "RReLU", "SELU", "SiLU", "Sigmoid", "Softplus"),
    *("Softshrink", "Softsign", "Tanh", "Tanhshrink", "Threshold"),
    *("gelu", "hardtanh", "hardswish", "leaky_relu", "relu6", "sigmoid", "silu", "tanh", "clamp"),
)


@lowers(
    Quantizer,
    once=True,
    shown=("UnsignedQuantizer", "SignedQuantizer", "TernaryActivation"),
    nearest={
        "an UnsignedQuantizer, or a SignedQuantizer where the sign counts": _ACTIVATIONS,
        "none: the largest score stays so": ("Softmax", "LogSoftmax", "softmax", "log_softmax"),
    },
)
def _quantizer(lowering: Lowering, step: Step, value: Value) -> Codes:
    """Close a segment: its layer, the thresholds of all up to the quantizer, then the pools."""
    segment, quantizer = lowering.opened(step, value), step.module
    assert isinstance(quantizer, Quantizer)
    node, thresholds, bounds = segment.thresholds(step, quantizer)
    scale, output = float(quantizer.effective_step()), type_of(quantizer)
    tensor = lowering.emit(node) if node is not None else segment.source.tensor
    name = lowering.name(step.name)
    constants = fit(thresholds, *bounds, output) if output.bits > _THRESHOLD_BITS else None
    activation = (
        Threshold(name=name, input=tensor, thresholds=thresholds, output=output)
        if constants is None
        else Requantize(name=name, input=tensor, output=output, **vars(constants))
    )
    codes = lowering.codes(step, activation, scale, segment.flat)
    for index in segment.pools():
        codes = _pooled(lowering, segment.steps[index], codes)
    lowering.sources[codes.tensor] = step.path or ""
    return codes


@lowers(nn.ReLU)
def _relu(lowering: Lowering, step: Step, value: Value) -> Value:
    if isinstance(value, Codes) and not value.type.dtype.signed:
        return value  # codes that are never negative: nothing to do
    return lowering.opened(step, value).then(step)


@written_as(F.relu, torch.relu, "relu")
def _relu_of(model: nn.Module, node: fx.Node) -> nn.Module:
    return nn.ReLU()


@lowers(
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nearest={
        "BatchNorm2d of an image, BatchNorm1d of a vector": (
            *("GroupNorm", "InstanceNorm2d", "LayerNorm", "LocalResponseNorm", "layer_norm"),
            *("BatchNorm3d", "SyncBatchNorm", "InstanceNorm1d"),
        )
    },
)
def _norm(lowering: Lowering, step: Step, value: Value) -> Segment:
    if not step.module.track_running_stats:
        raise step.refuse(
            "must keep running statistics: those of a batch are no function of one sample"
        )
    return lowering.opened(step, value).then(step)


@lowers(
    nn.MaxPool2d,
    nearest={
        "MaxPool2d": ("MaxPool1d", "MaxPool3d", "AdaptiveMaxPool2d", "FractionalMaxPool2d"),
        "MaxPool2d of the image's size": ("amax", "max", "adaptive_max_pool2d"),
    },
)
def _max_pool(lowering: Lowering, step: Step, value: Value) -> Value:
    assert isinstance(step.module, nn.MaxPool2d)
    check_max_pool(step, step.module, value)
    return value.then(step) if isinstance(value, Segment) else _pooled(lowering, step, value)


def _pooled(lowering: Lowering, step: Step, value: Codes) -> Codes:
    """The max pool of codes."""
    module = step.module
    assert isinstance(module, nn.MaxPool2d)
    node = MaxPool(
        name=lowering.name(step.name),
        input=value.tensor,
        size=pair(module.kernel_size),
        stride=pair(module.stride),
        padding=pair(module.padding),
    )
    return lowering.codes(step, node, value.step, flat=False)


@written_as(F.max_pool2d, torch.max_pool2d)
def _max_pool_of(model: nn.Module, node: fx.Node) -> nn.Module:
    options = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
    return nn.MaxPool2d(**_options(node, *options))


@lowers(
    *(GlobalPool, ImageMean, nn.AvgPool2d, nn.AdaptiveAvgPool2d),
    shown=("GlobalPool", "AvgPool2d", "AdaptiveAvgPool2d"),
    nearest={"AvgPool2d or GlobalPool": ("AvgPool1d", "AvgPool3d", "LPPool2d", "sum")},
)
def _average(lowering: Lowering, step: Step, value: Value) -> Value:
    """An average pool as a sum; where its division is no power of two a quantizer must follow."""
    source, module = codes_of(step, value), step.module
    check_image(step, source)
    height, width = source.type.shape[:2]
    size, stride, padding = window(step, module, height, width)
    node = SumPool(
        name=lowering.name(step.name),
        input=source.tensor,
        size=size,
        stride=stride,
        padding=padding,
    )
    check_exact(step, source.type.dtype, size[0] * size[1], source.step)
    flat = isinstance(module, (GlobalPool, ImageMean))
    by = divisor(module, height, width)
    codes = lowering.codes(step, node, source.step / by, flat)
    if by & (by - 1) == 0:
        return codes
    segment = replace(lowering.opened(step, codes), average=(module, height, width))
    return replace(segment, unit=torch.full_like(segment.unit, source.step))


written_as(F.avg_pool2d, F.adaptive_avg_pool2d, torch.mean, "mean")(average_of)


@lowers(
    Sum,
    shown=("sums of two branches",),
    nearest={
        "the sum of two branches that end in quantizers with one step": (
            *("cat", "concat", "stack", "sub", "mul", "add"),
        )
    },
)
def _sum(lowering: Lowering, step: Step, *values: Value) -> Codes:
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
    node = Add(name=lowering.name(step.name), input=left.tensor, other=right.tensor)
    check_exact(step, node.infer(left.type, right.type).dtype, 1, left.step)
    return lowering.codes(step, node, left.step, left.flat, left.flattened)


@written_as(operator.add, operator.iadd, torch.add, "add", "add_", shown=(), inputs=2)
def _sum_of(model: nn.Module, node: fx.Node) -> nn.Module | None:
    plain = len(node.args) == 2 and not node.kwargs  # without alpha and out
    return Sum() if plain else None


@lowers(
    *(Subsample, ChannelPad),
    shown=(),
    nearest={
        "x[:, :, ::s, ::s]": ("getitem",),
        "the padding of Conv2d, or zero channels": ("ZeroPad2d", "ConstantPad2d", "pad"),
    },
)
def _shortcut(lowering: Lowering, step: Step, value: Value) -> Codes:
    """Pixels left out, or channels of 0 added; what follows each other is one node."""
    codes, module = codes_of(step, value), step.module
    check_image(step, codes)
    stride = module.stride if isinstance(module, Subsample) else (1, 1)
    before, after = (module.before, module.after) if isinstance(module, ChannelPad) else (0, 0)
    source, last = codes.tensor, lowering.nodes.get(codes.tensor)
    if isinstance(last, Shortcut) and isinstance(module, ChannelPad):
        source, stride = last.input, last.stride
        before, after = before + last.before, after + last.after
    node = Shortcut(
        name=lowering.name(step.name), input=source, stride=stride, before=before, after=after
    )
    return lowering.codes(step, node, codes.step, flat=False)


@written_as(operator.getitem, shown=("x[:, :, ::s, ::s]",))
def _subsample_of(model: nn.Module, node: fx.Node) -> nn.Module | None:
    index: Any = node.args[1]
    whole = slice(None)
    if not isinstance(index, tuple) or len(index) != 4 or index[:2] != (whole, whole):
        return None
    strides = []
    for part in index[2:]:
        if not isinstance(part, slice) or part.start not in (None, 0) or part.stop is not None:
            return None
        strides.append(1 if part.step is None else part.step)
    if not all(isinstance(stride, int) and stride > 0 for stride in strides):
        return None
    return Subsample((strides[0], strides[1]))


@written_as(F.pad)
def _channel_pad_of(model: nn.Module, node: fx.Node) -> nn.Module | None:
    options = _options(node, "pad", "mode", "value")
    pad = options.get("pad")
    if options.get("mode", "constant") != "constant" or options.get("value"):
        return None
    if not isinstance(pad, (tuple, list)) or len(pad) != 6 or any(pad[:4]) or min(pad[4:]) < 0:
        return None
    return ChannelPad(*pad[4:])


@lowers(
    nn.Flatten,
    nearest={
        "torch.flatten(x, 1)": (
            *("Unflatten", "view", "reshape", "squeeze", "unsqueeze", "permute"),
        )
    },
)
def _flatten(lowering: Lowering, step: Step, value: Value) -> Codes:
    codes, module = codes_of(step, value), step.module
    rank = 2 if codes.flat else 4
    if module.start_dim not in (1, 1 - rank) or module.end_dim not in (-1, rank - 1):
        raise step.refuse("must flatten all but the batch: start_dim=1, end_dim=-1")
    if codes.flat:
        return codes
    node = Flatten(name=lowering.name(step.name), input=codes.tensor)
    pixels = codes.type.height * codes.type.width
    flattened = codes.type.shape if pixels > 1 else None
    return lowering.codes(step, node, codes.step, flat=True, flattened=flattened)


@written_as(torch.flatten, "flatten")
def _flatten_of(model: nn.Module, node: fx.Node) -> nn.Module:
    chosen = {"start_dim": 0, "end_dim": -1} | _options(node, "start_dim", "end_dim")
    return nn.Flatten(**chosen)


@lowers(
    *(nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d),
    shown=("Dropout", "Identity"),
    anywhere=True,
)
def _unchanged(lowering: Lowering, step: Step, value: Value | None) -> Value | None:
    return value


@written_as(F.dropout)
def _identity_of(model: nn.Module, node: fx.Node) -> nn.Module | None:
    evaluation = _options(node, "p", "training").get("training") is False
    return nn.Identity() if evaluation else None


@lowers(ClassArgMax, shown=(), anywhere=True)
def _argmax(lowering: Lowering, step: Step, value: Value | None) -> Value | None:
    """The index of the largest score, which :meth:`Lowering.finish` emits."""
    rank = 2 if value is not None and value.flat else 4
    if step.module.dim not in (1, 1 - rank):
        of = "[N, C]" if rank == 2 else "[N, C, H, W]"
        raise step.refuse(f"must be over the classes of {of}: dim=1, not {step.module.dim}")
    lowering.ends_with_argmax = True
    return value


@written_as(torch.argmax, "argmax")
def _argmax_of(model: nn.Module, node: fx.Node) -> nn.Module | None:
    dim = _options(node, "dim", "keepdim").get("dim")
    return ClassArgMax(dim) if dim in (1, -1, -3) else None
