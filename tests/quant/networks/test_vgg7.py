from __future__ import annotations

import torch

from tritforge import quant
from tritforge.quant.evaluate import exact, integer_activations
from tritforge.quant.networks.vgg7 import VGG7


def test_shapes_and_weights_are_those_of_the_papers() -> None:
    model = VGG7()
    layers = [m for m in model.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
    # 9 * (3*128 + 128*128 + 128*256 + 256*256 + 256*512 + 512*512) + 8192*1024 + 1024*10
    assert sum(layer.weight.numel() for layer in layers) == 12_973_440
    small = exact(quant.ternarize(VGG7(channels=(2, 3, 4), hidden=5, classes=7)))
    codes = integer_activations(small, torch.rand(1, 3, 32, 32))
    assert [array.shape[1:] for array in codes.values()] == [
        (3, 32, 32), (2, 32, 32), (2, 32, 32), (3, 16, 16), (3, 16, 16), (4, 8, 8), (4, 8, 8), (5,), (7,),
    ]  # fmt: skip


def test_the_block_of_sttn_has_its_order() -> None:
    model = VGG7(channels=(2, 3, 4), hidden=5, activation="ternary", conv_relu=True)
    kinds = [type(module).__name__ for module in model.features]
    assert kinds[:8] == [*["Conv2d", "ReLU", "BatchNorm2d", "TernaryActivation"] * 2]
