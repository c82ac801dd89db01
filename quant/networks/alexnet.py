"""AlexNet with batch norms, as the papers on ternary weights train it on ImageNet."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from tritforge.quant.networks.blocks import at_least, pixels, with_norm_act

__all__ = ["AlexNet"]


class AlexNet(nn.Module):
    """Five convolutions and three dense layers: [N, 3, 224, 224] in [0, 1] -> scores [N, classes].

    96-C11/4, max pool 3/2, 256-C5, max pool 3/2, 384-C3, 384-C3, 256-C3, max pool 3/2, dense 4096,
    dense 4096, dense 1000 [1], in one group; a batch norm in place of each response normalization
    and dropout.

    Parameters
    ----------
    hidden: outputs of the two hidden dense layers.
    input_bits, activation_bits: width of a pixel and of the hidden activations, in bits.
    activation: kind of the hidden activations (``tritforge.quant.networks.blocks.ACTIVATIONS``).
    classes: number of scores.

    [1] A. Krizhevsky, I. Sutskever, G. Hinton, "ImageNet classification with deep convolutional
    neural networks", NIPS 2012, section 3.5.
    """

    def __init__(
        self,
        hidden: int = 4096,
        input_bits: int = 8,
        activation_bits: int = 2,
        activation: str = "unsigned",
        classes: int = 1000,
    ) -> None:
        super().__init__()
        at_least(1, hidden=hidden)
        at_least(2, classes=classes)
        norm_act = partial(with_norm_act, kind=activation, bits=activation_bits)
        self.quant_in = pixels(input_bits)
        self.features = nn.Sequential(
            *norm_act(nn.Conv2d(3, 96, 11, 4, padding=2, bias=False)),
            nn.MaxPool2d(3, 2),
            *norm_act(nn.Conv2d(96, 256, 5, padding=2, bias=False)),
            nn.MaxPool2d(3, 2),
            *norm_act(nn.Conv2d(256, 384, 3, padding=1, bias=False)),
            *norm_act(nn.Conv2d(384, 384, 3, padding=1, bias=False)),
            *norm_act(nn.Conv2d(384, 256, 3, padding=1, bias=False)),
            nn.MaxPool2d(3, 2),
        )
        self.dense = nn.Sequential(
            *norm_act(nn.Linear(256 * 6 * 6, hidden, bias=False)),
            *norm_act(nn.Linear(hidden, hidden, bias=False)),
        )
        self.classifier = nn.Linear(hidden, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores [N, classes] of images [N, 3, 224, 224] in [0, 1]."""
        x = self.features(self.quant_in(x))  # [N, 256, 6, 6]
        scores: Tensor = self.classifier(self.dense(torch.flatten(x, 1)))  # [N, classes]
        return scores
