from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tritforge.quant.pooling import GlobalPool, ImageMean, average_of, divisor
from tritforge.quant.tracing import trace


@pytest.mark.parametrize(("extent", "factor"), [(8, 1 / 64), (7, 1 / 64), (1, 1.0), (5, 1 / 32)])
def test_the_sum_over_an_image_is_times_a_power_of_two(extent: int, factor: float) -> None:
    x = torch.randint(0, 4, (2, 3, extent, extent)).double()
    assert torch.equal(GlobalPool()(x), x.sum((2, 3)) * factor)


@pytest.mark.parametrize(
    "pool",
    [
        *(nn.AvgPool2d(2), nn.AvgPool2d((3, 2), 1), nn.AvgPool2d(2, divisor_override=5)),
        *(nn.AdaptiveAvgPool2d(2), nn.AdaptiveAvgPool2d((3, None)), ImageMean(), GlobalPool()),
    ],
    ids=str,
)
def test_an_average_divides_the_sum_of_its_window(pool: nn.Module) -> None:
    """One pixel of 1 in a window of zeros."""
    x = torch.zeros(1, 1, 6, 6, dtype=torch.float64)
    x[0, 0, 0, 0] = 1
    assert pool(x).flatten()[0] == torch.ones(1, dtype=torch.float64) / divisor(pool, 6, 6)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: functional.avg_pool2d(x, 2),
        lambda x: functional.avg_pool2d(input=x, kernel_size=3, stride=1, divisor_override=2),
        lambda x: functional.adaptive_avg_pool2d(x, (2, 3)),
        lambda x: functional.adaptive_avg_pool2d(x, output_size=1),
        lambda x: x.mean((2, 3)),
        lambda x: torch.mean(x, dim=(-1, -2), keepdim=True),
    ],
)
def test_functions_that_average_as_modules(function: Callable[[Tensor], Tensor]) -> None:
    class Model(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return function(x)

    node = next(node for node in trace(Model()).nodes if node.op.startswith("call"))
    pool = average_of(Model(), node)
    assert pool is not None
    x = torch.rand(2, 3, 6, 6)
    assert torch.equal(pool(x), function(x))


def test_what_is_no_average_over_windows() -> None:
    model = nn.Sequential(nn.MaxPool2d(2), GlobalPool())
    found = [average_of(model, node) for node in trace(model).nodes if node.op == "call_module"]
    assert found == [None, model[1]]

    class Channels(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.mean(1)

    assert [average_of(Channels(), node) for node in trace(Channels()).nodes] == [None] * 3
