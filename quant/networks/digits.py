"""A small convolutional network for 8x8 digits."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tritforge.quant.activation import UnsignedQuantizer
from tritforge.quant.networks import blocks
from tritforge.quant.networks.blocks import at_least, widths

__all__ = ["Digits"]


class Digits(nn.Module):
    """Two convolutions and a dense layer: [N, 1, 8, 8] in [0, 1] -> scores [N, classes].

    Convolution, batch norm, activation, pooling, in this order, as the hardware computes them. The
    first quantizer has a fixed step of 2^-input_bits: its codes are the input of the hardware.

    Parameters
    ----------
    channels: output channels of the two convolutions.
    input_bits: width of a pixel, in bits.
    activation_bits: width of the hidden activations, in bits.
    activation: kind of the hidden activations (``tritforge.quant.networks.blocks.ACTIVATIONS``).
    classes: number of scores.
    """

    def __init__(
        self,
        channels: Sequence[int] = (16, 24),
        input_bits: int = 4,
        activation_bits: int = 2,
        activation: str = "unsigned",
        classes: int = 10,
    ) -> None:
        super().__init__()
        first, second = widths(channels, 2)
        at_least(2, classes=classes)
        self.quant_in = UnsignedQuantizer(input_bits, step=2.0**-input_bits, learned=False)
        self.conv1 = nn.Conv2d(1, first, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(first)
        self.act1 = blocks.activation(activation, activation_bits)
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(first, second, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(second)
        self.act2 = blocks.activation(activation, activation_bits)
        self.classifier = nn.Linear(second * 4 * 4, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores [N, classes] of images [N, 1, 8, 8] in [0, 1]."""
        x = self.quant_in(x)  # [N, 1, 8, 8]
        x = self.pool1(self.act1(self.bn1(self.conv1(x))))  # [N, first, 4, 4]
        x = self.act2(self.bn2(self.conv2(x)))  # [N, second, 4, 4]
        scores: Tensor = self.classifier(torch.flatten(x, 1))  # [N, classes]
        return scores
