"""Evaluation: accuracy, and the exact integers inside a trained model."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, fx, nn

from tritforge.quant.activation import Quantizer
from tritforge.quant.apply import accumulator_unit
from tritforge.quant.data.dataset import values
from tritforge.quant.pooling import average_of, divisor
from tritforge.quant.tracing import feeding_quantizer, nodes_between, score_layers, trace

__all__ = ["accuracy", "exact", "integer_activations", "predictions", "right_answers"]


def exact(model: nn.Module) -> nn.Module:
    """Return a copy of ``model`` in float64 and in evaluation mode.

    In it every convolution and dense layer between quantizers is exact integer arithmetic times a
    constant. It is the model the hardware is compared with.
    """
    return copy.deepcopy(model).double().eval()


@torch.no_grad()
def predictions(model: nn.Module, images: Tensor, batch: int = 256) -> Tensor:
    """Return the class [N], int64, of each image [N, C, H, W]; the lowest index among equal scores.

    The model's type, device and mode (training or evaluation) are not changed.

    Raises
    ------
    ValueError: ``batch`` is not positive.
    """
    if batch < 1:
        raise ValueError(f"batch must be positive, not {batch!r}")
    like = next(model.parameters())
    return torch.cat(
        [model(values(part, like)).argmax(1) for part in torch.split(images, batch)]
    ).cpu()


def right_answers(model: nn.Module, images: Tensor, labels: Tensor, batch: int = 256) -> int:
    """Return how many of ``images`` [N, C, H, W] the model gives their class in ``labels`` [N].

    The model computes in evaluation mode.
    """
    if not len(images):
        return 0
    training = model.training
    model.eval()
    try:
        return int((predictions(model, images, batch) == labels.cpu()).sum())
    finally:
        model.train(training)


def accuracy(model: nn.Module, images: Tensor, labels: Tensor, batch: int = 256) -> float:
    """Return the share of ``images`` [N, C, H, W] whose class is that in ``labels`` [N].

    The model computes in evaluation mode.

    Raises
    ------
    ValueError: no images, or not as many labels.
    """
    if len(images) != len(labels) or not len(images):
        raise ValueError(
            f"images and labels must be equally many and not none, not {len(images)} and "
            f"{len(labels)}"
        )
    return right_answers(model, images, labels, batch) / len(images)


@torch.no_grad()
def integer_activations(
    model64: nn.Module, images: Tensor, batch: int = 256
) -> dict[str, npt.NDArray[np.int64]]:
    """Return the integers that the exact model computes on ``images`` [N, C, H, W].

    Parameters
    ----------
    model64: what ``exact`` returns for a ternary model.
    batch: images per run; it bounds the memory and cannot change the integers.

    Returns
    -------
    By module path, in the order of the calls: the codes of each quantizer, in the layout torch
        gives them ([N, C, H, W] or [N, K]); and the scores [N, K] of each layer that no quantizer
        follows, in units of its accumulator.

    Raises
    ------
    ValueError: the model is not in float64 and evaluation mode, a quantizer or a layer of scores is
        called more than once, or a value is no integer multiple of its unit.
    """
    if model64.training or any(p.dtype != torch.float64 for p in model64.parameters()):
        raise ValueError(
            "model64 must be in float64 and in evaluation mode: pass "
            "tritforge.quant.evaluate.exact(model)"
        )
    graph = trace(model64)
    units = {
        path: m.effective_step() for path, m in model64.named_modules() if isinstance(m, Quantizer)
    }
    for path in score_layers(model64, graph):
        quantizer = model64.get_submodule(feeding_quantizer(model64, graph, path))
        assert isinstance(quantizer, Quantizer)
        unit = accumulator_unit(model64.get_submodule(path), quantizer) / _divisor(
            model64, graph, path, images
        )
        units[path] = (
            unit.reshape(-1, 1, 1) if isinstance(model64.get_submodule(path), nn.Conv2d) else unit
        )

    calls = [str(node.target) for node in graph.nodes if node.op == "call_module"]
    for path in units:
        if calls.count(path) > 1:
            raise ValueError(
                f"{path!r} is called {calls.count(path)} times: give each place a module of its own"
            )

    found: dict[str, list[npt.NDArray[np.int64]]] = {}

    def record(path: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
            found.setdefault(path, []).append(_integers(path, output, units[path]))

        return hook

    hooks = [model64.get_submodule(path).register_forward_hook(record(path)) for path in units]
    try:
        for part in torch.split(images, batch):
            model64(values(part, next(model64.parameters())))
    finally:
        for handle in hooks:
            handle.remove()
    return {path: np.concatenate(parts) for path, parts in found.items()}


def _divisor(model64: nn.Module, graph: fx.Graph, layer: str, images: Tensor) -> int:
    """Return the product of the divisors of the average pools between quantizer and layer."""
    pools = {node: average_of(model64, node) for node in nodes_between(model64, graph, layer)}
    if not any(pools.values()):
        return 1
    reader = _Shapes(fx.GraphModule(model64, graph))
    reader.run(values(images[:1], next(model64.parameters())))
    factor = 1
    for node, pool in pools.items():
        if pool is not None:
            factor *= divisor(pool, *reader.sizes[node])
    return factor


class _Shapes(fx.Interpreter):
    """Runs a graph and keeps the height and width of what each node reads."""

    def __init__(self, module: fx.GraphModule) -> None:
        super().__init__(module, garbage_collect_values=False)
        self.sizes: dict[fx.Node, tuple[int, int]] = {}

    def run_node(self, n: fx.Node) -> Any:
        """Run one node."""
        for source in n.all_input_nodes[:1]:
            found = self.env[source]
            if isinstance(found, Tensor) and found.ndim == 4:
                self.sizes[n] = (found.shape[2], found.shape[3])
        return super().run_node(n)


def _integers(path: str, value: Tensor, unit: Tensor) -> npt.NDArray[np.int64]:
    integers = (value / unit).round()
    if not torch.equal(integers * unit, value):
        raise ValueError(f"the output of {path!r} is not an integer multiple of its unit")
    return integers.to(torch.int64).cpu().numpy()
