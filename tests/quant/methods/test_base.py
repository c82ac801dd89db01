"""What every ternarization method owes, and the table of the methods."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tritforge import quant  # registers the methods
from tritforge.quant.methods import base as ternarizer
from tritforge.quant.methods.base import METHODS, Ternarizer
from tritforge.quant.methods.ics import IterativeScaling
from tritforge.quant.numerics import round_significand

METHODS_AND_OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("ics", {}),
    ("ics", {"expansion": 2}),
    ("ics", {"expansion": 4, "expansion_factors": (0.2, 0.4, 0.8), "clip_gradient": False}),
    ("twn", {}),
    ("sttn", {}),
    ("sttn", {"per_channel": True}),
    ("esa", {}),
    ("esa", {"initial_spread": 0.8}),
    (
        "esa",
        {
            "sparsity": 0.6,
            "harden": 0.0,
            "normalized": True,
            "raise_at": (0.5,),
            "raise_by": (2.0,),
        },
    ),
    ("tga", {}),
    ("tga", {"gradient_correctness": False, "clip_lowest": 0.4, "clip_highest": 0.5}),
    ("ttq", {}),
    ("ttq", {"sparsity": 0.6}),
    ("ttq", {"symmetric": True}),
]
SHAPES = [(1, 7), (4, 3), (3, 2, 3, 3), (10, 384)]

every_method = pytest.mark.parametrize(("name", "options"), METHODS_AND_OPTIONS, ids=str)


def started(
    name: str, options: dict[str, Any], shape: tuple[int, ...]
) -> tuple[Ternarizer, torch.Tensor]:
    """A ternarizer in float64 and evaluation, and its latent weight for a random weight of
    ``shape``."""
    made = ternarizer.create(name, options)
    latent = made.right_inverse(torch.randn(shape, dtype=torch.float64) * 0.3)
    return made.double().eval(), latent


def test_every_method_is_tested() -> None:
    assert quant.ternarize.__module__ == "tritforge.quant.apply"
    assert {name for name, _ in METHODS_AND_OPTIONS} == set(METHODS)


@every_method
def test_a_step_never_waits_for_a_value(name: str, options: dict[str, Any]) -> None:
    """On torch's device without values whatever asks for one fails: on a GPU it would stop the
    queue."""
    made = ternarizer.create(name, options)
    latent = made.right_inverse(torch.randn(4, 3, 3, 3)).to("meta").requires_grad_()
    made.to("meta").train()
    made.begin_step(latent, 0.7)
    loss = made(latent).sum()
    added = made.penalty(latent, 0.7)
    (loss if added is None else loss + added).backward()
    made.settle(latent)
    assert latent.grad is not None
    assert all(parameter.grad is not None for parameter in made.parameters())


@every_method
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_decomposition_is_the_forward_pass(
    name: str, options: dict[str, Any], shape: tuple[int, ...]
) -> None:
    made, latent = started(name, options, shape)
    decomposition = made.decompose(latent)
    planes, coefficients = decomposition.planes, decomposition.coefficients
    assert planes.dtype == torch.int8
    assert planes.shape == (len(coefficients), *shape)
    assert set(planes.unique().tolist()) <= {-1, 0, 1}
    assert all(isinstance(c, int) and 0 < c < 256 for c in coefficients)
    assert decomposition.scale.dtype == torch.float64
    assert decomposition.scale.shape in ((), shape[:1])
    assert (decomposition.scale > 0).all()
    assert torch.equal(decomposition.scale, made.scale(latent).detach())
    assert torch.equal(decomposition.scale, round_significand(decomposition.scale))
    assert torch.equal(decomposition.weight(), made(latent))


@every_method
def test_the_weight_keeps_shape_type_and_gradient(name: str, options: dict[str, Any]) -> None:
    made = ternarizer.create(name, options)
    latent = made.right_inverse(torch.randn(5, 3, 2, 2)).requires_grad_()
    weight = made(latent)
    assert (weight.dtype, weight.shape) == (torch.float32, (5, 3, 2, 2))
    weight.square().sum().backward()
    assert latent.grad is not None
    assert latent.grad.isfinite().all()
    assert latent.grad.any()
    assert not made.scale(latent).requires_grad


@every_method
@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (torch.zeros(2, 3), r"the weight of shape \[2, 3\] is all zero: [A-Z]+ finds no \w+ in it"),
        (
            torch.tensor([[1.0, float("nan")]]),
            r"the weight of shape \[1, 2\] holds values that are not finite",
        ),
        (
            torch.tensor([[1.0, float("inf")]]),
            r"the weight of shape \[1, 2\] holds values that are not finite",
        ),
    ],
)
def test_a_weight_to_start_from_is_checked(
    name: str, options: dict[str, Any], weight: torch.Tensor, message: str
) -> None:
    made = ternarizer.create(name, options)
    with pytest.raises(ValueError, match=f"^{message}$"):
        made.decompose(made.right_inverse(weight))


@every_method
def test_a_latent_weight_that_training_ruined_is_refused(
    name: str, options: dict[str, Any]
) -> None:
    made, latent = started(name, options, (2, 3))
    latent[0, 0] = float("nan")
    with pytest.raises(ValueError, match=r"holds values that are not finite$"):
        made.decompose(latent)


def test_a_method_adds_nothing_to_training_unless_it_says_so() -> None:
    made = IterativeScaling()
    assert made.penalty(torch.ones(2), 0.5) is None
    assert made.thresholds() == []
    made.settle(torch.ones(2))


def test_decomposition_rebuilds_the_weight_from_several_planes_and_scales() -> None:
    planes = torch.tensor(
        [[[1, 0, -1], [0, 1, 0]], [[0, -1, 0], [1, 0, 0]]], dtype=torch.int8
    )  # [J, O, I]
    decomposition = ternarizer.Decomposition(
        planes, (3, 5), torch.tensor([0.5, 0.25], dtype=torch.float64)
    )
    weight = decomposition.weight()
    assert weight.dtype == torch.float64
    assert weight.tolist() == [[1.5, -2.5, -1.5], [1.25, 0.75, 0.0]]


def test_decomposition_with_one_scale_for_all() -> None:
    planes = torch.tensor([[[1, 0], [-1, 1]]], dtype=torch.int8)
    decomposition = ternarizer.Decomposition(planes, (1,), torch.tensor(0.75, dtype=torch.float64))
    assert decomposition.weight().tolist() == [[0.75, 0.0], [-0.75, 0.75]]


def test_methods_are_made_by_name_with_their_options() -> None:
    made = ternarizer.create("ics", {"threshold_factor": 0.2, "clip_gradient": False})
    assert isinstance(made, IterativeScaling)
    assert (made.threshold_factors[0], made.clip_gradient) == (0.2, False)


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(ValueError) as caught:
        ternarizer.create("isc", {})
    assert (
        str(caught.value)
        == f"method must be one of {', '.join(sorted(ternarizer.METHODS))}, not 'isc'"
    )


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(ValueError) as caught:
        ternarizer.create("ics", {"beta": 0.1})
    assert str(caught.value) == (
        "method 'ics' has no option 'beta'; "
        "it has threshold_factor, clip_gradient, expansion, expansion_factors"
    )


def test_a_method_is_registered_once() -> None:
    with pytest.raises(ValueError) as caught:
        ternarizer.method("ics")(IterativeScaling)
    assert str(caught.value) == "ternarization method 'ics' is registered twice"
