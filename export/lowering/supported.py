"""What lowering understands, and which of it comes nearest to a module or function that it does not."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["SUPPORTED", "nearest"]

SUPPORTED = (
    "UnsignedQuantizer, SignedQuantizer, TernaryActivation, Conv2d, Linear, BatchNorm1d, BatchNorm2d, ReLU, "
    "MaxPool2d, AvgPool2d, AdaptiveAvgPool2d, GlobalPool, Flatten, Dropout, Identity, sums of two branches, "
    "and relu, max_pool2d, avg_pool2d, adaptive_avg_pool2d, mean, flatten, dropout, pad, argmax and "
    "x[:, :, ::s, ::s] as functions"
)
"""The modules and functions that lowering understands, for messages."""

_QUANTIZER = "an UnsignedQuantizer, or a SignedQuantizer where the sign counts"
_NORM = "BatchNorm2d of an image, BatchNorm1d of a vector"
_FLATTEN = "torch.flatten(x, 1)"
_JOIN = "the sum of two branches that end in quantizers with one step"

_NEAREST = {
    **dict.fromkeys(
        (
            *(
                "CELU",
                "ELU",
                "GELU",
                "Hardshrink",
                "Hardsigmoid",
                "Hardswish",
                "Hardtanh",
                "LeakyReLU",
            ),
            *(
                "LogSigmoid",
                "Mish",
                "PReLU",
                "ReLU6",
                "RReLU",
                "SELU",
                "SiLU",
                "Sigmoid",
                "Softplus",
            ),
            *("Softshrink", "Softsign", "Tanh", "Tanhshrink", "Threshold"),
            *(
                "gelu",
                "hardtanh",
                "hardswish",
                "leaky_relu",
                "relu6",
                "sigmoid",
                "silu",
                "tanh",
                "clamp",
            ),
        ),
        _QUANTIZER,
    ),
    **dict.fromkeys(
        ("GroupNorm", "InstanceNorm2d", "LayerNorm", "LocalResponseNorm", "layer_norm"), _NORM
    ),
    **dict.fromkeys(("BatchNorm3d", "SyncBatchNorm", "InstanceNorm1d"), _NORM),
    **dict.fromkeys(("Conv1d", "Conv3d", "conv1d", "conv2d", "conv3d"), "Conv2d as a module"),
    **dict.fromkeys(("ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"), "Conv2d"),
    **dict.fromkeys(("Bilinear", "linear", "matmul", "mm", "bmm", "einsum"), "Linear as a module"),
    **dict.fromkeys(
        ("MaxPool1d", "MaxPool3d", "AdaptiveMaxPool2d", "FractionalMaxPool2d"), "MaxPool2d"
    ),
    **dict.fromkeys(("amax", "max", "adaptive_max_pool2d"), "MaxPool2d of the image's size"),
    **dict.fromkeys(("AvgPool1d", "AvgPool3d", "LPPool2d", "sum"), "AvgPool2d or GlobalPool"),
    **dict.fromkeys(("Unflatten", "view", "reshape", "squeeze", "unsqueeze", "permute"), _FLATTEN),
    **dict.fromkeys(
        ("Softmax", "LogSoftmax", "softmax", "log_softmax"), "none: the largest score stays so"
    ),
    **dict.fromkeys(("cat", "concat", "stack", "sub", "mul", "add"), _JOIN),
    **dict.fromkeys(
        ("ZeroPad2d", "ConstantPad2d", "pad"), "the padding of Conv2d, or zero channels"
    ),
    "getitem": "x[:, :, ::s, ::s]",
}


def nearest(kinds: Sequence[str]) -> str | None:
    """Return the supported form nearest to the first known of ``kinds``, names of classes or functions.

    >>> nearest(["ReLU6", "Hardtanh"])
    'an UnsignedQuantizer, or a SignedQuantizer where the sign counts'
    """
    return next((_NEAREST[kind] for kind in kinds if kind in _NEAREST), None)
