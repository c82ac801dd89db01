from __future__ import annotations

import torch
from torch import nn

from tritforge.export.lowering import supported as module
from tritforge.export.lowering.supported import SUPPORTED, nearest


def test_the_first_known_kind_decides() -> None:
    assert nearest(["Mine", "Tanh", "LayerNorm"]) == nearest(["Tanh"])
    assert nearest(["Mine", "Module"]) is None


def test_nothing_that_is_supported_has_a_nearest_form_as_a_module() -> None:
    known = {kind for kind in module._NEAREST if kind[0].isupper()}
    assert known.isdisjoint(SUPPORTED.replace(",", "").split())
    assert [kind for kind in known if not hasattr(nn, kind)] == []


def test_functions_are_torchs() -> None:
    functions = [kind for kind in module._NEAREST if kind[0].islower() and kind != "getitem"]
    places = (torch, torch.Tensor, nn.functional)
    assert [name for name in functions if not any(hasattr(place, name) for place in places)] == []
