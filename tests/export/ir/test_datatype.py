from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.export.expect import raises
from tritforge.export.ir.datatype import MAX_BITS, TERNARY, DataType

TYPES = st.builds(DataType, st.integers(1, MAX_BITS), signed=st.booleans()) | st.just(TERNARY)
INTEGERS = st.integers(-(2 ** (MAX_BITS - 1)), 2 ** (MAX_BITS - 1) - 1)


@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("signed", [False, True])
def test_range_has_two_to_the_bits_integers(bits: int, signed: bool) -> None:
    dtype = DataType(bits, signed=signed)
    assert dtype.maximum - dtype.minimum + 1 == 2**bits
    assert (dtype.minimum < 0) == signed
    assert [
        dtype.holds(value)
        for value in (dtype.minimum - 1, dtype.minimum, dtype.maximum, dtype.maximum + 1)
    ] == [
        False,
        True,
        True,
        False,
    ]


@given(TYPES)
def test_parse_reads_what_str_writes(dtype: DataType) -> None:
    assert DataType.parse(str(dtype)) == dtype
    assert repr(dtype) == f"DataType({str(dtype)!r})"


@given(INTEGERS, INTEGERS)
def test_from_range_is_the_narrowest_type(one: int, other: int) -> None:
    minimum, maximum = sorted((one, other))
    dtype = DataType.from_range(minimum, maximum)
    assert dtype.holds([minimum, maximum])
    assert dtype.signed == (minimum < 0)
    if dtype.bits > 1:
        assert not DataType(dtype.bits - 1, signed=dtype.signed).holds([minimum, maximum])


@pytest.mark.parametrize(
    ("minimum", "maximum", "text"),
    [
        (0, 0, "u1"),
        (0, 255, "u8"),
        (0, 256, "u9"),
        (-1, 0, "s1"),
        (-1, 1, "s2"),
        (-128, 127, "s8"),
        (-129, 0, "s9"),
    ],
)
def test_from_range_at_the_powers_of_two(minimum: int, maximum: int, text: str) -> None:
    assert str(DataType.from_range(minimum, maximum)) == text


def test_nothing_is_outside_of_nothing() -> None:
    assert DataType(1, signed=False).holds(np.zeros((0, 3), dtype=np.int64))


@pytest.mark.parametrize("text", ["", "u", "8", "U8", "i8", "u08", "u0", "s-1", "u8 ", "u8\n"])
def test_parse_refuses_other_text(text: str) -> None:
    with raises(ValueError, f"a type is written u<bits>, s<bits> or t, not {text!r}"):
        DataType.parse(text)


@pytest.mark.parametrize("bits", [0, -1, 63])
def test_bits_out_of_range(bits: int) -> None:
    with raises(ValueError, f"bits must be in 1..62, not {bits}"):
        DataType(bits, signed=True)


@pytest.mark.parametrize(
    ("bits", "shown"), [(True, "True"), (8.0, "8.0"), ("8", "'8'"), (None, "None")]
)
def test_bits_of_another_kind(bits: int, shown: str) -> None:
    with raises(TypeError, f"bits must be an int, not {shown}"):
        DataType(bits, signed=True)


def test_signed_of_another_kind() -> None:
    with raises(TypeError, "signed must be a bool, not 1"):
        DataType(8, signed=1)  # type: ignore[arg-type]


def test_from_range_upside_down() -> None:
    with raises(ValueError, "minimum must not exceed maximum, not 1 > 0"):
        DataType.from_range(1, 0)


def test_the_ternary_type() -> None:
    assert (TERNARY.minimum, TERNARY.maximum, TERNARY.bits, str(TERNARY)) == (-1, 1, 2, "t")
    assert [TERNARY.holds(value) for value in (-2, -1, 0, 1, 2)] == [False, True, True, True, False]
    assert DataType(2, signed=True) != TERNARY


@pytest.mark.parametrize(("bits", "signed"), [(2, False), (3, True), (1, True)])
def test_a_ternary_type_has_two_signed_bits(bits: int, signed: bool) -> None:
    with raises(ValueError, f"a ternary type must have 2 signed bits, not {bits} and {signed}"):
        DataType(bits, signed=signed, ternary=True)


def test_ternary_of_another_kind() -> None:
    with raises(TypeError, "ternary must be a bool, not 1"):
        DataType(2, signed=True, ternary=1)  # type: ignore[arg-type]
