"""Make any model ternary with one call."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from tritforge.errors import UserError
from tritforge.quant.activation import Quantizer
from tritforge.quant.methods.base import Ternarizer, create
from tritforge.quant.numerics import straight_through
from tritforge.quant.tracing import TracingError, feeding_quantizer, score_layers, trace

__all__ = ["IntegerBias", "TernarizationError", "accumulator_unit", "ternarize", "ternarizer_of"]

_MatrixLayer = nn.Conv2d | nn.Linear

_UNSUPPORTED = (
    nn.modules.conv._ConvNd,
    nn.Bilinear,
    nn.RNNBase,
    nn.RNNCellBase,
    nn.MultiheadAttention,
    nn.Embedding,
    nn.EmbeddingBag,
)
"""Modules with multiplying weights that are neither Conv2d nor Linear."""


class TernarizationError(UserError):
    """A model that cannot be made ternary; the message names the module's path."""


class IntegerBias(nn.Module):
    """A parametrization of a bias: an integer number of the layer's accumulator units.

    value = unit * floor(bias / unit + 1/2) with unit = (weight scale) * (step of the quantizer that
    feeds the layer), so that layer output / unit is an integer. The gradient passes unchanged; none
    goes to the unit.

    Parameters
    ----------
    layer: the layer that owns the bias; its weight is already parametrized.
    quantizer: the quantizer whose codes enter the layer.
    """

    def __init__(self, layer: nn.Module, quantizer: Quantizer) -> None:
        super().__init__()
        # In a tuple, so that torch does not register them: their parameters belong to the model.
        self._sources = (layer, quantizer)

    def unit(self) -> Tensor:
        """Return the accumulator unit, without a gradient: 0-d, or [O] for a scale per channel."""
        layer, quantizer = self._sources
        return accumulator_unit(layer, quantizer)

    def codes(self, bias: Tensor) -> Tensor:
        """Return the bias [O] in accumulator units, int64."""
        return _round(bias, self.unit()).to(torch.int64)

    def forward(self, bias: Tensor) -> Tensor:
        """Return the bias [O] rounded to whole units."""
        unit = self.unit()
        return straight_through(unit * _round(bias, unit), bias)


def ternarize(
    model: nn.Module, method: str = "ics", *, integer_bias: bool = True, **options: Any
) -> nn.Module:
    """Make the weight of every Conv2d and Linear of ``model`` ternary.

    The first and the last layer are included. The method is registered as a parametrization of each
    weight: from now on ``layer.weight`` is the scaled ternary weight and
    ``layer.parametrizations.weight.original`` the latent one that the optimizer moves. A bias whose
    layer reaches the model's output without a quantizer after it becomes an integer in accumulator
    units (``IntegerBias``); another bias stays float, because it folds into the thresholds of the
    quantizer that follows.

    Parameters
    ----------
    model: any module; changed in place. Its forward must be traceable by torch.fx if a layer has a
        bias.
    method: a name in ``tritforge.quant.methods.base.METHODS``.
    integer_bias: whether to make the biases of the scores integer; without it no graph is needed.
    options: the method's own, such as ``threshold_factor`` of ICS.

    Returns
    -------
    The same model.

    Raises
    ------
    TypeError: ``model`` is no module.
    ValueError: unknown method or option, or an option out of range.
    TernarizationError: no such layer, a kind of layer that cannot be ternary, a weight that is
        shared, already parametrized, uninitialized, all zero or not finite.
    TracingError: an integer bias is needed and the graph cannot be read or has no quantizer for it.
        After any of these errors the model is unchanged.

    >>> model = nn.Sequential(nn.Conv2d(1, 4, 3, bias=False))
    >>> model = ternarize(model, "ics", threshold_factor=0.1)
    >>> len(model[0].weight.unique())
    3
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, not {model!r}")
    layers = _matrix_layers(model)
    ternarizers = {path: create(method, options) for path in layers}
    for path, layer in layers.items():
        try:
            ternarizers[path].decompose(ternarizers[path].right_inverse(layer.weight.detach()))
        except ValueError as error:
            raise TernarizationError(
                f"{_describe(path, layer)} cannot be ternarized: {error}"
            ) from error
    biases = _integer_biases(model, layers) if integer_bias else {}
    for path, layer in layers.items():
        parametrize.register_parametrization(layer, "weight", ternarizers[path])
    for path, quantizer in biases.items():
        parametrize.register_parametrization(
            layers[path], "bias", IntegerBias(layers[path], quantizer)
        )
    return model


def ternarizer_of(layer: nn.Module) -> tuple[Ternarizer, Tensor]:
    """Return the ternarizer of a layer's weight and the latent weight.

    Raises
    ------
    TernarizationError: the weight of the layer is not ternary.
    """
    if parametrize.is_parametrized(layer, "weight"):
        weight: Any = layer.parametrizations["weight"]  # type: ignore[index]
        if isinstance(weight[0], Ternarizer):
            return weight[0], weight.original
    raise TernarizationError(
        f"the weight of {type(layer).__name__} is not ternary: call quant.ternarize first"
    )


@torch.no_grad()
def accumulator_unit(layer: nn.Module, quantizer: Quantizer) -> Tensor:
    """Return the real value of 1 in the accumulator of ``layer``, without a gradient.

    It is the weight scale times the step of ``quantizer``: 0-d, or [O] for a scale per channel.

    Raises
    ------
    TernarizationError: the weight of ``layer`` is not ternary.
    """
    ternarizer, latent = ternarizer_of(layer)
    return ternarizer.scale(latent) * quantizer.effective_step()


def _matrix_layers(model: nn.Module) -> dict[str, _MatrixLayer]:
    """Return every Conv2d and Linear by its path, after checking that each can be made ternary."""
    layers: dict[str, _MatrixLayer] = {}
    owners: dict[int, str] = {}
    for path, module in model.named_modules(remove_duplicate=False):
        if isinstance(module, _UNSUPPORTED) and not isinstance(module, nn.Conv2d):
            raise TernarizationError(
                f"{_describe(path, module)} cannot be ternary: only Conv2d and Linear can"
            )
        if not isinstance(module, (nn.Conv2d, nn.Linear)):
            continue
        if parametrize.is_parametrized(module, "weight"):
            raise TernarizationError(
                f"the weight of {_describe(path, module)} is already parametrized"
            )
        weight = module.weight
        if isinstance(weight, nn.parameter.UninitializedParameter):
            raise TernarizationError(
                f"the weight of {_describe(path, module)} has no values yet: run one batch first"
            )
        if id(weight) in owners:
            raise TernarizationError(
                f"{owners[id(weight)]!r} and {path!r} share one weight: give each its own"
            )
        owners[id(weight)] = path
        layers[path] = module
    if not layers:
        raise TernarizationError(
            f"{type(model).__name__} has no Conv2d and no Linear to make ternary"
        )
    return layers


def _integer_biases(model: nn.Module, layers: dict[str, _MatrixLayer]) -> dict[str, Quantizer]:
    """Return, for each layer whose bias must become integer, the quantizer that feeds the layer."""
    biased = [path for path, layer in layers.items() if layer.bias is not None]
    if not biased:
        return {}
    quantizers: dict[str, Quantizer] = {}
    try:
        graph = trace(model)
        for path in score_layers(model, graph):
            if path in biased:
                quantizer = model.get_submodule(feeding_quantizer(model, graph, path))
                assert isinstance(quantizer, Quantizer)
                quantizers[path] = quantizer
    except TracingError as error:
        raise TracingError(f"{error}, or pass integer_bias=False") from error
    return quantizers


def _round(bias: Tensor, unit: Tensor) -> Tensor:
    return torch.floor(bias.detach() / unit + 0.5)


def _describe(path: str, module: nn.Module) -> str:
    return f"{path!r} ({type(module).__name__})"
