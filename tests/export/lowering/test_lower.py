from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.export.expect import raises
from tests.export.models import assert_same_integers, sequential, shaken
from tests.export.refused import (
    REFUSED,
    Branching,
    act,
    not_ternary,
    per_channel_scores,
    zero_weight,
)
from tritforge import quant
from tritforge.export.ir.nodes import Network, Threshold
from tritforge.export.lowering.lower import LoweringError, lower
from tritforge.quant.networks.digits import Digits


def names(network: Network) -> list[str]:
    return [node.name for node in network.nodes]


def rand(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(5))


def test_digits_has_the_nodes_of_the_contract() -> None:
    lowered = lower(quant.ternarize(Digits()), (1, 8, 8), name="digits")
    assert names(lowered.network) == [
        "conv1",
        "act1",
        "pool1",
        "conv2",
        "act2",
        "flatten",
        "classifier",
        "classifier_bias",
        "argmax",
    ]
    assert lowered.network.name == "digits"
    assert str(lowered.network.input) == "8x8x1 u4"
    assert lowered.sources == {
        "input": "quant_in",
        "act1": "act1",
        "act2": "act2",
        "classifier_bias": "classifier",
    }
    assert lowered.input_step == 1 / 16
    assert lowered.scales["input"] == 1 / 16
    assert lowered.scales["pool1"] == lowered.scales["act1"]
    assert set(lowered.scales) == {*names(lowered.network), "input"} - {"conv1", "conv2", "argmax"}


def test_model_is_not_changed() -> None:
    model = quant.ternarize(Digits())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    lower(model, (1, 8, 8), name="digits")
    assert model.training
    after = model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert all(value.dtype != torch.float64 for value in after.values())


def test_lowering_twice_gives_the_same_integers() -> None:
    model = shaken(quant.ternarize(Digits()))
    one, two = (lower(model, (1, 8, 8), name="digits").network for _ in range(2))
    for first, second in zip(one.nodes, two.nodes, strict=True):
        for key, value in vars(first).items():
            np.testing.assert_array_equal(vars(second)[key], value)


def test_sequential_with_functions_of_modules_and_doubled_pools() -> None:
    model = sequential(
        nn.Conv2d(1, 3, 3, padding="same"),
        act(),
        pool := nn.MaxPool2d(2),
        nn.Dropout(),
        nn.Conv2d(3, 2, 1, padding="valid"),
        nn.ReLU(),
        act(),
        nn.ReLU(),
        pool,
        nn.Identity(),
        nn.Flatten(),
        nn.Linear(8, 3),
    )
    lowered = lower(model, (1, 8, 8), name="net")
    assert names(lowered.network) == [
        *("layer_1", "layer_2", "layer_3", "layer_5", "layer_7", "layer_3_2", "layer_11"),
        *("layer_12", "layer_12_bias", "argmax"),
    ]
    assert assert_same_integers(model, lowered, rand(9, 1, 8, 8)) > 0


class Functional(nn.Module):
    """Everything that can be a function is one, and the blocks are nested."""

    def __init__(self) -> None:
        super().__init__()
        self.first = act(3)
        self.body = nn.ModuleDict(
            {"conv": nn.Conv2d(2, 3, 3), "norm": nn.BatchNorm2d(3), "act": act()}
        )
        self.head = nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body["act"](F.relu(self.body["norm"](self.body["conv"](self.first(x)))))
        x = F.dropout(F.max_pool2d(x, 2), training=self.training)
        return torch.argmax(self.head(x.flatten(1)), dim=1)


def test_model_with_functions() -> None:
    torch.manual_seed(0)
    model = shaken(quant.ternarize(Functional()))
    lowered = lower(model, (2, 6, 6), name="net", argmax=False)
    assert names(lowered.network) == [
        *("body_conv", "body_act", "max_pool2d", "flatten", "head", "head_bias", "argmax"),
    ]
    assert lowered.sources["body_act"] == "body.act"
    assert assert_same_integers(model, lowered, rand(11, 2, 6, 6)) > 0


def test_network_may_end_with_codes() -> None:
    model = sequential(nn.Linear(4, 3), act())
    lowered = lower(model, (4,), name="net", argmax=False)
    assert names(lowered.network) == ["layer_1", "layer_2"]
    assert isinstance(lowered.network.nodes[1], Threshold)
    assert assert_same_integers(model, lowered, rand(20, 4)) == 20 * 7


def test_names_that_clash_get_a_number() -> None:
    class Clash(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = act()
            self.a = nn.Sequential(nn.Linear(4, 4))
            self.mid = act()
            self.a_0 = nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            scores: Tensor = self.a_0(self.mid(self.a(self.first(x))))
            return scores

    lowered = lower(quant.ternarize(Clash()), (4,), name="net")
    assert names(lowered.network) == ["a_0", "mid", "a_0_2", "a_0_2_bias", "argmax"]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_refused(make: Callable[[], nn.Module], message: str) -> None:
    model = make()  # outside of the block: what cannot even be ternarized tests nothing here
    with raises(LoweringError, message):
        lower(model, (4, 4, 4), name="net", argmax=False)


def test_module_called_twice() -> None:
    shared = act()
    model = sequential(nn.Linear(4, 4), shared, nn.Linear(4, 4), shared, nn.Linear(4, 2))
    message = "module '2' (UnsignedQuantizer): is called twice: give each place a module of its own"
    with raises(LoweringError, message):
        lower(model, (4,), name="net")


def test_scores_with_several_scales() -> None:
    with raises(LoweringError, "module '1' (Linear): scores must have one scale for all channels"):
        lower(per_channel_scores(), (4,), name="net")


def test_weight_that_became_zero() -> None:
    message = (
        "module '1' (Linear): the weight of shape [2, 4] is all zero: ICS finds no threshold in it"
    )
    with raises(LoweringError, message):
        lower(zero_weight(), (4,), name="net")


def test_model_that_cannot_be_traced() -> None:
    with pytest.raises(LoweringError, match=r"^torch\.fx cannot trace Branching\.forward "):
        lower(Branching(), (4,), name="net")


@pytest.mark.parametrize("shape", [(), (1, 2), (1, 2, 3, 4)])
def test_input_shape_of_another_rank(shape: tuple[int, ...]) -> None:
    with raises(LoweringError, f"input_shape must be (C, H, W) or (K,), not {shape!r}"):
        lower(not_ternary(), shape, name="net")


def test_contract_speaks_through_lowering() -> None:
    model = sequential(nn.Linear(4, 2))
    with raises(LoweringError, "a network's name must be an identifier, not 'a b'"):
        lower(model, (4,), name="a b")
    with raises(LoweringError, "channels must be a positive int, not 0"):
        lower(model, (0,), name="net")
    image = sequential(nn.Conv2d(4, 2, 1), act())
    with raises(LoweringError, "argmax 'argmax': takes a vector, not 4x4x2 u2"):
        lower(image, (4, 4, 4), name="net")
