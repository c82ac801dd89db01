"""Diagnosis of a training that diverges: at which step, and which layer is the cause."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from tritforge.quant.methods.base import Ternarizer

__all__ = ["Watch", "cause"]


class Watch:
    """Finds the first loss of an epoch that is not finite.

    On the CPU it looks at every step; on another device, where looking means waiting, it notes the
    step there and looks once, at the end of the epoch.
    """

    def __init__(self, device: torch.device) -> None:
        self._at_once = device.type == "cpu"
        self._first = torch.full((), -1, dtype=torch.int64, device=device)

    def failed(self, loss: Tensor, step: int) -> bool:
        """Record the loss of a step; return whether it is known not to be finite.

        On another device than the CPU that is known at the end of the epoch alone (``step``).
        """
        finite = loss.detach().isfinite()
        if self._at_once and bool(finite):
            return False
        self._first = torch.where(~finite & (self._first < 0), step, self._first)
        return self._at_once

    def step(self) -> int | None:
        """Return the first step whose loss was not finite; None if there is none."""
        found = int(self._first)
        return None if found < 0 else found


def cause(model: nn.Module) -> str:
    """Name the parameter of ``model`` that is not finite or the weight without a ternary form."""
    for path, module in model.named_modules():
        if isinstance(module, parametrize.ParametrizationList) and isinstance(
            module[0], Ternarizer
        ):
            layer = path.removesuffix(".parametrizations.weight")
            for name, parameter in module[0].named_parameters():
                if not parameter.isfinite().all():
                    return f"{name} of layer {layer!r} is {parameter.flatten()[0].item()}"
            try:
                module[0].decompose(module.original)
            except ValueError as error:
                return f"layer {layer!r}: {error}"
    for name, parameter in model.named_parameters():
        if not parameter.isfinite().all():
            return f"parameter {name!r} is not finite"
    return "every parameter is still finite"
