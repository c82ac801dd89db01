"""LeNet-5 in the size that papers on ternary weights train on MNIST."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from tritforge.quant.methods.checks import flag
from tritforge.quant.networks import blocks
from tritforge.quant.networks.blocks import at_least, keep_slopes, pixels, pooled, widths

__all__ = ["LeNet5"]


class LeNet5(nn.Module):
    """Two convolutions and two dense layers: [N, 1, 28, 28] in [0, 1] -> scores [N, classes].

    32-C5, max pool 2, 64-C5, max pool 2, dense 512, dense 10 [1]; batch norm and activation after
    every hidden layer, pooling on the codes, as the hardware computes them. The first quantizer has
    a fixed step of 1 / (2^input_bits - 1), to 12 significant bits: with 8 bits its codes are the
    bytes of the image.

    Parameters
    ----------
    channels: output channels of the two convolutions.
    hidden: outputs of the first dense layer.
    input_bits: width of a pixel, in bits.
    activation_bits: width of the hidden activations, in bits.
    activation: kind of the hidden activations (``tritforge.quant.networks.blocks.ACTIVATIONS``).
    conv_relu: whether there is a ReLU between a layer and its batch norm. With ternary activations
        this is the block of STTN: batch norm, ternarize, convolution, activation.
    pool_first: whether training pools before it normalizes, with the slopes of the batch norms
        positive: a quarter of the work (``tritforge.quant.networks.blocks.pooled``). Evaluation
        pools last in any case.
    classes: number of scores.

    [1] F. Li, B. Liu, "Ternary weight networks", 2016, section 3.1.
    """

    def __init__(
        self,
        channels: Sequence[int] = (32, 64),
        hidden: int = 512,
        input_bits: int = 8,
        activation_bits: int = 2,
        activation: str = "unsigned",
        conv_relu: bool = False,
        pool_first: bool = False,
        classes: int = 10,
    ) -> None:
        super().__init__()
        first, second = widths(channels, 2)
        at_least(1, hidden=hidden)
        at_least(2, classes=classes)
        self.quant_in = pixels(input_bits)
        self._pool_first = flag("pool_first", pool_first)

        def norm(kind: type[nn.Module], width: int) -> nn.Module:
            layer = kind(width)
            if pool_first:
                keep_slopes(layer)
            return nn.Sequential(nn.ReLU(), layer) if conv_relu else layer

        self.conv1 = nn.Conv2d(1, first, 5, bias=False)
        self.bn1 = norm(nn.BatchNorm2d, first)
        self.act1 = blocks.activation(activation, activation_bits)
        self.pool1 = nn.MaxPool2d(2)
        self.conv2 = nn.Conv2d(first, second, 5, bias=False)
        self.bn2 = norm(nn.BatchNorm2d, second)
        self.act2 = blocks.activation(activation, activation_bits)
        self.pool2 = nn.MaxPool2d(2)
        self.dense1 = nn.Linear(second * 4 * 4, hidden, bias=False)
        self.bn3 = norm(nn.BatchNorm1d, hidden)
        self.act3 = blocks.activation(activation, activation_bits)
        self.classifier = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores [N, classes] of images [N, 1, 28, 28] in [0, 1]."""
        x = self.quant_in(x)  # [N, 1, 28, 28]
        pool = partial(pooled, first=self._pool_first)
        x = pool(self.conv1(x), self.bn1, self.act1, self.pool1)  # [N, first, 12, 12]
        x = pool(self.conv2(x), self.bn2, self.act2, self.pool2)  # [N, second, 4, 4]
        x = self.act3(self.bn3(self.dense1(torch.flatten(x, 1))))  # [N, hidden]
        scores: Tensor = self.classifier(x)  # [N, classes]
        return scores
