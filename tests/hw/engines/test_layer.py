import dataclasses
import re

import numpy as np
import pytest

from tests.targets import GENERIC
from tritforge.export.ir.datatype import DataType
from tritforge.export.ir.nodes import Convolution, TensorType
from tritforge.hw.engines.layer import MatrixLayer, PlanError, divisors

U2 = DataType.parse("u2")


def convolution(kernel=(3, 3), *, padding=(0, 0), lanes=4):
    node = Convolution(
        name="conv", input="input", planes=np.ones((1, 2, 4, *kernel), np.int8), padding=padding
    )
    source = TensorType(5, 5, 4, U2)
    sums = node.infer(source)
    return MatrixLayer(
        node=node,
        epilogue=None,
        source=source,
        sums=sums,
        target=sums,
        lanes=lanes,
        technology=GENERIC,
    )


def test_windows_come_in_the_lanes_asked_for_or_whole():
    assert [(unit.name, unit.o.lanes) for unit in convolution().windows(2)] == [
        ("lanes", 2),
        ("window", 2),
    ]
    assert [unit.o.lanes for unit in convolution(lanes=None).windows(4, whole=True)] == [36]
    assert [unit.o.lanes for unit in convolution(padding=(1, 1)).windows(4, whole=True)] == [36]
    assert convolution((1, 1)).windows(4) == []


def test_sums_of_an_input_that_they_were_not_proved_for():
    layer = convolution()
    wider = dataclasses.replace(layer.source, dtype=DataType.parse("u8"))
    message = "sums of 'conv' must be 3x3x2 u14, as proved for an input of 5x5x4 u8, not 3x3x2 u7"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        dataclasses.replace(layer, source=wider)


@pytest.mark.parametrize("padding", [(3, 0), (0, 3), (7, 7)])
def test_a_window_in_the_padding_alone_is_refused_for_every_engine(padding):
    message = f"'conv': padding must be smaller than the kernel's extent (3, 3), not {padding}"
    with pytest.raises(PlanError, match=f"^{re.escape(message)}$"):
        convolution(padding=padding)


def test_a_plan_error_names_the_layer():
    assert str(convolution().refuse("too large")) == "'conv': too large"


def test_divisors():
    assert divisors(12) == [1, 2, 3, 4, 6, 12]
    assert divisors(1) == [1]
