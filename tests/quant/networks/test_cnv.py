from __future__ import annotations

import torch

from tritforge import quant
from tritforge.quant.evaluate import exact, integer_activations
from tritforge.quant.networks.cnv import CNV


def test_shapes_and_weights_are_those_of_finn() -> None:
    model = quant.ternarize(CNV())
    codes = integer_activations(exact(model), torch.rand(1, 3, 32, 32))
    shapes = [array.shape[1:] for array in codes.values()]
    assert shapes == [
        (3, 32, 32), (64, 30, 30), (64, 28, 28), (128, 12, 12), (128, 10, 10), (256, 3, 3), (256, 1, 1),
        (512,), (512,), (10,),
    ]  # fmt: skip
    layers = [m for m in model.modules() if isinstance(m, (torch.nn.Conv2d, torch.nn.Linear))]
    # 1,728 + 36,864 + 73,728 + 147,456 + 294,912 + 589,824 + 131,072 + 262,144 + 5,120
    assert sum(layer.weight.numel() for layer in layers) == 1_542_848
    assert all(len(layer.weight.detach().unique()) == 3 for layer in layers)
