"""Models that lowering must refuse, each with the whole message."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from tests.export.models import sequential
from tritforge import quant
from tritforge.export.lowering.supported import supported
from tritforge.quant.activation import UnsignedQuantizer
from tritforge.quant.methods.base import Decomposition, Ternarizer


def act(bits: int = 2) -> UnsignedQuantizer:
    return UnsignedQuantizer(bits)


def weight(model: nn.Module, index: int) -> nn.Parameter:
    """The latent weight of a layer of a Sequential."""
    latent: nn.Parameter = model.get_submodule(str(index)).parametrizations.weight.original  # type: ignore[union-attr,index]
    return latent


class TwoPlanes(Ternarizer):
    """A scale for each output channel, and two planes with coefficients 3 and 1."""

    def scale(self, latent: Tensor) -> Tensor:
        return 2.0 ** -torch.arange(len(latent), dtype=latent.dtype)

    def forward(self, latent: Tensor) -> Tensor:
        return self.decompose(latent.double()).weight().to(latent.dtype)

    def decompose(self, latent: Tensor) -> Decomposition:
        planes = torch.stack(
            [(latent > 0).char() - (latent < -0.1).char(), torch.sign(latent).char()]
        )
        return Decomposition(planes, (3, 1), self.scale(latent).double())


def not_ternary() -> nn.Module:
    return nn.Sequential(act(), nn.Linear(4, 2))


def per_channel_scores() -> nn.Module:
    model = nn.Sequential(act(), nn.Linear(4, 2, bias=False))
    parametrize.register_parametrization(model[1], "weight", TwoPlanes())
    return model


def lying_method() -> nn.Module:
    class Lying(TwoPlanes):
        def forward(self, latent: Tensor) -> Tensor:
            return 2 * super().forward(latent)

    model = nn.Sequential(act(), nn.Conv2d(4, 2, 1))
    parametrize.register_parametrization(model[1], "weight", Lying())
    return model


def zero_weight() -> nn.Module:
    model = sequential(nn.Linear(4, 2))
    with torch.no_grad():
        weight(model, 1).zero_()
    return model


def float_bias() -> nn.Module:
    model = nn.Sequential(UnsignedQuantizer(2, 0.25, False), nn.Flatten(), nn.Linear(64, 2))
    with torch.no_grad():
        model[2].weight.fill_(0.5)
        model[2].bias.copy_(torch.tensor([0.125, 0.1875]))
    return quant.ternarize(model, integer_bias=False)


def tiny_bias() -> nn.Module:
    model = sequential(nn.Conv2d(4, 2, 1), act())
    with torch.no_grad():
        weight(model, 1).fill_(0.5)
        model[1].bias.copy_(torch.tensor([0.5, 1e-20]))  # type: ignore[index]
    return model


class Branching(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


CONV = "module '1' (Conv2d)"
A_QUANTIZER = "an UnsignedQuantizer, or a SignedQuantizer where the sign counts"

REFUSED: list[tuple[Callable[[], nn.Module], str]] = [
    (
        lambda: sequential(nn.Conv2d(4, 2, 1), nn.Sigmoid(), act()),
        f"module '2' (Sigmoid): not supported; nearest is {A_QUANTIZER}; supported are "
        f"{supported()}",
    ),
    (
        lambda: sequential(nn.Conv2d(4, 2, 1), nn.CosineSimilarity(), act()),
        f"module '2' (CosineSimilarity): not supported; supported are {supported()}",
    ),
    (
        lambda: sequential(nn.Conv2d(4, 2, 1), nn.AvgPool2d(2), act()),
        f"module '2' (AvgPool2d): must have an UnsignedQuantizer between it and {CONV}",
    ),
    (
        lambda: sequential(act(), nn.AvgPool2d(3), nn.Flatten(), nn.Linear(4, 2)),
        "module '2' (AvgPool2d): divides by 9, which is no power of two: put a quantizer after "
        "it, "
        "or use tritforge.quant.pooling.GlobalPool",
    ),
    (
        lambda: nn.Sequential(act(), nn.AvgPool2d(3)),
        "module '1' (AvgPool2d): divides by 9, which is no power of two: put a quantizer after "
        "it, "
        "or use tritforge.quant.pooling.GlobalPool",
    ),
    (
        lambda: nn.Sequential(act(), nn.AvgPool2d(2, ceil_mode=True)),
        "module '1' (AvgPool2d): ceil_mode must be False",
    ),
    (
        lambda: nn.Sequential(act(), nn.AvgPool2d(2, padding=1, count_include_pad=False)),
        "module '1' (AvgPool2d): count_include_pad must be True: else the divisor changes at the "
        "edge",
    ),
    (
        lambda: nn.Sequential(act(), nn.AdaptiveAvgPool2d(3)),
        "module '1' (AdaptiveAvgPool2d): an output of 3x3 must divide its input of 4x4: use "
        "AvgPool2d",
    ),
    (
        lambda: nn.Sequential(act(), nn.Flatten(), act()),
        "module '2' (UnsignedQuantizer): must stand before the flatten, "
        "which changes the order of the elements",
    ),
    (
        lambda: quant.ternarize(nn.Sequential(nn.Conv2d(4, 2, 1, bias=False))),
        "module '0' (Conv2d): the model's input must go straight into an UnsignedQuantizer",
    ),
    (lambda: nn.Sequential(nn.Identity()), "the model computes nothing"),
    (
        lambda: nn.Sequential(act(), nn.Conv2d(4, 2, 1)),
        f"{CONV}: the weight of Conv2d is not ternary: call quant.ternarize first",
    ),
    (
        lying_method,
        f"{CONV}: its planes do not rebuild its weight: the ternarization method is at fault",
    ),
    (
        lambda: sequential(nn.Conv2d(4, 2, 1), nn.Conv2d(2, 2, 1), act(), integer_bias=False),
        f"module '2' (Conv2d): must have an UnsignedQuantizer between it and {CONV}",
    ),
    (
        lambda: sequential(nn.Conv2d(4, 2, 1), nn.Flatten(), act()),
        f"module '2' (Flatten): must have an UnsignedQuantizer between it and {CONV}",
    ),
    (
        lambda: sequential(nn.Conv2d(4, 2, 1), act(), nn.BatchNorm2d(2)),
        "module '3' (BatchNorm2d): must have an UnsignedQuantizer after it",
    ),
    (
        lambda: sequential(nn.Conv2d(4, 2, 1), nn.BatchNorm2d(2)),
        f"module '2' (BatchNorm2d): must have an UnsignedQuantizer after it: the scores of {CONV} "
        "allow a bias alone",
    ),
    (
        lambda: sequential(nn.Conv2d(4, 2, 1), nn.BatchNorm2d(2, track_running_stats=False), act()),
        "module '2' (BatchNorm2d): must keep running statistics: "
        "those of a batch are no function of one sample",
    ),
    (
        lambda: sequential(nn.Conv2d(4, 2, 3, padding=1, padding_mode="reflect"), act()),
        f"{CONV}: padding_mode must be 'zeros', not 'reflect'",
    ),
    (
        lambda: sequential(nn.Conv2d(4, 2, (3, 2), padding="same"), act()),
        f"{CONV}: padding 'same' needs an odd kernel, not (3, 2)",
    ),
    (
        lambda: sequential(nn.Conv2d(4, 2, 4, dilation=3), act()),
        "convolution 'layer_1': kernel (4, 4) with dilation (3, 3) is larger than the padded input "
        "of "
        "4x4x4 u3",
    ),
    (
        lambda: sequential(nn.Conv2d(3, 2, 1), act()),
        "convolution 'layer_1': takes 3 channels, not 4",
    ),
    (
        lambda: sequential(nn.Linear(4, 2), act()),
        "module '1' (Linear): takes a vector: put a Flatten before it",
    ),
    (
        lambda: sequential(nn.Flatten(), nn.Linear(4, 2)),
        "module '2' (Linear): takes 4 elements, its input has 64",
    ),
    (
        lambda: sequential(nn.Flatten(), nn.Conv2d(4, 2, 1), act()),
        "module '2' (Conv2d): takes an image, not a vector",
    ),
    (
        lambda: nn.Sequential(act(), nn.Flatten(), nn.MaxPool2d(2)),
        "module '2' (MaxPool2d): takes an image, not a vector",
    ),
    (
        lambda: sequential(nn.Flatten(2), nn.Linear(4, 2)),
        "module '1' (Flatten): must flatten all but the batch: start_dim=1, end_dim=-1",
    ),
    (
        lambda: nn.Sequential(act(), nn.MaxPool2d(3, 2, dilation=2)),
        "module '1' (MaxPool2d): dilation must be 1, not 2",
    ),
    (
        lambda: nn.Sequential(act(), nn.MaxPool2d(2, ceil_mode=True)),
        "module '1' (MaxPool2d): ceil_mode and return_indices must be False",
    ),
    (
        float_bias,
        "module '2' (Linear): the bias of channel 1 must be a multiple of 0.125, not 0.1875",
    ),
    (
        tiny_bias,
        f"{CONV}: channel 1 needs more than 53 bits to be exact in float64, with unit 0.0625 and "
        "bias "
        f"{float(torch.tensor(1e-20))!r}: train without this bias, or give it fewer significant "
        "bits",
    ),
]
