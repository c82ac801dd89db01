import re

import pytest

from tritforge.hw.cost.packing import PackingChoice
from tritforge.hw.engines.array.folding import ArrayFolding


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"pe": 0, "simd": 1}, ValueError, "pe must be positive, not 0"),
        ({"pe": 1, "simd": 2.0}, TypeError, "simd must be an int, not 2.0"),
        (
            {"pe": 1, "simd": 1, "packing": "2bit"},
            TypeError,
            "packing must be a PackingChoice, not '2bit'",
        ),
    ],
)
def test_folding_arguments(values, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        ArrayFolding(**values)


def test_options_are_plain_values():
    assert ArrayFolding(pe=2, simd=3).options == {"pe": 2, "simd": 3}
    chosen = ArrayFolding(pe=2, simd=3, packing=PackingChoice.FIVE_IN_EIGHT)
    assert chosen.options == {"pe": 2, "simd": 3, "packing": "5in8"}
