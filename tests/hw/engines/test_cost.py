"""What joins the planes of a layer costs."""

import pytest

from tests.targets import ECP5, XC7
from tritforge.export.ir.datatype import DataType
from tritforge.hw.cost.registry import cost
from tritforge.hw.engines.planes_parallel import ParallelPlanesUnit
from tritforge.hw.targets.target import calibration


@pytest.mark.parametrize(
    ("technology", "feature"),
    [(XC7, "adders"), (ECP5, "chains")],
    ids=["operators", "cells"],
)
def test_a_one_of_a_coefficient_is_an_adder_from_its_place_on(technology, feature):
    def luts(*coefficients):
        dtypes = {"source": DataType.parse("u4"), "target": DataType.parse("u12")}
        unit = ParallelPlanesUnit(
            name="combine", coefficients=coefficients, lanes=2, totals=5, **dtypes
        )
        return cost(unit, technology).lut

    weight = calibration()["components"]["combine"][technology.key]["lut"][feature]
    assert luts(3, 1) - luts(1, 1) == pytest.approx(2 * 5 * weight)
    assert luts(5, 1) == luts(3, 1)
    assert luts(256, 1) == luts(1, 1)  # the first is free wherever it is
    assert luts(257, 1) - luts(1, 1) == pytest.approx(2 * 4 * weight)  # four bits are left above it
