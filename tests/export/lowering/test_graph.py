from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.export.expect import raises
from tritforge.export.lowering.graph import ClassArgMax, LoweringError, read_steps
from tritforge.export.lowering.layers import ChannelPad, Subsample, Sum
from tritforge.export.lowering.supported import supported
from tritforge.quant.tracing import trace


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
    return [
        (type(step.module).__name__, step.name, step.path)
        for step in read_steps(model, trace(model))
    ]


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
        lambda self, x: x[:, :, ::2, ::3],
        lambda self, x: x[:, :, 0:, ::2],
        lambda self, x: F.pad(x, (0, 0, 0, 0, 2, 1)),
        lambda self, x: F.pad(x, [0, 0, 0, 0, 0, 1], value=0.0),
        lambda self, x: F.avg_pool2d(x, 3, stride=2, padding=1),
        lambda self, x: F.avg_pool2d(input=x, kernel_size=3),
        lambda self, x: F.adaptive_avg_pool2d(x, 2),
        lambda self, x: x.mean((2, 3)),
        lambda self, x: x.mean(dim=[-1, -2], keepdim=True),
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


SIGN = "not supported; nearest is an UnsignedQuantizer, or a SignedQuantizer where the sign counts"
JOIN = "not supported; nearest is the sum of two branches that end in quantizers with one step"
FLAT = "not supported; nearest is torch.flatten(x, 1)"
THIN = "not supported; nearest is x[:, :, ::s, ::s]"
PAD = "not supported; nearest is the padding of Conv2d, or zero channels"


class Block(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.tanh()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda self, x: torch.sigmoid(x), f"operation 'sigmoid' in Model.forward: {SIGN}"),
        (lambda self, x: x.sigmoid(), f"operation 'sigmoid' in Model.forward: {SIGN}"),
        (lambda self, x: self.block(x), f"operation 'tanh' in module 'block': {SIGN}"),
        (lambda self, x: x + 1, f"operation 'add' in Model.forward: {JOIN}"),
        (lambda self, x: torch.add(x, x, alpha=2), f"operation 'add' in Model.forward: {JOIN}"),
        (lambda self, x: x * self.weight, f"operation 'mul' in Model.forward: {JOIN}"),
        (lambda self, x: x.view(-1, 4), f"operation 'view' in Model.forward: {FLAT}"),
        (lambda self, x: x.argmax(), "operation 'argmax' in Model.forward: not supported"),
        (lambda self, x: x.argmax(2), "operation 'argmax' in Model.forward: not supported"),
        (lambda self, x: F.dropout(x), "operation 'dropout' in Model.forward: not supported"),
        (lambda self, x: x[:, :, 1::2, ::2], f"operation 'getitem' in Model.forward: {THIN}"),
        (lambda self, x: x[:, :, ::2], f"operation 'getitem' in Model.forward: {THIN}"),
        (lambda self, x: x[:, :2, ::2, ::2], f"operation 'getitem' in Model.forward: {THIN}"),
        (lambda self, x: F.pad(x, (1, 1, 0, 0, 1, 1)), f"operation 'pad' in Model.forward: {PAD}"),
        (lambda self, x: F.pad(x, (0, 0, 0, 0, 1, -1)), f"operation 'pad' in Model.forward: {PAD}"),
        (
            lambda self, x: F.pad(x, (0, 0, 0, 0, 1, 1), value=1),
            f"operation 'pad' in Model.forward: {PAD}",
        ),
        (
            lambda self, x: F.pad(x, (1, 1), mode="reflect"),
            f"operation 'pad' in Model.forward: {PAD}",
        ),
        (lambda self, x: x.mean(1), "operation 'mean' in Model.forward: not supported"),
    ],
)
def test_operation_that_is_not_supported(function: Callable[..., Any], message: str) -> None:
    model = Model(function, block=Block())
    model.weight = nn.Parameter(torch.ones(4))
    with raises(LoweringError, f"{message}; supported are {supported()}"):
        read_steps(model, trace(model))


def test_branches() -> None:
    """Steps come after what they read; what the output does not need is left out."""

    def forward(self: Any, x: Tensor) -> Tensor:
        y = self.a(x)
        self.unused(y)
        z = F.pad(y[:, :, ::2, ::2], (0, 0, 0, 0, 1, 2))
        return z + self.b(y) + z

    model = Model(forward, a=nn.ReLU(), b=nn.Conv2d(1, 4, 1, 2), unused=nn.ReLU())
    found = read_steps(model, trace(model))
    kinds = [nn.ReLU, Subsample, ChannelPad, nn.Conv2d, Sum, Sum]
    assert [type(step.module) for step in found] == kinds
    assert [step.inputs for step in found] == [(-1,), (0,), (1,), (0,), (2, 3), (4, 2)]
    assert [step.uses for step in found] == [2, 1, 2, 1, 1, 1]
    assert found[2].module.before == 1
    assert found[2].module.after == 2


def test_a_tensor_added_to_itself() -> None:
    model = Model(lambda self, x: x + x)
    (step,) = read_steps(model, trace(model))
    assert step.inputs == (-1, -1)


def test_functions_are_named_after_their_module() -> None:
    class Block(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.relu(x) + x

    model = Model(lambda self, x: self.parts(x), parts=nn.Sequential(Block()))
    assert [step.name for step in read_steps(model, trace(model))] == [
        "parts_0_relu",
        "parts_0_add",
    ]


def test_inputs_and_outputs_that_are_not_one() -> None:
    class Two(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return x + y

    with raises(LoweringError, "Two.forward must take one input, not 2"):
        read_steps(Two(), trace(Two()))
    model = Model(lambda self, x: (self.a(x),), a=nn.ReLU())
    with raises(LoweringError, "Model.forward must return one tensor"):
        read_steps(model, trace(model))
