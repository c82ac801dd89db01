from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.export.models import shaken
from tritforge import quant
from tritforge.quant.activation import Quantizer
from tritforge.quant.evaluate import exact
from tritforge.quant.networks import build
from tritforge.quant.networks.resnet import CifarResNet, ImageResNet, _PadShortcut


@pytest.mark.parametrize(
    ("name", "layers", "weights"),
    [
        # of He et al.: layers with weights, and their weights without biases and batch norms
        ("resnet20", 20, 268_336),
        ("resnet32", 32, 461_872),
        ("resnet44", 44, 655_408),
        ("resnet56", 56, 848_944),
        (
            "resnet18",
            21,
            11_678_912,
        ),  # option B adds a layer to three stages, to four in a bottleneck
        ("resnet34", 37, 21_779_648),
        ("resnet50", 54, 25_502_912),
        ("resnet101", 105, 44_442_816),
    ],
)
def test_depths_and_weights(name: str, layers: int, weights: int) -> None:
    with torch.device("meta"):
        model = build(name)
    found = [m for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert len(found) == layers
    assert sum(layer.weight.numel() for layer in found) == weights


def test_the_shortcut_without_weights_subsamples_and_pads() -> None:
    x = torch.arange(2 * 4 * 4).reshape(1, 2, 4, 4)
    out = _PadShortcut(inputs=2, outputs=5, stride=2)(x)
    assert out.shape == (1, 5, 2, 2)
    assert torch.equal(out[:, 1:3], x[:, :, ::2, ::2])
    assert not out[:, [0, 3, 4]].any()


def tiny(kind: str) -> nn.Module:
    if kind == "cifar":
        return CifarResNet(1, channels=(2, 3, 4))
    return ImageResNet((1, 1, 1, 1), kind == "bottleneck", channels=(4, 4, 8, 8), classes=3)


@pytest.mark.parametrize("kind", ["cifar", "basic", "bottleneck"])
def test_both_branches_meet_in_integers_of_one_unit(kind: str) -> None:
    """Each sum and each input of a layer is a whole number of the step of the quantizers before
    it."""
    torch.manual_seed(0)
    model = exact(shaken(quant.ternarize(tiny(kind), "twn")))
    sums = []

    def check(block: nn.Module) -> None:
        first, second = block.get_submodule("join_body"), block.get_submodule("join_shortcut")
        assert isinstance(first, Quantizer)
        assert isinstance(second, Quantizer)
        assert (first.bits, first.signed) == (second.bits, second.signed) == (4, True)

        def hook(module: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
            units = inputs[0] / first.effective_step()
            assert torch.equal(units, units.round())
            assert torch.equal(first.effective_step(), second.effective_step())
            sums.append(units)

        block.get_submodule("act").register_forward_pre_hook(hook)

    blocks = [
        module
        for path, module in model.named_modules()
        if path.count(".") == 1 and "blocks" in path
    ]
    for block in blocks:
        check(block)
    model(torch.rand(2, 3, 32, 32, dtype=torch.float64))
    assert len(sums) == len(blocks) == (3 if kind == "cifar" else 4)
    assert all(total.unique().numel() > 3 for total in sums)


@pytest.mark.parametrize("kind", ["cifar", "basic", "bottleneck"])
def test_it_trains_in_all_its_weights(kind: str) -> None:
    model = quant.ternarize(tiny(kind), "ics")
    loss = nn.functional.cross_entropy(model(torch.rand(4, 3, 32, 32)), torch.tensor([0, 1, 2, 0]))
    loss.backward()
    assert all(
        p.grad is not None and p.grad.isfinite().all()
        for p in model.parameters()
        if p.requires_grad
    )


def test_float_activations_add_without_quantizers() -> None:
    model = CifarResNet(1, channels=(2, 3, 4), activation="float")
    assert [type(m) for m in model.modules() if isinstance(m, Quantizer)] == [type(model.quant_in)]
    assert model(torch.rand(2, 3, 32, 32)).shape == (2, 10)
