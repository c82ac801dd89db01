from __future__ import annotations

import torch
from torch import nn

from tritforge.export.lowering.supported import HANDLERS, handler_of, nearest, supported

NAMES = {name for entry in HANDLERS.values() for names in entry.nearest.values() for name in names}


def test_the_first_known_kind_decides() -> None:
    assert nearest(["Mine", "Tanh", "LayerNorm"]) == nearest(["Tanh"])
    assert nearest(["Mine", "Module"]) is None


def test_a_subclass_is_handled_as_its_nearest_base() -> None:
    class Mine(nn.ReLU):
        pass

    found = handler_of(Mine())
    assert found is not None
    assert found is handler_of(nn.ReLU())
    assert handler_of(nn.Tanh()) is None


def test_what_is_supported_is_made_of_what_is_registered() -> None:
    assert supported() == (
        "AdaptiveAvgPool2d, AvgPool2d, BatchNorm1d, BatchNorm2d, Conv2d, Dropout, Flatten, "
        "GlobalPool, "
        "Identity, Linear, MaxPool2d, ReLU, SignedQuantizer, sums of two branches, "
        "TernaryActivation, "
        "UnsignedQuantizer, and adaptive_avg_pool2d, argmax, avg_pool2d, dropout, flatten, "
        "max_pool2d, "
        "mean, pad, relu, x[:, :, ::s, ::s] as functions"
    )


def test_nothing_that_is_supported_has_a_nearest_form_as_a_module() -> None:
    known = {name for name in NAMES if name[0].isupper()}
    assert known
    assert known.isdisjoint(supported().replace(",", "").split())
    assert [name for name in known if not hasattr(nn, name)] == []


def test_functions_are_torchs() -> None:
    functions = [name for name in NAMES if name[0].islower() and name != "getitem"]
    places = (torch, torch.Tensor, nn.functional)
    assert [name for name in functions if not any(hasattr(place, name) for place in places)] == []
