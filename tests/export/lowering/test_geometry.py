"""Refusals are in test_lower with their whole messages."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import TensorType
from tritforge.export.lowering.geometry import geometry, pair, permuted, window
from tritforge.export.lowering.graph import Step
from tritforge.export.lowering.segment import Codes
from tritforge.quant.pooling import GlobalPool


def step(module: nn.Module) -> Step:
    return Step(module=module, name="it", where="module 'it'", path="it", inputs=(-1,), uses=1)


def codes() -> Codes:
    kind = TensorType(4, 6, 3, DataType.parse("u2"))
    return Codes(tensor="x", type=kind, step=1.0, where="x", flat=False)


def test_pair() -> None:
    assert (pair(3), pair((1, 2))) == ((3, 3), (1, 2))


@pytest.mark.parametrize(
    ("padding", "added"), [("same", (2, 1)), ("valid", (0, 0)), ((1, 0), (1, 0))]
)
def test_padding_in_numbers(padding: str | tuple[int, int], added: tuple[int, int]) -> None:
    conv = nn.Conv2d(3, 6, 3, padding=padding, dilation=(2, 1), groups=3)
    found = geometry(step(conv), conv, codes())
    assert found == {"stride": (1, 1), "padding": added, "dilation": (2, 1), "groups": 3}


@pytest.mark.parametrize(
    ("pool", "found"),
    [
        (nn.AvgPool2d(2, 1, 1), ((2, 2), (1, 1), (1, 1))),
        (nn.AdaptiveAvgPool2d((2, 3)), ((2, 2), (2, 2), (0, 0))),
        (nn.AdaptiveAvgPool2d((None, 1)), ((1, 6), (1, 6), (0, 0))),
        (GlobalPool(), ((4, 6), (4, 6), (0, 0))),
    ],
    ids=str,
)
def test_windows(pool: nn.Module, found: object) -> None:
    assert window(step(pool), pool, 4, 6) == found


def test_columns_in_stream_order() -> None:
    planes = np.arange(12, dtype=np.int8).reshape(1, 1, 12)
    vector = TensorType(1, 1, 12, DataType.parse("u2"))
    value = Codes(tensor="x", type=vector, step=1.0, where="x", flat=True, flattened=(2, 2, 3))
    moved = permuted(step(nn.Linear(12, 1)), planes, value)
    assert moved.ravel().tolist() == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]
