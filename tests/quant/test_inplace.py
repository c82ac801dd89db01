from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, fx, nn

from tritforge.quant.inplace import InPlaceError
from tritforge.quant.tracing import TracingError, trace

Forward = Callable[[Tensor], Tensor]


class Model(nn.Module):
    def __init__(self, function: Callable[[Model, Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function
        self.relu, self.relu_in_place = nn.ReLU(), nn.ReLU(inplace=True)
        self.flat, self.drop = nn.Flatten(), nn.Dropout(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self, x)


def read_again(model: Model, x: Tensor) -> Tensor:
    x = model.relu(x)
    z = x
    z += 2 * x
    return x * z


def by_module(model: Model, x: Tensor) -> Tensor:
    x = x - 1
    y = model.relu_in_place(x)
    return x + 3 * y


def by_function(model: Model, x: Tensor) -> Tensor:
    x = x - 1
    nn.functional.relu(x, True)
    return nn.functional.avg_pool2d(x, 1) + x


def by_method(model: Model, x: Tensor) -> Tensor:
    x = x - 1
    before = x * 5
    x.add_(x)
    x *= 3
    return x + before


def by_out(model: Model, x: Tensor) -> Tensor:
    x, z = x - 1, x * 7
    torch.add(x, x, out=z)
    return z + x


def by_a_view_of_a_view(model: Model, x: Tensor) -> Tensor:
    x = (x - 1).view(2, 8).view(4, 4)
    x -= 1
    return x


def harmless(model: Model, x: Tensor) -> Tensor:
    x = model.drop(model.relu_in_place(x - 1))
    return model.relu_in_place(x) + nn.functional.max_pool2d(x, 1, 1, 0, 1, True)


RIGHT = (read_again, by_module, by_function, by_method, by_out, by_a_view_of_a_view, harmless)


@pytest.mark.parametrize("function", RIGHT, ids=lambda function: function.__name__)
def test_the_graph_computes_what_torch_does(function: Callable[[Model, Tensor], Tensor]) -> None:
    model = Model(function).eval()
    x = torch.arange(-7.0, 9.0).reshape(1, 1, 4, 4)
    graph = trace(model)
    assert not any(str(node.target).startswith("<built-in function i") for node in graph.nodes)
    made = fx.GraphModule(model, graph)(x.clone())
    assert torch.equal(made, model(x.clone()))


def through_a_view(model: Model, x: Tensor) -> Tensor:
    x = model.relu(x)
    flat = model.flat(x)
    flat += 1
    return x


def after_a_view(model: Model, x: Tensor) -> Tensor:
    x = model.relu(x)
    flat = x.reshape(-1).view(4, 4)
    x += 1
    return flat


def of_a_part(model: Model, x: Tensor) -> Tensor:
    x = model.relu(x)
    low, _ = torch.chunk(x, 2, 3)
    low.mul_(2)
    return x


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (through_a_view, "'iadd' in Model.forward changes 'flat' in place, and 'output' reads"),
        (after_a_view, "'iadd' in Model.forward changes 'relu' in place, and 'output' reads"),
        (of_a_part, "'mul_' in Model.forward changes 'getitem' in place, and 'output' reads"),
    ],
)
def test_a_change_seen_through_another_view_is_refused(
    function: Callable[[Model, Tensor], Tensor], message: str
) -> None:
    with pytest.raises(InPlaceError) as refused:
        trace(Model(function))
    assert str(refused.value).startswith(message)
    assert str(refused.value).endswith("make a new tensor instead, as in z = x + y")


def test_an_assigned_slice_is_refused() -> None:
    def assigned(model: Model, x: Tensor) -> Tensor:
        x = model.relu(x)
        x[0] = 1
        return x

    with pytest.raises(TracingError, match="item assignment"):
        trace(Model(assigned))


def of_its_data(model: Model, x: Tensor) -> Tensor:
    x = model.relu(x)
    x.data.add_(1)
    return x


def of_a_transpose(model: Model, x: Tensor) -> Tensor:
    x = model.relu(x)
    z = x.mT
    z += 1
    return x


def of_the_same(model: Model, x: Tensor) -> Tensor:
    x = model.relu(x)
    z = +x
    z += 1
    return x


def of_a_list(model: Model, x: Tensor) -> Tensor:
    x = model.relu(x)
    torch._foreach_add_([x], 1)
    return x


@pytest.mark.parametrize("function", [of_its_data, of_a_transpose, of_the_same, of_a_list])
def test_a_change_of_memory_that_is_not_followed_is_refused(
    function: Callable[[Model, Tensor], Tensor],
) -> None:
    with pytest.raises(InPlaceError, match="in place, and nothing reads its result: make a new"):
        trace(Model(function))
