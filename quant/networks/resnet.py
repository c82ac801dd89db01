"""Residual networks whose two branches meet in integers of one unit.

Before an addition both branches pass a signed quantizer of their own, and the two share one step:
the sum of their codes is exact, and what follows is again a row of thresholds.

[1] K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from torch import Tensor, nn
from torch.nn import functional

from tritforge.quant.activation import SignedQuantizer
from tritforge.quant.networks import blocks
from tritforge.quant.networks.blocks import at_least, pixels, widths
from tritforge.quant.pooling import GlobalPool

__all__ = ["CifarResNet", "ImageResNet", "resnets"]


class _PadShortcut(nn.Module):
    """Every stride-th pixel, padded with channels of 0: option A of [1], without weights."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.stride, self.added = stride, outputs - inputs

    def forward(self, x: Tensor) -> Tensor:
        """Return [N, C + added, H / stride, W / stride]."""
        low = self.added // 2
        subsampled = x[:, :, :: self.stride, :: self.stride]
        return functional.pad(subsampled, (0, 0, 0, 0, low, self.added - low))


class _Residual(nn.Module):
    """A residual block: activation(quantized(body(x)) + quantized(shortcut(x)))."""

    def __init__(
        self, body: nn.Module, shortcut: nn.Module, act: nn.Module, residual_bits: int | None
    ) -> None:
        super().__init__()
        self.body, self.shortcut, self.act = body, shortcut, act
        self.join_body: nn.Module = nn.Identity()
        self.join_shortcut: nn.Module = nn.Identity()
        if residual_bits is not None:
            first = SignedQuantizer(residual_bits)
            self.join_body, self.join_shortcut = first, SignedQuantizer(residual_bits, shared=first)

    def forward(self, x: Tensor) -> Tensor:
        """Return the codes of the sum, times their step."""
        joined: Tensor = self.act(
            self.join_body(self.body(x)) + self.join_shortcut(self.shortcut(x))
        )
        return joined


class _ResNet(nn.Module):
    """Common part of the residual networks: input quantizer, blocks, pooling over the image."""

    def __init__(
        self,
        input_bits: int,
        activation_bits: int,
        activation: str,
        residual_bits: int,
        classes: int,
    ) -> None:
        super().__init__()
        at_least(2, classes=classes)
        self._act = partial(blocks.activation, activation, activation_bits)
        self._residual_bits = None if activation == "float" else residual_bits
        self.quant_in = pixels(input_bits)
        self.pool = GlobalPool()

    def _unit(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[nn.Module]:
        """Return a convolution that keeps the size but for its stride, and its batch norm."""
        layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
        return [layer, nn.BatchNorm2d(outputs)]

    def _basic(self, inputs: int, outputs: int, stride: int, shortcut: nn.Module) -> nn.Module:
        """Return two convolutions of 3x3 with a shortcut."""
        body = [
            *self._unit(inputs, outputs, 3, stride),
            self._act(),
            *self._unit(outputs, outputs, 3),
        ]
        return _Residual(nn.Sequential(*body), shortcut, self._act(), self._residual_bits)

    def _bottleneck(self, inputs: int, outputs: int, stride: int, shortcut: nn.Module) -> nn.Module:
        """Return convolutions of 1x1, 3x3 (with the stride) and 1x1 with a shortcut."""
        inner = outputs // 4
        body = [
            *self._unit(inputs, inner, 1),
            self._act(),
            *self._unit(inner, inner, 3, stride),
            self._act(),
        ]
        body += self._unit(inner, outputs, 1)
        return _Residual(nn.Sequential(*body), shortcut, self._act(), self._residual_bits)

    def _stages(
        self,
        inputs: int,
        stages: Iterable[tuple[int, int]],
        block: Callable[[int, int, int, nn.Module], nn.Module],
        shortcut: Callable[[int, int, int], nn.Module],
    ) -> nn.Sequential:
        """Return all blocks; ``stages`` are their number and output channels, stage by stage.

        Every stage but the first begins with stride 2. ``block`` and ``shortcut`` take input
        channels, output channels and stride; the shortcut is the identity where nothing changes.
        """
        body: list[nn.Module] = []
        for stage, (depth, outputs) in enumerate(stages):
            for index in range(depth):
                stride = 2 if stage and not index else 1
                changes = stride != 1 or inputs != outputs
                skip = shortcut(inputs, outputs, stride) if changes else nn.Identity()
                body.append(block(inputs, outputs, stride, skip))
                inputs = outputs
        return nn.Sequential(*body)


class CifarResNet(_ResNet):
    """The residual network of 6 n + 2 layers: [N, 3, 32, 32] in [0, 1] -> scores [N, classes].

    A convolution of 3x3, then three stages of n blocks of two (section 4.2 of [1]), shortcuts of
    option A, and a dense layer.

    Parameters
    ----------
    blocks_per_stage: n: 3 is ResNet-20, 5 ResNet-32, 7 ResNet-44, 9 ResNet-56.
    channels: of the three stages.
    input_bits, activation_bits: width of a pixel and of the hidden activations, in bits.
    activation: kind of the hidden activations (``tritforge.quant.networks.blocks.ACTIVATIONS``).
    residual_bits: width of what is added, in bits; it does not matter with float activations.
    classes: number of scores.
    """

    def __init__(
        self,
        blocks_per_stage: int,
        channels: Sequence[int] = (16, 32, 64),
        input_bits: int = 8,
        activation_bits: int = 2,
        activation: str = "unsigned",
        residual_bits: int = 4,
        classes: int = 10,
    ) -> None:
        super().__init__(input_bits, activation_bits, activation, residual_bits, classes)
        first = widths(channels, 3)[0]
        self.stem = nn.Sequential(*self._unit(3, first, 3), self._act())
        self.blocks = self._stages(
            first, [(blocks_per_stage, width) for width in channels], self._basic, _PadShortcut
        )
        self.classifier = nn.Linear(channels[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores [N, classes] of images [N, 3, 32, 32] in [0, 1]."""
        x = self.blocks(self.stem(self.quant_in(x)))  # [N, 64, 8, 8]
        scores: Tensor = self.classifier(self.pool(x))  # [N, classes]
        return scores


class ImageResNet(_ResNet):
    """The residual network of table 1 of [1]: [N, 3, 224, 224] in [0, 1] -> scores.

    A convolution of 7x7/2, max pool 3/2, four stages of blocks, a dense layer. Where a block
    changes the size or the channels its shortcut is a convolution of 1x1 with a batch norm, option
    B.

    Parameters
    ----------
    depths: blocks of the four stages.
    bottleneck: whether a block is of three layers, with four times the channels outside.
    channels: of the four stages, inside a bottleneck.
    input_bits, activation_bits: width of a pixel and of the hidden activations, in bits.
    activation: kind of the hidden activations (``tritforge.quant.networks.blocks.ACTIVATIONS``).
    residual_bits: width of what is added, in bits; it does not matter with float activations.
    classes: number of scores.
    """

    def __init__(
        self,
        depths: Sequence[int],
        bottleneck: bool,
        channels: Sequence[int] = (64, 128, 256, 512),
        input_bits: int = 8,
        activation_bits: int = 2,
        activation: str = "unsigned",
        residual_bits: int = 4,
        classes: int = 1000,
    ) -> None:
        super().__init__(input_bits, activation_bits, activation, residual_bits, classes)
        first = widths(channels, 4)[0]
        self.stem = nn.Sequential(
            *self._unit(3, first, 7, 2), self._act(), nn.MaxPool2d(3, 2, padding=1)
        )
        outputs = [4 * width if bottleneck else width for width in channels]
        self.blocks = self._stages(
            first,
            zip(depths, outputs, strict=True),
            self._bottleneck if bottleneck else self._basic,
            lambda inputs, width, stride: nn.Sequential(*self._unit(inputs, width, 1, stride)),
        )
        self.classifier = nn.Linear(outputs[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores [N, classes] of images [N, 3, H, W] in [0, 1]."""
        x = self.blocks(self.stem(self.quant_in(x)))  # [N, width, H / 32, W / 32]
        scores: Tensor = self.classifier(self.pool(x))  # [N, classes]
        return scores


def resnets() -> dict[str, Callable[..., nn.Module]]:
    """Return the builders of the depths that the papers train, by name."""
    cifar = {f"resnet{6 * n + 2}": partial(CifarResNet, n) for n in (3, 5, 7, 9)}
    image = {
        "resnet18": partial(ImageResNet, (2, 2, 2, 2), False),
        "resnet34": partial(ImageResNet, (3, 4, 6, 3), False),
        "resnet50": partial(ImageResNet, (3, 4, 6, 3), True),
        "resnet101": partial(ImageResNet, (3, 4, 23, 3), True),
    }
    return {**cifar, **image}
