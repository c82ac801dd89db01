"""Ternary torch models for the tests of lowering, and the comparison of all their integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tritforge import quant
from tritforge.export.lowering.lower import Lowered
from tritforge.quant.activation import UnsignedQuantizer
from tritforge.quant.evaluate import exact, integer_activations
from tritforge.sim.reference import run


def shaken(model: nn.Module, seed: int = 0) -> nn.Module:
    """Give norms, biases and steps the odd values that training leaves, half of the slopes
    negative."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                module.weight.normal_(0, 0.5, generator=generator)
                module.bias.normal_(0.5, 0.5, generator=generator)
                if module.running_mean is not None and module.running_var is not None:
                    module.running_mean.normal_(0, 1, generator=generator)
                    module.running_var.uniform_(0.2, 3, generator=generator)
            elif isinstance(module, UnsignedQuantizer) and module.learned:
                module.step.uniform_(0.2, 0.7, generator=generator)
    return model


def sequential(*modules: nn.Module, bits: int = 3, seed: int = 0, **options: Any) -> nn.Module:
    """Return a shaken ternary Sequential whose input quantizer has ``bits`` bits and a step of
    2^-bits."""
    torch.manual_seed(seed)
    for module in nn.Sequential(*modules).modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            # the caller drew its values from whatever state the generator was in
            module.reset_parameters()
    first = UnsignedQuantizer(bits, step=2.0**-bits, learned=False)
    return shaken(quant.ternarize(nn.Sequential(first, *modules), **options), seed)


def assert_same_integers(model: nn.Module, lowered: Lowered, images: Tensor) -> int:
    """Compare every integer that torch knows with the reference; return how many were compared."""
    model64 = exact(model)
    torch_integers = integer_activations(model64, images)
    assert sorted(lowered.sources.values()) == sorted(torch_integers)
    channels_last = {  # [N, C, H, W] -> [N, H, W, C], [N, K] -> [N, 1, 1, K]
        path: np.moveaxis(values, 1, -1) if values.ndim == 4 else values[:, None, None]
        for path, values in torch_integers.items()
    }
    tensors = run(lowered.network, channels_last[lowered.sources["input"]])
    compared = 0
    for tensor, path in lowered.sources.items():
        np.testing.assert_array_equal(
            tensors[tensor], channels_last[path], err_msg=f"{tensor} is not {path}"
        )
        compared += tensors[tensor].size
    if lowered.network.nodes[-1].kind == "argmax":
        with torch.no_grad():
            scores = model64(images.double())
        # torch promises the first index among equals, as the contract demands
        classes = scores if scores.dtype == torch.int64 else scores.argmax(1)
        np.testing.assert_array_equal(tensors[lowered.network.output].ravel(), classes.numpy())
        compared += len(images)
    return compared
