"""Pooling that keeps integers integers, and what average pools divide by."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

__all__ = ["GlobalPool", "ImageMean", "average_of", "divisor", "outputs"]


class GlobalPool(nn.Module):
    """Sum over height and width times the power of two next to 1 / (H * W) -> [N, C].

    Input [N, C, H, W]. For 8x8 it is the mean. The sum of codes is always a whole number of one
    unit, as the hardware adds them; after a division by 49 it would not be.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, C]."""
        return x.sum((2, 3)) * 2.0 ** -round(math.log2(x.shape[2] * x.shape[3]))


class ImageMean(nn.Module):
    """The mean over height and width, as ``x.mean((2, 3))``: [N, C, H, W] -> [N, C]."""

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, C]."""
        return x.mean((2, 3))


def average_of(model: nn.Module, node: fx.Node) -> nn.Module | None:
    """Return the module that computes the average pooling that ``node`` is; None if it is none."""
    if node.op == "call_module":
        module = model.get_submodule(str(node.target))
        return (
            module if isinstance(module, (GlobalPool, nn.AvgPool2d, nn.AdaptiveAvgPool2d)) else None
        )
    given: dict[str, Any] = dict(node.kwargs)
    arguments = node.args[1:]
    if node.target is functional.avg_pool2d:
        names = (
            "kernel_size",
            "stride",
            "padding",
            "ceil_mode",
            "count_include_pad",
            "divisor_override",
        )
        return nn.AvgPool2d(**dict(zip(names, arguments, strict=False)) | _without(given, "input"))
    if node.target is functional.adaptive_avg_pool2d:
        return nn.AdaptiveAvgPool2d(given.get("output_size", arguments[0] if arguments else None))
    if node.target in (torch.mean, "mean"):
        axes = given.get("dim", arguments[0] if arguments else None)
        kept = given.get("keepdim", arguments[1] if len(arguments) > 1 else False)
        # of [N, C, H, W], counted from either end
        if isinstance(axes, (tuple, list)) and sorted(axis % 4 for axis in axes) == [2, 3]:
            return nn.AdaptiveAvgPool2d(1) if kept else ImageMean()
    return None


def divisor(pool: nn.Module, height: int, width: int) -> int:
    """Return the divisor that an average pool applies to the sums of its windows.

    ``height`` and ``width`` are those of its input [N, C, height, width].

    >>> divisor(GlobalPool(), 7, 7), divisor(ImageMean(), 7, 7), divisor(nn.AvgPool2d(2), 7, 7)
    (64, 49, 4)
    """
    if isinstance(pool, GlobalPool):
        return int(2 ** round(math.log2(height * width)))
    if isinstance(pool, nn.AvgPool2d):
        size = pool.kernel_size
        return pool.divisor_override or (
            size * size if isinstance(size, int) else size[0] * size[1]
        )
    rows, columns = (
        outputs(pool, height, width) if isinstance(pool, nn.AdaptiveAvgPool2d) else (1, 1)
    )
    return (height // rows) * (width // columns)


def outputs(pool: nn.AdaptiveAvgPool2d, height: int, width: int) -> tuple[int, int]:
    """Return the height and width of what ``pool`` gives for an image of height x width."""
    size: Any = pool.output_size
    rows, columns = size if isinstance(size, (tuple, list)) else (size, size)
    return height if rows is None else rows, width if columns is None else columns


def _without(options: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key != name}
