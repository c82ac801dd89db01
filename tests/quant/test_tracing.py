from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from tritforge.quant.activation import UnsignedQuantizer
from tritforge.quant.tracing import TracingError, feeding_quantizer, score_layers, trace


class TwoHeads(nn.Module):
    """A trunk, a head on its codes, and a second head behind a pooling and a flattening."""

    def __init__(self) -> None:
        super().__init__()
        self.enter = UnsignedQuantizer(4, step=1 / 16, learned=False)
        self.trunk = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), UnsignedQuantizer(2))
        self.near = nn.Conv2d(2, 3, 1)
        self.far = nn.Linear(2, 5)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        codes = self.trunk(self.enter(x))  # [N, 2, 2, 2]
        pooled = nn.functional.max_pool2d(codes, 2).flatten(1)  # [N, 2]
        return self.near(codes), torch.relu(self.far(pooled))


def test_layers_of_scores_and_their_quantizers_are_found() -> None:
    model = TwoHeads()
    graph = trace(model)
    assert score_layers(model, graph) == ["near", "far"]
    assert feeding_quantizer(model, graph, "near") == "trunk.2"
    assert feeding_quantizer(model, graph, "far") == "trunk.2"
    assert feeding_quantizer(model, graph, "trunk.0") == "enter"


def test_a_layer_that_a_quantizer_or_a_layer_follows_gives_no_scores() -> None:
    model = nn.Sequential(
        UnsignedQuantizer(2), nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2), UnsignedQuantizer(2)
    )
    assert score_layers(model, trace(model)) == []
    assert score_layers(model[:4], trace(model[:4])) == ["3"]


def test_quantizers_and_layers_of_a_user_stay_whole() -> None:
    class Mine(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * 1

    model = nn.Sequential(UnsignedQuantizer(2), Mine(3, 2))
    assert [node.target for node in trace(model).nodes if node.op == "call_module"] == ["0", "1"]


def test_a_layer_without_a_quantizer_is_named() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
    with pytest.raises(TracingError) as caught:
        feeding_quantizer(model, trace(model), "2")
    assert str(caught.value) == (
        "layer '2' reads '0' without a quantizer between them: put an UnsignedQuantizer before the "
        "layer"
    )
    with pytest.raises(TracingError) as caught:
        feeding_quantizer(model, trace(model), "0")
    assert str(caught.value) == (
        "layer '0' reads 'input' without a quantizer between them: put an UnsignedQuantizer before "
        "the layer"
    )


def test_two_quantizers_for_one_layer_are_refused() -> None:
    class Joined(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = UnsignedQuantizer(2), UnsignedQuantizer(2)
            self.last = nn.Linear(2, 2)

        def forward(self, x: Tensor) -> Tensor:
            result: Tensor = self.last(self.left(x) + self.right(x))
            return result

    model = Joined()
    with pytest.raises(TracingError) as caught:
        feeding_quantizer(model, trace(model), "last")
    assert (
        str(caught.value)
        == "layer 'last' must be fed by one step, not by those of ['left', 'right']"
    )


def test_a_layer_used_by_its_parameters_alone_is_named() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(2, 2)

        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.linear(x, self.inner.weight)

    model = Functional()
    with pytest.raises(TracingError) as caught:
        feeding_quantizer(model, trace(model), "inner")
    assert str(caught.value) == "layer 'inner' is never called as a module by Functional.forward"


def test_control_flow_on_data_is_refused() -> None:
    class Branching(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if x.sum() > 0 else -x

    with pytest.raises(TracingError) as caught:
        trace(Branching())
    assert str(caught.value) == (
        "torch.fx cannot trace Branching.forward (symbolically traced variables cannot be used as "
        "inputs "
        "to control flow): write it without control flow that depends on the data"
    )
