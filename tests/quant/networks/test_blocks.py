from __future__ import annotations

import pytest
import torch
from torch import nn

from tests.export.models import assert_same_integers, shaken
from tritforge import quant
from tritforge.export.lowering.lower import lower
from tritforge.quant.activation import SignedQuantizer, TernaryActivation, UnsignedQuantizer
from tritforge.quant.networks import NETWORKS, build
from tritforge.quant.networks.blocks import ACTIVATIONS, activation, at_least, pixels, widths


def test_activations_by_name() -> None:
    kinds = [type(activation(kind, 3)) for kind in ACTIVATIONS]
    assert kinds == [UnsignedQuantizer, SignedQuantizer, TernaryActivation, nn.ReLU]
    with pytest.raises(ValueError) as caught:
        activation("tanh", 3)
    assert (
        str(caught.value)
        == "activation must be one of unsigned, signed, ternary, float, not 'tanh'"
    )


def test_checks_name_the_option() -> None:
    at_least(1, hidden=1)
    for call, message in (
        (lambda: at_least(2, classes=1), "classes must be an int of at least 2, not 1"),
        (lambda: at_least(1, hidden=True), "hidden must be an int of at least 1, not True"),
        (lambda: widths((1, 2), 3), "channels must be 3 positive ints, not (1, 2)"),
        (lambda: widths((1, 0, 2), 3), "channels must be 3 positive ints, not (1, 0, 2)"),
    ):
        with pytest.raises(ValueError) as caught:
            call()
        assert str(caught.value) == message


def test_eight_bits_of_a_pixel_are_its_byte() -> None:
    x = torch.arange(256) / 255
    assert torch.equal(pixels(8).codes(x), torch.arange(256.0))


def test_every_network_has_its_name() -> None:
    assert sorted(NETWORKS) == [
        "alexnet", "cnv", "digits", "lenet5", "resnet101", "resnet18", "resnet20", "resnet32", "resnet34",
        "resnet44", "resnet50", "resnet56", "vgg7",
    ]  # fmt: skip


SMALL = {
    "cnv": ({"channels": (3, 4, 5), "hidden": 6}, (3, 32, 32)),
    "digits": ({"channels": (3, 4)}, (1, 8, 8)),
    "lenet5": ({"channels": (3, 4), "hidden": 5}, (1, 28, 28)),
    "vgg7": ({"channels": (3, 4, 5), "hidden": 6}, (3, 32, 32)),
}


@pytest.mark.parametrize("kind", ["unsigned", "signed", "ternary"])
@pytest.mark.parametrize("name", SMALL)
def test_chains_give_the_same_integers_with_every_activation(name: str, kind: str) -> None:
    options, shape = SMALL[name]
    if name in ("lenet5", "vgg7"):
        options = {**options, "conv_relu": kind == "ternary"}
    torch.manual_seed(3)
    model = shaken(quant.ternarize(build(name, **options, activation=kind), "twn"))
    # Pools stand behind the quantizers, so that negative slopes, which shaken models have, do not
    # matter.
    images = torch.rand(3, *shape)
    assert assert_same_integers(model, lower(model, shape, name="net"), images) > 900
    assert ("ReLU" in str(model)) == options.get("conv_relu", False)


@pytest.mark.parametrize("name", SMALL)
def test_float_activations_train_and_are_refused_by_name_when_lowered(name: str) -> None:
    options, shape = SMALL[name]
    model = quant.ternarize(build(name, **options, activation="float"), "twn", integer_bias=False)
    loss = model(torch.rand(4, *shape)).square().mean()
    loss.backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)
    with pytest.raises(ValueError, match=r"must have an UnsignedQuantizer between it and"):
        lower(model, shape, name="net")
