from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tritforge.quant import numerics

floats32 = st.floats(min_value=2.0**-100, max_value=2.0**100, width=32)
floats64 = st.floats(min_value=2.0**-100, max_value=2.0**100)


def rounded(value: float, bits: int) -> Fraction:
    """Round to significant bits in exact rational arithmetic, halves away from zero."""
    exact, unit = Fraction(abs(value)), Fraction(1)
    while exact / unit >= 2**bits:
        unit *= 2
    while exact / unit < 2 ** (bits - 1):
        unit /= 2
    magnitude = (exact / unit + Fraction(1, 2)).__floor__() * unit
    return magnitude if value > 0 else -magnitude


@given(value=floats32, negative=st.booleans(), bits=st.integers(1, 24))
def test_float32_is_rounded_to_significant_bits(value: float, negative: bool, bits: int) -> None:
    value = -value if negative else value
    result = numerics.round_significand(torch.tensor(value, dtype=torch.float32), bits)
    assert Fraction(result.item()) == rounded(value, bits)


@given(value=floats64, negative=st.booleans(), bits=st.integers(1, 53))
def test_float64_is_rounded_to_significant_bits(value: float, negative: bool, bits: int) -> None:
    value = -value if negative else value
    result = numerics.round_significand(torch.tensor(value, dtype=torch.float64), bits)
    assert Fraction(result.item()) == rounded(value, bits)


@given(scale=floats64, step=floats64, integer=st.integers(-(2**29), 2**29))
def test_scale_times_step_times_integer_is_exact_in_float64(
    scale: float, step: float, integer: int
) -> None:
    factors = [
        numerics.round_significand(torch.tensor(x, dtype=torch.float64)) for x in (scale, step)
    ]
    product = factors[0] * factors[1] * integer
    assert (
        Fraction(product.item())
        == Fraction(factors[0].item()) * Fraction(factors[1].item()) * integer
    )


def test_zero_keeps_its_value() -> None:
    assert numerics.round_significand(torch.zeros(2)).tolist() == [0.0, 0.0]


def test_shape_and_strides_of_the_argument_do_not_matter() -> None:
    x = torch.linspace(-3, 3, 24).reshape(2, 3, 4).permute(2, 0, 1)
    each = torch.stack([numerics.round_significand(v, 5) for v in x.flatten()]).reshape(x.shape)
    assert torch.equal(numerics.round_significand(x, 5), each)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (numerics.floor, [-2.0, -1.0, 0.0, 0.0, 1.0]),
        (numerics.round_half_up, [-1.0, 0.0, 0.0, 1.0, 2.0]),
        (lambda x: numerics.round_significand(x, 1), [-2.0, -0.5, 0.125, 0.5, 2.0]),
        (lambda x: numerics.scale_gradient(x, 1.0), [-1.5, -0.5, 0.125, 0.5, 1.5]),
    ],
)
def test_values_and_straight_gradients(function, expected) -> None:  # type: ignore[no-untyped-def]
    x = torch.tensor([-1.5, -0.5, 0.125, 0.5, 1.5], requires_grad=True)
    y = function(x)
    assert y.tolist() == expected
    upstream = torch.tensor([1.0, -2.0, 3.0, 0.0, 5.0])
    (gradient,) = torch.autograd.grad(y, x, upstream)
    assert torch.equal(gradient, upstream)


def test_straight_through_keeps_the_value_where_the_usual_form_does_not() -> None:
    latent, value = torch.tensor(1e8), torch.tensor(0.1)
    assert (latent + (value - latent)).item() != value.item()
    assert numerics.straight_through(value, latent).item() == value.item()


def test_scale_gradient_multiplies_the_gradient_alone() -> None:
    x = torch.tensor(0.7, requires_grad=True)
    y = numerics.scale_gradient(x, 0.25)
    assert y.item() == x.item()
    assert torch.autograd.grad(y, x)[0].item() == 0.25


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError) as caught:
        numerics.round_significand(torch.tensor(1))
    assert str(caught.value) == "x must be float32 or float64, not torch.int64"


@pytest.mark.parametrize("bits", [0, 25])
def test_bits_out_of_range_are_refused(bits: int) -> None:
    with pytest.raises(ValueError) as caught:
        numerics.round_significand(torch.tensor(1.0), bits)
    assert str(caught.value) == f"bits must be in 1..24 for torch.float32, not {bits}"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@given(
    largest=st.floats(2.0**-60, 2.0**60, width=32), share=st.floats(0, 1), bits=st.integers(2, 12)
)
def test_fixed_point_is_the_nearest_integer_of_a_power_of_two(
    dtype: torch.dtype, largest: float, share: float, bits: int
) -> None:
    values = torch.tensor([largest, largest * share], dtype=dtype)
    unit, integers = numerics.fixed_point(values, bits)
    assert integers.dtype == unit.dtype == dtype
    fraction = Fraction(unit.item())
    assert 1 in (fraction.numerator, fraction.denominator)
    assert (fraction.numerator * fraction.denominator).bit_count() == 1
    assert 3 * 2 ** (bits - 3) <= integers[0] <= 3 * 2 ** (bits - 2) < 2**bits
    for value, integer in zip(values.tolist(), integers.tolist(), strict=True):
        assert integer == max(1, (Fraction(value) / fraction + Fraction(1, 2)).__floor__())


def test_mean_where() -> None:
    x = torch.tensor([[1.0, 8.0], [5.0, 3.0]])
    assert numerics.mean_where(x, torch.tensor([[1.0, 0.0], [1.0, 1.0]])).item() == 3.0
    assert numerics.mean_where(x, torch.zeros(2, 2)).isnan()
