"""CNV, the convolutional network for images of 32x32 that FINN's examples are built on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from tritforge.quant.networks.blocks import at_least, pixels, widths, with_norm_act

__all__ = ["CNV"]


class CNV(nn.Module):
    """Six convolutions and three dense layers: [N, 3, 32, 32] in [0, 1] -> scores [N, classes].

    64-C3, 64-C3, max pool 2, 128-C3, 128-C3, max pool 2, 256-C3, 256-C3, dense 512, dense 512,
    dense 10, all convolutions without padding [1]. Batch norm and activation after every hidden
    layer, pooling on the codes.

    Parameters
    ----------
    channels: output channels of the three pairs of convolutions.
    hidden: outputs of the two hidden dense layers.
    input_bits, activation_bits: width of a pixel and of the hidden activations, in bits.
    activation: kind of the hidden activations (``tritforge.quant.networks.blocks.ACTIVATIONS``).
    classes: number of scores.

    [1] Y. Umuroglu et al., "FINN: a framework for fast, scalable binarized neural network
    inference", FPGA 2017, section 4.
    """

    def __init__(
        self,
        channels: Sequence[int] = (64, 128, 256),
        hidden: int = 512,
        input_bits: int = 8,
        activation_bits: int = 2,
        activation: str = "unsigned",
        classes: int = 10,
    ) -> None:
        super().__init__()
        at_least(1, hidden=hidden)
        at_least(2, classes=classes)
        norm_act = partial(with_norm_act, kind=activation, bits=activation_bits)
        layers: list[nn.Module] = []
        before = 3
        for index, width in enumerate(widths(channels, 3)):
            for _ in range(2):
                layers += norm_act(nn.Conv2d(before, width, 3, bias=False))
                before = width
            layers += [nn.MaxPool2d(2)] if index < 2 else []
        self.quant_in = pixels(input_bits)
        self.features = nn.Sequential(*layers)
        dense: list[nn.Module] = []
        for _ in range(2):
            dense += norm_act(nn.Linear(before, hidden, bias=False))
            before = hidden
        self.dense = nn.Sequential(*dense)
        self.classifier = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores [N, classes] of images [N, 3, 32, 32] in [0, 1]."""
        x = self.features(self.quant_in(x))  # [N, 256, 1, 1]
        x = self.dense(torch.flatten(x, 1))  # [N, hidden]
        scores: Tensor = self.classifier(x)  # [N, classes]
        return scores
