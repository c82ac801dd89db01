from __future__ import annotations

import torch

from tritforge import quant
from tritforge.quant.networks.alexnet import AlexNet


def test_shapes_and_weights() -> None:
    with torch.device("meta"):
        model = AlexNet()
    layers = [m for m in model.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
    # 34,848 + 614,400 + 884,736 + 1,327,104 + 884,736 + 37,748,736 + 16,777,216 + 4,096,000
    assert sum(layer.weight.numel() for layer in layers) == 62_367_776


def test_a_narrow_one_is_ternary_and_trains() -> None:
    model = quant.ternarize(AlexNet(hidden=4, classes=3))
    scores = model(torch.rand(2, 3, 224, 224))
    assert scores.shape == (2, 3)
    scores.sum().backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)
