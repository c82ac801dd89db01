import itertools
import re

import numpy as np
import pytest

from tests.hw.unit_bench import check, planned
from tritforge.export.ir.datatype import DataType
from tritforge.hw.engines.planes_serial import SerialPlanesUnit, signed_digits
from tritforge.sim.stimulus import pack_beats

U7 = DataType.parse("u7")


def planes(coefficients, *, lanes=2, totals=3, source=U7, largest=100):
    bits = (sum(coefficients) * largest).bit_length()
    target = DataType(bits, signed=False)
    return SerialPlanesUnit(
        name="planes",
        source=source,
        target=target,
        coefficients=coefficients,
        lanes=lanes,
        totals=totals,
    )


def test_digits_of_every_number():
    for number in range(1, 1 << 12):
        digits = signed_digits(number)
        assert sum(sign << position for position, sign in digits) == number
        positions = [position for position, _ in digits]
        assert all(after - before > 1 for before, after in itertools.pairwise(positions))
        assert len(digits) <= number.bit_count()


@pytest.mark.parametrize(
    ("number", "error", "message"),
    [
        (0, ValueError, "number must be positive, not 0"),
        (2.0, TypeError, "number must be an int, not 2.0"),
        (True, TypeError, "number must be an int, not True"),
    ],
)
def test_no_digits_of_anything_else(number, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        signed_digits(number)


@pytest.mark.parametrize(
    "coefficients", [(1, 1), (1,), (6,), (3, 5), (2731, 1), (4095, 2048), (13, 8, 7), (1, 2, 4, 11)]
)
def test_weighted_sums_in_the_planned_cycle(coefficients):
    unit = planes(coefficients)
    values = np.random.default_rng(0).integers(0, 101, size=(2, 1, 3, len(coefficients), 2))
    values[0, 0, 0], values[0, 0, 1] = 0, 100
    expected = np.tensordot(values, coefficients, axes=(3, 0))
    beats, results = (
        pack_beats(values.reshape(2, 3, -1, 2), U7, 2),
        pack_beats(expected, unit.o.dtype, 2),
    )
    check(unit, beats, results, frames=2)


def test_digits_are_hidden_behind_planes_that_come_slowly():
    """The closed form: D cycles a result, whatever the number of planes."""
    unit = planes((5, 11), totals=4)
    assert unit.interval_cycles == 4 * (2 + 3)
    first, *_, last = planned(unit, 3)
    assert last - first == (12 - 1) * 5
