from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from tritforge import quant
from tritforge.quant.activation import UnsignedQuantizer
from tritforge.quant.apply import IntegerBias, TernarizationError, accumulator_unit, ternarizer_of
from tritforge.quant.networks.digits import Digits
from tritforge.quant.tracing import TracingError


class Users(nn.Module):
    """A user's own module: nested containers, a residual branch, functional calls."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = UnsignedQuantizer(4, step=1 / 16, learned=False)
        self.stem = nn.ModuleDict(
            {"conv": nn.Conv2d(3, 4, 3, padding=1), "norm": nn.BatchNorm2d(4)}
        )
        self.act = UnsignedQuantizer(2)
        self.branch = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4))
        self.join = UnsignedQuantizer(2)
        self.score = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem["norm"](self.stem["conv"](self.enter(x)))  # [N, 4, H, W]
        codes = self.act(nn.functional.relu(x))
        joined = self.join(self.branch(codes) + codes)
        scores: Tensor = self.score(joined.amax(dim=(2, 3)))  # [N, 5]
        return scores


LAYERS = {Digits: ["conv1", "conv2", "classifier"], Users: ["stem.conv", "branch.0", "score"]}


@pytest.mark.parametrize("kind", LAYERS)
def test_every_layer_is_ternary_the_first_and_the_last_included(
    kind: Callable[[], nn.Module],
) -> None:
    torch.manual_seed(0)
    model = kind()
    latent = {path: model.get_submodule(path).weight.clone() for path in LAYERS[kind]}
    assert quant.ternarize(model, "ics", threshold_factor=0.2) is model
    ternary = [
        path for path, m in model.named_modules() if parametrize.is_parametrized(m, "weight")
    ]
    assert sorted(ternary) == sorted(LAYERS[kind])
    for path in ternary:
        layer = model.get_submodule(path)
        ternarizer, original = ternarizer_of(layer)
        assert torch.equal(original, latent[path])
        trits = ternarizer.decompose(original).planes[0]
        assert torch.equal(layer.weight, ternarizer.scale(original) * trits)
        assert {-1, 1} <= set(trits.unique().tolist()) <= {-1, 0, 1}


def test_only_the_bias_of_the_scores_becomes_integer() -> None:
    model = quant.ternarize(Users())
    assert isinstance(model.score.parametrizations["bias"][0], IntegerBias)
    assert not parametrize.is_parametrized(model.stem["conv"], "bias")
    assert isinstance(model.stem["conv"].bias, nn.Parameter)


def test_scores_without_a_bias_need_no_integer_bias() -> None:
    layers = nn.Linear(3, 3), UnsignedQuantizer(2), nn.Linear(3, 2, bias=False)
    model = quant.ternarize(nn.Sequential(*layers))
    assert not any(parametrize.is_parametrized(layer, "bias") for layer in model)


def test_the_integer_bias_is_a_rounded_number_of_units() -> None:
    model = quant.ternarize(Users()).double()
    bias = model.score.parametrizations["bias"]
    unit = accumulator_unit(model.score, model.join)
    ternarizer, latent = ternarizer_of(model.score)
    assert torch.equal(unit, ternarizer.scale(latent) * model.join.effective_step())
    with torch.no_grad():
        bias.original.copy_(unit * torch.tensor([-2.5, -0.5, 0.49, 0.5, 7.2], dtype=torch.float64))
    codes = bias[0].codes(bias.original)
    assert codes.dtype == torch.int64
    assert codes.tolist() == [-2, 0, 0, 1, 7]
    assert torch.equal(model.score.bias, unit * codes)


def test_the_integer_bias_passes_its_gradient_and_none_to_the_unit() -> None:
    model = quant.ternarize(Users())
    upstream = torch.tensor([1.0, -2.0, 3.0, 4.0, 5.0])
    model.score.bias.backward(upstream)
    assert torch.equal(model.score.parametrizations["bias"].original.grad, upstream)
    assert ternarizer_of(model.score)[1].grad is None
    assert model.join.step.grad is None


def test_every_parameter_of_a_users_module_gets_a_gradient() -> None:
    torch.manual_seed(0)
    model = quant.ternarize(Users())
    model(torch.rand(8, 3, 6, 6)).square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    assert ternarizer_of(model.stem["conv"])[1].grad.any()


def test_nothing_is_in_the_state_twice() -> None:
    model = Users()
    before = {id(p) for p in model.parameters()}
    names = set(model.state_dict())
    quant.ternarize(model)
    assert {id(p) for p in model.parameters()} == before
    renamed = {
        name.replace(".parametrizations.weight.original", ".weight").replace(
            ".parametrizations.bias.original", ".bias"
        )
        for name in model.state_dict()
    }
    assert renamed == names
    assert len(model.state_dict()) == len(names)


def test_a_copy_is_independent_and_refers_to_itself() -> None:
    model = quant.ternarize(Users())
    twin = copy.deepcopy(model).double()
    layer, quantizer = twin.score.parametrizations["bias"][0]._sources
    assert layer is twin.score
    assert quantizer is twin.join
    assert twin.score.bias.dtype == torch.float64
    before = model.score.bias.detach().clone()
    with torch.no_grad():
        twin.join.step.mul_(3)
    assert torch.equal(model.score.bias, before)
    assert not torch.equal(twin.score.bias.float(), before)


def test_float64_keeps_trits_and_agrees_with_the_decomposition() -> None:
    model = quant.ternarize(Digits()).double()
    for path in LAYERS[Digits]:
        layer = model.get_submodule(path)
        ternarizer, latent = ternarizer_of(layer)
        assert torch.equal(ternarizer.decompose(latent).weight(), layer.weight)


def test_without_integer_bias_no_graph_is_needed() -> None:
    class Untraceable(nn.Sequential):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x if x.sum() > 0 else -x)  # type: ignore[no-any-return]

    assert (
        quant.ternarize(Untraceable(nn.Linear(3, 2)), integer_bias=False)[0].weight.unique().numel()
        <= 3
    )
    assert quant.ternarize(Untraceable(nn.Linear(3, 2, bias=False)))[0].weight.unique().numel() <= 3
    model = Untraceable(nn.Linear(3, 2))
    with pytest.raises(TracingError) as caught:
        quant.ternarize(model)
    assert str(caught.value) == (
        "torch.fx cannot trace Untraceable.forward (symbolically traced variables cannot be used "
        "as inputs "
        "to control flow): write it without control flow that depends on the data, or pass "
        "integer_bias=False"
    )
    assert not parametrize.is_parametrized(model[0])


def with_shared_weight() -> nn.Module:
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    model[1].weight = model[0].weight
    return model


def with_module_twice() -> nn.Module:
    layer = nn.Linear(3, 3, bias=False)
    return nn.Sequential(layer, nn.ReLU(), layer)


def with_zero_weight() -> nn.Module:
    model = nn.Sequential(nn.Linear(3, 3), nn.Conv2d(1, 2, 3))
    nn.init.zeros_(model[1].weight)
    return model


REFUSED: list[tuple[Callable[[], nn.Module], dict[str, Any], type[ValueError], str]] = [
    (nn.ReLU, {}, TernarizationError, "ReLU has no Conv2d and no Linear to make ternary"),
    (with_shared_weight, {}, TernarizationError, "'0' and '1' share one weight: give each its own"),
    (with_module_twice, {}, TernarizationError, "'0' and '2' share one weight: give each its own"),
    (
        with_zero_weight,
        {},
        TernarizationError,
        "'1' (Conv2d) cannot be ternarized: the weight of shape [2, 1, 3, 3] is all zero: "
        "ICS finds no threshold in it",
    ),
    (
        lambda: nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.Conv1d(3, 3, 1))),
        {},
        TernarizationError,
        "'1.0' (Conv1d) cannot be ternary: only Conv2d and Linear can",
    ),
    (
        lambda: nn.Sequential(nn.MultiheadAttention(4, 2)),
        {},
        TernarizationError,
        "'0' (MultiheadAttention) cannot be ternary: only Conv2d and Linear can",
    ),
    (
        lambda: nn.Sequential(nn.LazyLinear(2)),
        {},
        TernarizationError,
        "the weight of '0' (LazyLinear) has no values yet: run one batch first",
    ),
    (
        lambda: quant.ternarize(nn.Sequential(nn.Linear(3, 3, bias=False))),
        {},
        TernarizationError,
        "the weight of '0' (ParametrizedLinear) is already parametrized",
    ),
    (
        lambda: nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2)),
        {},
        TracingError,
        "layer '2' reads '0' without a quantizer between them: put an UnsignedQuantizer before the "
        "layer, "
        "or pass integer_bias=False",
    ),
    (
        Users,
        {"method": "none"},
        ValueError,
        "method must be one of esa, ics, sttn, tga, ttq, twn, not 'none'",
    ),
    (
        Users,
        {"threshold": 0.1},
        ValueError,
        "method 'ics' has no option 'threshold'; it has threshold_factor, clip_gradient, "
        "expansion, expansion_factors",
    ),
    (
        Users,
        {"threshold_factor": 2},
        ValueError,
        "threshold_factor must be above 0 and below 1, not 2",
    ),
]


@pytest.mark.parametrize(("make", "options", "error", "message"), REFUSED)
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    make: Callable[[], nn.Module], options: dict[str, Any], error: type[ValueError], message: str
) -> None:
    model = make()
    before = str(model)
    with pytest.raises(error) as caught:
        quant.ternarize(model, **options)
    assert type(caught.value) is error
    assert str(caught.value) == message
    assert str(model) == before


def test_something_that_is_no_module_is_refused() -> None:
    with pytest.raises(TypeError) as caught:
        quant.ternarize("digits")  # type: ignore[arg-type]
    assert str(caught.value) == "model must be a torch.nn.Module, not 'digits'"


def test_a_float_layer_has_no_ternarizer() -> None:
    with pytest.raises(TernarizationError) as caught:
        ternarizer_of(nn.Linear(2, 2))
    assert str(caught.value) == "the weight of Linear is not ternary: call quant.ternarize first"
