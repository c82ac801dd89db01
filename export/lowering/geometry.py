"""Windows, strides and the order of elements: how torch's layers say them, and the contract."""

from __future__ import annotations

from typing import Any

from torch import nn

from tritforge.export.ir.nodes import Trits
from tritforge.export.lowering.graph import Step
from tritforge.export.lowering.segment import Codes, Segment
from tritforge.quant.pooling import outputs

__all__ = ["check_image", "check_max_pool", "geometry", "pair", "permuted", "window"]


def check_image(step: Step, value: Codes | Segment) -> None:
    """Refuse a vector where an image is needed.

    Raises
    ------
    LoweringError: ``value`` is a vector.
    """
    if value.flat:
        raise step.refuse("takes an image, not a vector")


def check_max_pool(step: Step, module: nn.MaxPool2d, value: Codes | Segment) -> None:
    """Refuse vectors and the options of a max pool that the contract cannot express.

    Raises
    ------
    LoweringError: the input is a vector, or such an option is set.
    """
    if pair(module.dilation) != (1, 1):
        raise step.refuse(f"dilation must be 1, not {module.dilation!r}")
    if module.ceil_mode or module.return_indices:
        raise step.refuse("ceil_mode and return_indices must be False")
    check_image(step, value)


def window(
    step: Step, module: nn.Module, height: int, width: int
) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """Size, stride and padding of an average pool's windows.

    Raises
    ------
    LoweringError: the input is a vector, or an option is not supported.
    """
    if isinstance(module, nn.AvgPool2d):
        padding = pair(module.padding)
        if module.ceil_mode:
            raise step.refuse("ceil_mode must be False")
        if any(padding) and not module.count_include_pad and module.divisor_override is None:
            raise step.refuse(
                "count_include_pad must be True: else the divisor changes at the edge"
            )
        return pair(module.kernel_size), pair(module.stride), padding
    rows, columns = (
        outputs(module, height, width) if isinstance(module, nn.AdaptiveAvgPool2d) else (1, 1)
    )
    if height % rows or width % columns:
        raise step.refuse(
            f"an output of {rows}x{columns} must divide its input of {height}x{width}: use "
            "AvgPool2d"
        )
    size = height // rows, width // columns
    return size, size, (0, 0)


def geometry(step: Step, module: nn.Conv2d, value: Codes) -> dict[str, Any]:
    """Return stride, padding, dilation and groups; refuse what the contract has no word for."""
    check_image(step, value)
    if module.padding_mode != "zeros":
        raise step.refuse(f"padding_mode must be 'zeros', not {module.padding_mode!r}")
    padding, dilation = module.padding, pair(module.dilation)
    if isinstance(padding, str):
        added = [step * (size - 1) for step, size in zip(dilation, module.kernel_size, strict=True)]
        if padding == "same" and any(total % 2 for total in added):
            raise step.refuse(f"padding 'same' needs an odd kernel, not {module.kernel_size}")
        padding = tuple(total // 2 if padding == "same" else 0 for total in added)
    return {
        "stride": pair(module.stride),
        "padding": pair(padding),
        "dilation": dilation,
        "groups": module.groups,
    }


def permuted(step: Step, planes: Trits, value: Codes) -> Trits:
    """Return dense planes [J, O, K] with columns in stream order (H, W, C).

    torch flattens an image in the order (C, H, W).

    Raises
    ------
    LoweringError: the input is an image, or has another number of elements.
    """
    if not value.flat:
        raise step.refuse("takes a vector: put a Flatten before it")
    if planes.shape[2] != value.type.size:
        raise step.refuse(f"takes {planes.shape[2]} elements, its input has {value.type.size}")
    if value.flattened is None:
        return planes
    height, width, channels = value.flattened
    images = planes.reshape(*planes.shape[:2], channels, height, width)
    permuted: Trits = images.transpose(0, 1, 3, 4, 2).reshape(planes.shape)
    return permuted


def pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    """One number for both directions, or a number for each."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])
