from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.export.expect import raises
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import IRError, TensorType
from tritforge.export.ir.pools import SumPool, TopK


def image(height: int, width: int, channels: int, text: str) -> TensorType:
    return TensorType(height, width, channels, DataType.parse(text))


@pytest.mark.parametrize(
    ("source", "options", "expected"),
    [
        (image(8, 8, 3, "u2"), {"size": (8, 8)}, "1x1x3 u8"),  # 64 * 3 = 192
        (image(7, 5, 2, "s2"), {"size": (2, 2)}, "3x2x2 s4"),  # -8..4
        (image(5, 5, 1, "u1"), {"size": (3, 3), "stride": (2, 1), "padding": (1, 0)}, "3x3x1 u4"),
    ],
)
def test_sums_have_a_proved_type(
    source: TensorType, options: dict[str, Any], expected: str
) -> None:
    assert str(SumPool(name="s", input="input", **options).infer(source)) == expected


def test_indexes() -> None:
    assert str(TopK(name="t", input="input", k=5).infer(image(1, 1, 10, "s9"))) == "1x1x5 u4"


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (lambda: TopK(name="t", input="x", k=0), "top_k 't': k must be a positive int, not 0"),
    (lambda: TopK(name="t", input="x", k=True), "top_k 't': k must be a positive int, not True"),
    (
        lambda: TopK(name="t", input="x", k=3).infer(image(1, 1, 2, "u2")),
        "top_k 't': k must not exceed the 2 elements, not 3",
    ),
    (
        lambda: TopK(name="t", input="x", k=1).infer(image(2, 1, 2, "u2")),
        "top_k 't': takes a vector, not 2x1x2 u2",
    ),
    (
        lambda: SumPool(name="s", input="x", size=(3, 3)).infer(image(2, 4, 1, "u2")),
        "sum_pool 's': window (3, 3) is larger than the input of 2x4x1 u2",
    ),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_refused(make: Callable[[], Any], message: str) -> None:
    with raises(IRError, message):
        make()
