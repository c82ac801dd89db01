from __future__ import annotations

import pytest
import torch

from tritforge import quant
from tritforge.quant.evaluate import exact, integer_activations
from tritforge.quant.networks import build
from tritforge.quant.networks.lenet5 import LeNet5


def test_shapes_and_weights_are_those_of_the_papers() -> None:
    model = quant.ternarize(build("lenet5"))
    codes = integer_activations(exact(model), torch.rand(2, 1, 28, 28))
    assert {name: array.shape for name, array in codes.items()} == {
        "quant_in": (2, 1, 28, 28),
        "act1": (2, 32, 24, 24),
        "act2": (2, 64, 8, 8),
        "act3": (2, 512),
        "classifier": (2, 10),
    }
    assert all(codes[name].max() <= 3 for name in ("act1", "act2", "act3"))
    layers = [
        module
        for module in model.modules()
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear))
    ]
    assert [len(layer.weight.detach().unique()) for layer in layers] == [3, 3, 3, 3]
    assert sum(layer.weight.numel() for layer in layers) == 581_408


def test_shapes_follow_the_options() -> None:
    model = quant.ternarize(
        build("lenet5", channels=[3, 4], hidden=5, input_bits=3, activation_bits=1, classes=7)
    )
    codes = integer_activations(exact(model), torch.rand(1, 1, 28, 28))
    assert {name: array.shape[1:] for name, array in codes.items()} == {
        "quant_in": (1, 28, 28),
        "act1": (3, 24, 24),
        "act2": (4, 8, 8),
        "act3": (5,),
        "classifier": (7,),
    }
    assert codes["quant_in"].max() <= 7
    assert codes["act1"].max() <= 1


def test_the_input_codes_are_the_bytes_of_the_image() -> None:
    pixels = torch.arange(28 * 28).reshape(1, 1, 28, 28) % 256
    model = exact(quant.ternarize(LeNet5(channels=(1, 1), hidden=1)))
    codes = integer_activations(model, pixels.to(torch.float32) / 255)["quant_in"]
    assert torch.equal(torch.from_numpy(codes), pixels)


@pytest.mark.parametrize("options", [{}, {"conv_relu": True, "activation": "ternary"}], ids=str)
def test_pooling_first_is_for_training_and_changes_no_value(options: dict[str, object]) -> None:
    """With slopes above 0 both orders are one function; it pools first only where statistics are
    taken."""
    first = build("lenet5", channels=[3, 4], hidden=5, pool_first=True, **options)
    last = build("lenet5", channels=[3, 4], hidden=5, **options)
    last.load_state_dict(first.state_dict())
    x = torch.rand(8, 1, 28, 28)
    sizes: list[torch.Size] = []
    norm = next(module for module in first.modules() if isinstance(module, torch.nn.BatchNorm2d))
    norm.register_forward_hook(lambda module, inputs, output: sizes.append(inputs[0].shape[2:]))
    first.train()(x)
    last.load_state_dict(first.state_dict())
    assert torch.equal(first.eval()(x), last.eval()(x))
    # as tritforge.quant.training.recalibrate has it: of the deployed weights, in the order of
    # training
    norm.train()
    first(x)
    assert [tuple(size) for size in sizes] == [(12, 12), (24, 24), (12, 12)]


def test_slopes_stay_positive_where_training_pools_first() -> None:
    model = build("lenet5", channels=[3, 4], hidden=5, pool_first=True)
    norms = [
        module
        for module in model.modules()
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)
    ]
    assert len(norms) == 3
    with torch.no_grad():
        for norm in norms:
            norm.weight[0] = -1.0
    model.eval()(torch.rand(2, 1, 28, 28))
    assert all(norm.weight[0] == -1 for norm in norms)  # evaluation changes nothing
    model.train()(torch.rand(2, 1, 28, 28)).sum().backward()
    assert all(norm.weight[0] == 2**-10 and norm.weight[1] == 1 for norm in norms)
    free = build("lenet5", channels=[3, 4], hidden=5)
    with torch.no_grad():
        free.bn1.weight[0] = -1.0
    free.train()(torch.rand(2, 1, 28, 28))
    assert free.bn1.weight[0] == -1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": (16,)}, "channels must be 2 positive ints, not (16,)"),
        ({"channels": (16, 0)}, "channels must be 2 positive ints, not (16, 0)"),
        ({"hidden": 0}, "hidden must be an int of at least 1, not 0"),
        ({"classes": 1}, "classes must be an int of at least 2, not 1"),
    ],
)
def test_what_does_not_exist_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        build("lenet5", **options)
    assert str(caught.value) == message
