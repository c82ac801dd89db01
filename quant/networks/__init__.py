"""Networks by name, as the configuration names them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from torch import nn

from tritforge.quant.networks.alexnet import AlexNet
from tritforge.quant.networks.cnv import CNV
from tritforge.quant.networks.digits import Digits
from tritforge.quant.networks.lenet5 import LeNet5
from tritforge.quant.networks.resnet import resnets
from tritforge.quant.networks.vgg7 import VGG7

__all__ = ["NETWORKS", "build"]

NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "alexnet": AlexNet,
    "cnv": CNV,
    "digits": Digits,
    "lenet5": LeNet5,
    "vgg7": VGG7,
    **resnets(),
}
"""Builders by name; their keyword arguments are the network's options."""


def build(name: str, **options: Any) -> nn.Module:
    """Return a new float network; ``quant.ternarize`` makes it ternary.

    The starting weights come from torch's global random numbers: seed them first.

    Raises
    ------
    ValueError: no such network, or the network has no such option; the message lists those there
        are.
    """
    if name not in NETWORKS:
        raise ValueError(f"network must be one of {', '.join(sorted(NETWORKS))}, not {name!r}")
    allowed = list(inspect.signature(NETWORKS[name]).parameters)
    for option in options:
        if option not in allowed:
            raise ValueError(
                f"network {name!r} has no option {option!r}; it has {', '.join(allowed)}"
            )
    return NETWORKS[name](**options)
