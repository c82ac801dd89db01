from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from export.graph import SUPPORTED, ClassArgMax, LoweringError, read_steps
from quant.tracing import trace
from tests.export.expect import raises


class Model(nn.Module):
    """A model whose forward is a given function of itself and the inputs."""

    def __init__(self, function: Callable[..., Any], **modules: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x: Tensor) -> Any:
        return self.function(self, x)


def steps(function: Callable[..., Any], **modules: nn.Module) -> list[tuple[str, str, str | None]]:
    model = Model(function, **modules)
    return [(type(step.module).__name__, step.name, step.path) for step in read_steps(model, trace(model))]


def test_modules_of_a_nested_model() -> None:
    block = nn.Sequential(nn.ReLU(), nn.Sequential(nn.Linear(2, 2)))
    assert steps(lambda self, x: self.last(self.block(x)), block=block, last=nn.Identity()) == [
        ("ReLU", "block_0", "block.0"),
        ("Linear", "block_1_0", "block.1.0"),
        ("Identity", "last", "last"),
    ]


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (lambda self, x: F.relu(x), "ReLU"),
        (lambda self, x: torch.relu(x), "ReLU"),
        (lambda self, x: x.relu(), "ReLU"),
        (lambda self, x: F.dropout(x, 0.5, False), "Identity"),
        (lambda self, x: F.dropout(x, training=self.training), "Identity"),
        (lambda self, x: x.argmax(1), "ClassArgMax"),
        (lambda self, x: torch.argmax(x, dim=-1), "ClassArgMax"),
    ],
)
def test_functions_as_modules(function: Callable[..., Any], kind: str) -> None:
    model = Model(function).eval()
    (step,) = read_steps(model, trace(model))
    assert type(step.module).__name__ == kind
    assert step.path is None


@pytest.mark.parametrize(
    "function",
    [
        lambda self, x: torch.flatten(x, 1),
        lambda self, x: torch.flatten(x, start_dim=1, end_dim=-1),
        lambda self, x: torch.flatten(x),
        lambda self, x: x.flatten(1),
        lambda self, x: x.flatten(start_dim=1),
        lambda self, x: F.max_pool2d(x, 2),
        lambda self, x: F.max_pool2d(x, (2, 1), stride=2, padding=0),
        lambda self, x: F.max_pool2d(x, 3, ceil_mode=True, stride=3),
        lambda self, x: F.max_pool2d(x, 3, 2, 1, 1),
    ],
)
def test_functions_become_modules_that_do_the_same(function: Callable[..., Any]) -> None:
    model = Model(function)
    (step,) = read_steps(model, trace(model))
    x = torch.rand(2, 3, 8, 8)
    assert torch.equal(step.module(x), function(model, x))


def test_argmax_stands_for_itself() -> None:
    model = Model(lambda self, x: self.fc(x).argmax(1), fc=nn.Linear(2, 2))
    assert isinstance(read_steps(model, trace(model))[-1].module, ClassArgMax)


class Block(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.tanh()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda self, x: torch.sigmoid(x), "operation 'sigmoid' in Model.forward"),
        (lambda self, x: x.sigmoid(), "operation 'sigmoid' in Model.forward"),
        (lambda self, x: self.block(x), "operation 'tanh' in module 'block'"),
        (lambda self, x: x + x, "operation 'add' in Model.forward"),
        (lambda self, x: x * self.weight, "operation 'mul' in Model.forward"),
        (lambda self, x: x.view(-1, 4), "operation 'view' in Model.forward"),
        (lambda self, x: x.argmax(), "operation 'argmax' in Model.forward"),
        (lambda self, x: x.argmax(2), "operation 'argmax' in Model.forward"),
        (lambda self, x: F.dropout(x), "operation 'dropout' in Model.forward"),
    ],
)
def test_operation_that_is_not_supported(function: Callable[..., Any], message: str) -> None:
    model = Model(function, block=Block())
    model.weight = nn.Parameter(torch.ones(4))
    with raises(LoweringError, f"{message}: not supported here; supported are {SUPPORTED}"):
        read_steps(model, trace(model))


def test_branches() -> None:
    model = Model(lambda self, x: self.b(self.a(x)) + self.a(x), a=nn.ReLU(), b=nn.ReLU())
    with raises(LoweringError, "the input: its result is used 2 times, only a chain is supported"):
        read_steps(model, trace(model))

    def skip(self: Any, x: Tensor) -> Tensor:
        y = self.a(x)
        return y + self.b(y)

    model = Model(skip, a=nn.ReLU(), b=nn.ReLU())
    with raises(LoweringError, "module 'a' (ReLU): its result is used 2 times, only a chain is supported"):
        read_steps(model, trace(model))


def test_inputs_and_outputs_that_are_not_one() -> None:
    class Two(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return x + y

    with raises(LoweringError, "Two.forward must take one input, not 2"):
        read_steps(Two(), trace(Two()))
    model = Model(lambda self, x: (self.a(x),), a=nn.ReLU())
    with raises(LoweringError, "Model.forward must return one tensor"):
        read_steps(model, trace(model))
