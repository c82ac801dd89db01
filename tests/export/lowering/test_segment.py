"""Stretches that begin at codes, and averages whose quotients float64 rounds; layers are in
test_lower."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tests.export.expect import raises
from tests.export.models import assert_same_integers, sequential
from tritforge.export.ir.nodes import Threshold
from tritforge.export.ir.requantize import Requantize
from tritforge.export.lowering.lower import LoweringError, lower
from tritforge.quant.activation import SignedQuantizer, UnsignedQuantizer
from tritforge.quant.pooling import GlobalPool, ImageMean


def rand(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(6))


@pytest.mark.parametrize("bits", [3, 6])
def test_codes_that_are_quantized_again(bits: int) -> None:
    norm = nn.BatchNorm2d(4)
    first, second = SignedQuantizer(4), UnsignedQuantizer(bits, step=0.7 / 2**bits)
    model = sequential(nn.Conv2d(2, 4, 3), first, nn.ReLU(), norm, nn.MaxPool2d(2), second)
    with torch.no_grad():
        norm.weight.abs_()
    lowered = lower(model, (2, 8, 8), name="net", argmax=False)
    kinds = [node.kind for node in lowered.network.nodes]
    assert kinds[:2] + kinds[3:] == ["convolution", "threshold", "max_pool"]
    assert isinstance(lowered.network.nodes[2], (Threshold, Requantize))
    assert assert_same_integers(model, lowered, rand(40, 2, 8, 8)) > 0


def test_codes_without_weights_before_them_must_not_fall() -> None:
    norm = nn.BatchNorm2d(4)
    model = sequential(nn.Conv2d(2, 4, 3), SignedQuantizer(3), norm, SignedQuantizer(3))
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, 1, -1, 1]))
    message = (
        "module '4' (SignedQuantizer): channel 2 falls when module '2' (SignedQuantizer) rises, "
        "and there "
        "are no weights between them to negate: keep the slopes positive"
    )
    with raises(LoweringError, message):
        lower(model, (2, 8, 8), name="net")


@pytest.mark.parametrize(
    "pool",
    [
        nn.AvgPool2d(3, 2, padding=1),
        nn.AvgPool2d((3, 2), 1),
        nn.AvgPool2d(2, divisor_override=3),
        nn.AdaptiveAvgPool2d((2, 1)),
        nn.AdaptiveAvgPool2d((None, 2)),
    ],
    ids=str,
)
def test_averages_that_are_rounded_are_quantized_again(pool: nn.Module) -> None:
    model = sequential(nn.Conv2d(1, 3, 1), UnsignedQuantizer(3), pool, UnsignedQuantizer(4))
    lowered = lower(model, (1, 6, 6), name="net", argmax=False)
    assert [node.kind for node in lowered.network.nodes[2:]] == ["sum_pool", "threshold"]
    assert assert_same_integers(model, lowered, rand(60, 1, 6, 6)) > 0


@pytest.mark.parametrize("extent", [4, 6])
def test_every_sum_of_an_image_is_quantized_as_torch_does_it(extent: int) -> None:
    """A step of 1/6 of that before makes ties, which a quotient may round to either side."""
    first = UnsignedQuantizer(4, step=1 / 16, learned=False)
    second = UnsignedQuantizer(6, step=1 / 96)
    model = nn.Sequential(first, ImageMean(), second)
    lowered = lower(model, (1, extent, extent), name="net", argmax=False)
    images = torch.zeros(15 * extent**2 + 1, extent**2)
    for total in range(len(images)):
        images[total, : total // 15] = 15 / 16
        if total % 15:
            images[total, total // 15] = total % 15 / 16
    assert assert_same_integers(model, lowered, images.reshape(-1, 1, extent, extent)) > 0


@pytest.mark.parametrize(
    ("pool", "size", "flat"),
    [
        (GlobalPool(), (6, 6), True),
        (nn.AvgPool2d(2, 2), (2, 2), False),
        (nn.AvgPool2d((2, 4), 1, padding=1), (2, 4), False),
        (nn.AdaptiveAvgPool2d(3), (2, 2), False),
    ],
    ids=str,
)
def test_scores_after_an_average_are_counted_in_its_quotients(
    pool: nn.Module, size: tuple[int, int], flat: bool
) -> None:
    conv = nn.Conv2d(1, 3, 1)
    with torch.no_grad():
        extent = pool(torch.zeros(1, 3, 6, 6)).numel()
    tail = [] if flat else [nn.Flatten()]
    model = sequential(conv, UnsignedQuantizer(3), pool, *tail, nn.Linear(extent, 4))
    lowered = lower(model, (1, 6, 6), name="net")
    node = lowered.network.nodes[2]
    assert (node.kind, node.size) == ("sum_pool", size)  # type: ignore[attr-defined]
    assert lowered.scales[node.name] < lowered.scales[node.input]
    assert assert_same_integers(model, lowered, rand(40, 1, 6, 6)) > 0
