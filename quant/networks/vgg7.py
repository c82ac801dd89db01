"""VGG-7 for images of 32x32, the network that the papers call VGG-7 or VGG-S."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from tritforge.quant.networks.blocks import at_least, pixels, widths, with_norm_act

__all__ = ["VGG7"]


class VGG7(nn.Module):
    """Six convolutions and two dense layers: [N, 3, 32, 32] in [0, 1] -> scores [N, classes].

    Twice 128-C3, max pool 2, twice 256-C3, max pool 2, twice 512-C3, max pool 2, dense 1024, dense
    10 [1]; all with padding 1. Batch norm and activation after every hidden layer, pooling on the
    codes.

    Parameters
    ----------
    channels: output channels of the three pairs of convolutions.
    hidden: outputs of the first dense layer.
    input_bits, activation_bits: width of a pixel and of the hidden activations, in bits.
    activation: kind of the hidden activations (``tritforge.quant.networks.blocks.ACTIVATIONS``).
    conv_relu: whether there is a ReLU between a layer and its batch norm. With ternary activations
        this is the block of STTN: batch norm, ternarize, convolution, activation.
    classes: number of scores.

    [1] F. Li, B. Liu, "Ternary weight networks", 2016, section 3.1.
    """

    def __init__(
        self,
        channels: Sequence[int] = (128, 256, 512),
        hidden: int = 1024,
        input_bits: int = 8,
        activation_bits: int = 2,
        activation: str = "unsigned",
        conv_relu: bool = False,
        classes: int = 10,
    ) -> None:
        super().__init__()
        at_least(1, hidden=hidden)
        at_least(2, classes=classes)
        norm_act = partial(with_norm_act, kind=activation, bits=activation_bits, relu=conv_relu)
        layers: list[nn.Module] = []
        before = 3
        for width in widths(channels, 3):
            for _ in range(2):
                layers += norm_act(nn.Conv2d(before, width, 3, padding=1, bias=False))
                before = width
            layers += [nn.MaxPool2d(2)]
        self.quant_in = pixels(input_bits)
        self.features = nn.Sequential(*layers)
        self.dense, *after = norm_act(nn.Linear(before * 4 * 4, hidden, bias=False))
        self.after = nn.Sequential(*after)
        self.classifier = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores [N, classes] of images [N, 3, 32, 32] in [0, 1]."""
        x = self.features(self.quant_in(x))  # [N, 512, 4, 4]
        x = self.after(self.dense(torch.flatten(x, 1)))  # [N, hidden]
        scores: Tensor = self.classifier(x)  # [N, classes]
        return scores
