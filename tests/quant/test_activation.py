from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from tritforge.quant.activation import SignedQuantizer, TernaryActivation, UnsignedQuantizer
from tritforge.quant.numerics import round_significand


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 8])
def test_every_code_starts_half_a_step_below_its_value(bits: int) -> None:
    quantizer = UnsignedQuantizer(bits, step=0.375).double()
    levels = torch.arange(quantizer.maximum + 1, dtype=torch.float64)
    edges = (levels[1:] - 0.5) * 0.375  # exact: 0.375 has two bits
    assert torch.equal(quantizer.codes(edges), levels[1:])
    assert torch.equal(quantizer.codes(edges - 2.0**-40), levels[:-1])
    assert torch.equal(quantizer(levels * 0.375), levels * 0.375)


def test_what_lies_outside_takes_the_first_and_the_last_code() -> None:
    x = torch.tensor([-math.inf, -5.0, -0.0, 1e30, math.inf])
    assert UnsignedQuantizer(2, step=1.0).codes(x).tolist() == [0, 0, 0, 3, 3]


def test_the_output_is_the_rounded_step_times_the_codes() -> None:
    quantizer = UnsignedQuantizer(3, step=0.3).double()
    x = torch.linspace(-1, 4, 501, dtype=torch.float64)
    step = quantizer.effective_step()
    assert torch.equal(step, round_significand(quantizer.step.detach()))
    assert step.item() != quantizer.step.item()
    assert torch.equal(quantizer(x), step * quantizer.codes(x))


def test_gradients_are_those_of_lsq() -> None:
    """Esser et al., "Learned step size quantization", eq. 3 and the gradient scale of section 2.2.

    On the two ends of the range, where the paper has a jump, the inner formula holds here.
    """
    quantizer = UnsignedQuantizer(2, step=0.5).double()
    x = torch.tensor(
        [[-0.2, 0.0, 0.1, 0.4], [0.7, 1.49, 1.5, 9.0]], dtype=torch.float64, requires_grad=True
    )
    upstream = torch.tensor([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]], dtype=torch.float64)
    gradient_x, gradient_step = torch.autograd.grad(quantizer(x), (x, quantizer.step), upstream)
    assert gradient_x.tolist() == [[0.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 0.0]]
    total = torch.zeros((), dtype=torch.float64)
    for value, up in zip(x.detach().flatten(), upstream.flatten(), strict=True):
        ratio = value / 0.5
        if ratio <= 0:
            continue
        total += up * (3 if ratio > 3 else torch.floor(ratio + 0.5) - ratio)
    expected = total.item() / math.sqrt(4 * 3)  # four elements a sample, largest code 3
    assert math.isclose(gradient_step.item(), expected, rel_tol=1e-12)


def test_a_step_that_training_drove_below_zero_stays_usable_and_can_come_back() -> None:
    quantizer = UnsignedQuantizer(2, step=0.5)
    with torch.no_grad():
        quantizer.step.fill_(-1.0)
    assert quantizer.effective_step().item() == 2.0**-16
    quantizer(torch.tensor([[0.7]])).sum().backward()
    assert quantizer.step.grad is not None
    assert quantizer.step.grad.item() > 0


def test_a_fixed_step_is_no_parameter_but_is_in_the_state() -> None:
    quantizer = UnsignedQuantizer(4, step=1 / 16, learned=False)
    assert list(quantizer.parameters()) == []
    assert list(quantizer.state_dict()) == ["step"]
    assert not quantizer.learned
    x = torch.rand(2, 3, requires_grad=True)
    quantizer(x).sum().backward()
    assert torch.equal(x.grad, torch.ones(2, 3) * (x.detach() * 16 <= 15))


def test_the_default_range_is_0_to_2() -> None:
    assert torch.equal(UnsignedQuantizer(2).step, torch.tensor(2 / 3))


def test_it_survives_a_copy_in_float64() -> None:
    quantizer = UnsignedQuantizer(2, step=0.3)
    exact = copy.deepcopy(quantizer).double()
    assert isinstance(exact.step, nn.Parameter)
    assert exact.effective_step().item() == quantizer.effective_step().item()
    assert repr(quantizer) == "UnsignedQuantizer(bits=2, learned=True)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bits": "2"}, "bits must be an int, not '2'"),
        ({"bits": True}, "bits must be an int, not True"),
        ({"bits": 2, "step": "1"}, "step must be a number, not '1'"),
        ({"bits": 2, "learned": 1}, "learned must be a bool, not 1"),
    ],
)
def test_arguments_of_the_wrong_kind_are_refused(
    arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(TypeError) as caught:
        UnsignedQuantizer(**arguments)  # type: ignore[arg-type]
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bits": 0}, "bits must be in 1..16, not 0"),
        ({"bits": 17}, "bits must be in 1..16, not 17"),
        ({"bits": 2, "step": 0.0}, "step must be finite and at least 1.52587890625e-05, not 0.0"),
        (
            {"bits": 2, "step": math.inf},
            "step must be finite and at least 1.52587890625e-05, not inf",
        ),
        (
            {"bits": 2, "step": math.nan},
            "step must be finite and at least 1.52587890625e-05, not nan",
        ),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        UnsignedQuantizer(**arguments)  # type: ignore[arg-type]
    assert str(caught.value) == message


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_signed_codes_start_half_a_step_below_their_values_too(bits: int) -> None:
    quantizer = SignedQuantizer(bits, step=0.375).double()
    levels = torch.arange(-(2 ** (bits - 1)), 2 ** (bits - 1), dtype=torch.float64)
    assert (quantizer.minimum, quantizer.maximum) == (levels[0], levels[-1])
    edges = (levels[1:] - 0.5) * 0.375
    assert torch.equal(quantizer.codes(edges), levels[1:])
    assert torch.equal(quantizer.codes(edges - 2.0**-40), levels[:-1])
    outside = torch.tensor([-math.inf, -1e30, 1e30, math.inf], dtype=torch.float64)
    assert torch.equal(quantizer.codes(outside), levels[[0, 0, -1, -1]])


def test_the_default_range_of_signed_codes_is_minus_2_to_2() -> None:
    quantizer = SignedQuantizer(4)
    assert quantizer.step.item() * quantizer.minimum == -2


def test_gradients_of_signed_codes() -> None:
    quantizer = SignedQuantizer(3, step=0.5).double()  # codes -4..3
    x = torch.tensor([[-2.1, -2.0, -0.4], [0.4, 1.5, 1.6]], dtype=torch.float64, requires_grad=True)
    gradient_x, gradient_step = torch.autograd.grad(quantizer(x).sum(), (x, quantizer.step))
    assert gradient_x.tolist() == [[0, 1, 1], [1, 1, 0]]
    inside = sum(math.floor(v / 0.5 + 0.5) - v / 0.5 for v in (-2.0, -0.4, 0.4, 1.5))
    assert math.isclose(gradient_step.item(), (inside - 4 + 3) / math.sqrt(3 * 3), rel_tol=1e-12)


def test_quantizers_that_share_a_step_share_one_parameter() -> None:
    first = SignedQuantizer(4, step=0.3)
    pair = nn.ModuleList([first, SignedQuantizer(4, shared=first)])
    assert len(list(pair.parameters())) == 1
    exact = copy.deepcopy(pair).double()
    assert exact[0].step is exact[1].step
    a, b = torch.randn(2, 50, dtype=torch.float64)
    units = (exact[0](a) + exact[1](b)) / exact[0].effective_step()
    assert torch.equal(units, units.round())
    (pair[0](a.float()) + pair[1](b.float())).sum().backward()
    with torch.no_grad():
        first.step.mul_(2)
    assert pair[1].step.item() == first.step.item()


def test_a_signed_quantizer_needs_two_bits() -> None:
    with pytest.raises(ValueError) as caught:
        SignedQuantizer(1)
    assert str(caught.value) == "bits must be in 2..16, not 1"


def test_ternary_activations_are_strict_on_both_sides() -> None:
    """Eq. 14 of Xu et al., "Soft threshold ternary networks": at exactly 1/2 and -1/2 they are
    0."""
    x = torch.tensor(
        [-9, -0.5 - 2.0**-20, -0.5, -0.1, 0, 0.5, 0.5 + 2.0**-20, 1, 9], requires_grad=True
    )
    activation = TernaryActivation()
    assert activation(x).tolist() == [-1, -1, 0, 0, 0, 0, 1, 1, 1]
    assert activation.effective_step().item() == 1
    activation(x).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 1, 1, 1, 1, 1, 1, 1, 0]
    assert list(activation.state_dict()) == []
