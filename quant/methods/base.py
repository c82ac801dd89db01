"""What a ternarization method must provide, and the methods by name."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tritforge.registry import Registry

__all__ = ["METHODS", "Decomposition", "Ternarizer", "checked", "create", "method", "option_names"]


@dataclass(frozen=True)
class Decomposition:
    """A ternarized weight in integers: weight = scale * sum_j coefficients[j] * planes[j].

    Parameters
    ----------
    planes: int8 [J, *weight.shape], values -1, 0, +1.
    coefficients: J positive integers.
    scale: float64, positive: 0-d, or [O] for one scale per output channel.
    """

    planes: Tensor
    coefficients: tuple[int, ...]
    scale: Tensor

    def weight(self) -> Tensor:
        """Return the weight that the decomposition represents, float64, of the weight's shape."""
        coefficients = torch.tensor(self.coefficients, dtype=torch.int64)
        planes = self.planes.to(torch.int64)
        integers: Tensor = torch.tensordot(coefficients, planes, dims=1)  # [O, ...]
        scale = (
            self.scale.reshape(-1, *[1] * (integers.ndim - 1)) if self.scale.ndim else self.scale
        )
        return scale * integers.to(torch.float64)


class Ternarizer(nn.Module, ABC):
    """A parametrization of a weight: latent float weight in, scaled ternary weight out.

    Registered by ``quant.ternarize`` through ``torch.nn.utils.parametrize``, so the optimizer moves
    the latent weight while the layer computes with the ternary one. A new method derives from this
    class and registers itself with ``@method("name")``.

    A method may have parameters of its own, such as learned scales. Training moves them along their
    gradients; ``penalty`` and ``thresholds`` say what it must do besides.
    """

    def right_inverse(self, weight: Tensor) -> Tensor:
        """Return the latent weight to start from, and set the method's own parameters for it.

        torch calls it on registration, with the float weight, and whenever ``layer.weight`` is
        assigned.
        """
        return weight

    def begin_step(self, latent: Tensor, progress: float) -> None:
        """Prepare for the next step of a training, which moves ``latent`` at its end.

        ``progress`` is the share of all steps done, 0..1.
        """

    def penalty(self, latent: Tensor, progress: float) -> Tensor | None:
        """Return what training adds to the loss for this layer, 0-d, or None for nothing.

        ``progress`` is the share of all steps that is done, 0..1.
        """
        return None

    def thresholds(self) -> list[nn.Parameter]:
        """Return the parameters that training moves in a pass of their own, before all others."""
        return []

    def limited(self, gradient: Tensor) -> Tensor:
        """Return the gradient of one of the ``thresholds`` as that pass is to take it."""
        return gradient

    def settle(self, latent: Tensor) -> None:
        """Bring the ``thresholds`` back into their range after that pass."""

    @abstractmethod
    def forward(self, latent: Tensor) -> Tensor:
        """Return the ternarized weight, of the latent weight's shape and type."""

    @abstractmethod
    def scale(self, latent: Tensor) -> Tensor:
        """Return the scale, 0-d or [O], in the type of ``latent``, without a gradient.

        It is positive and has 12 significant bits.
        """

    @abstractmethod
    def decompose(self, latent: Tensor) -> Decomposition:
        """Return the integers that ``forward`` computes with when ``latent`` is float64.

        Raises
        ------
        ValueError: the latent weight is all zero or not finite.
        """


def checked(weight: Tensor, rule: str) -> Tensor:
    """Return ``weight`` in float64, without a gradient.

    Raises
    ------
    ValueError: it is all zero, which is against ``rule``, or not finite.
    """
    exact = weight.detach().to(torch.float64)
    shape = list(weight.shape)
    if not exact.isfinite().all():
        raise ValueError(f"the weight of shape {shape} holds values that are not finite")
    if not exact.any():
        raise ValueError(f"the weight of shape {shape} is all zero: {rule}")
    return exact


METHODS: Registry[str, type[Ternarizer]] = Registry(
    "ternarization method", "tritforge.quant.methods"
)
"""Method classes by the name that ``quant.ternarize`` and the configuration use."""

method = METHODS.register
"""The class decorator ``@method("name")`` that registers a ternarizer."""


def option_names(cls: type[Ternarizer]) -> list[str]:
    """Return the names of the options that a method's constructor takes, in its order."""
    return [name for name in inspect.signature(cls).parameters if name != "self"]


def create(name: str, options: dict[str, Any]) -> Ternarizer:
    """Return a new ternarizer of the method ``name``.

    Raises
    ------
    ValueError: no such method, or the method has no such option; the message lists those there are.
    """
    if name not in METHODS:
        raise ValueError(f"method must be one of {', '.join(sorted(METHODS))}, not {name!r}")
    allowed = option_names(METHODS[name])
    for option in options:
        if option not in allowed:
            raise ValueError(
                f"method {name!r} has no option {option!r}; it has {', '.join(allowed)}"
            )
    return METHODS[name](**options)
