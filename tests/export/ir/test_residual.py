from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.export.expect import raises
from tests.export.networks import residual
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Flatten, IRError, Network, TensorType
from tritforge.export.ir.residual import Add, Shortcut

IMAGE = TensorType(5, 4, 3, DataType.parse("u2"))


def test_types_of_every_tensor_of_a_residual_network() -> None:
    types = {name: str(tensor) for name, tensor in residual().types.items()}
    assert types["skip"] == types["act"].replace("6x5x3", "3x3x6") == "3x3x6 u2"
    assert types["body_act"] == "3x3x6 s3"
    assert types["merge"] == "3x3x6 s4"  # -4..3 + 0..3
    assert types["pool"] == "3x2x6 u2"
    assert types["sums"] == "1x1x6 u5"  # 6 * 3
    assert types["best"] == "1x1x2 u3"


def test_inputs_of_a_node() -> None:
    assert Add(name="a", input="x", other="y").inputs == ("x", "y")
    assert Shortcut(name="s", input="x").inputs == ("x",)


def test_a_branch_that_does_not_exist() -> None:
    with raises(IRError, "add 'sum' reads 'later', which no earlier node makes"):
        Network("n", IMAGE, (Add(name="sum", input="input", other="later"),))


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: Network(
            "n",
            IMAGE,
            (Flatten(name="f", input="input"), Add(name="sum", input="input", other="f")),
        ),
        "add 'sum': branches must have one shape, but 'input' is 5x4x3 u2 and 'f' is 1x1x60 u2",
    ),
    (
        lambda: Shortcut(name="s", input="x", stride=(2, 0)),
        "shortcut 's': stride must be positive, not (2, 0)",
    ),
    (
        lambda: Shortcut(name="s", input="x", before=-1),
        "shortcut 's': before must be an int of at least 0, not -1",
    ),
    (
        lambda: Shortcut(name="s", input="x", after=True),
        "shortcut 's': after must be an int of at least 0, not True",
    ),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_refused(make: Callable[[], Any], message: str) -> None:
    with raises(IRError, message):
        make()
