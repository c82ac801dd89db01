from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, fx, nn
from torch.nn.utils import parametrize

from tests.export.expect import raises
from tests.export.models import assert_same_integers, sequential
from tests.export.refused import (
    TwoPlanes,
    act,
)
from tritforge import quant
from tritforge.export.ir.datatype import TERNARY
from tritforge.export.ir.nodes import Convolution, Dense, Threshold
from tritforge.export.ir.requantize import Requantize
from tritforge.export.lowering.lower import LoweringError, lower
from tritforge.quant.activation import SignedQuantizer, TernaryActivation, UnsignedQuantizer
from tritforge.quant.evaluate import exact
from tritforge.quant.pooling import average_of
from tritforge.sim.reference import run


def rand(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(5))


def test_dense_columns_are_in_stream_order() -> None:
    model = sequential(nn.Flatten(), nn.Linear(12, 2, bias=False))
    lowered = lower(model, (3, 2, 2), name="net", argmax=False)
    dense = lowered.network.nodes[1]
    assert isinstance(dense, Dense)
    trits = torch.sign(model[2].weight).reshape(2, 3, 2, 2)  # type: ignore[index]
    expected = trits.permute(0, 2, 3, 1).reshape(2, 12).detach().numpy()
    np.testing.assert_array_equal(dense.planes[0], expected)
    assert [node.name for node in lowered.network.nodes] == ["layer_1", "layer_2"]


def test_falling_channels_are_negated_and_only_those() -> None:
    model = sequential(nn.Conv2d(1, 4, 2), nn.BatchNorm2d(4), act(), nn.Flatten(), nn.Linear(36, 2))
    norm = model[2]  # type: ignore[index]
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, -1.0, 0.0, -0.5]))
        norm.running_mean.zero_()
        norm.running_var.fill_(
            0.01
        )  # steep, and around 0 at code 1, so that every slope shows in the codes
        norm.bias.fill_(model[3].step.item())  # type: ignore[index]
        model[1].bias.zero_()  # type: ignore[index]
    conv = lower(model, (1, 4, 4), name="net").network.nodes[0]
    assert isinstance(conv, Convolution)
    trits = torch.sign(model[1].weight).detach().numpy()  # type: ignore[index]
    np.testing.assert_array_equal(
        conv.planes[0], trits * np.array([1, -1, 1, -1]).reshape(4, 1, 1, 1)
    )


@pytest.mark.parametrize("behind", [False, True])
def test_pools_that_overlap_and_reach_over_the_edge(behind: bool) -> None:
    pool = nn.MaxPool2d(3, 2, padding=1)
    layers = [act(), pool] if behind else [pool, act()]
    model = sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        *layers,
        nn.MaxPool2d(2, 1),
        nn.Flatten(),
        nn.Linear(16, 3),
    )
    with torch.no_grad():
        model[2].weight.abs_()  # type: ignore[index]
    lowered = lower(model, (1, 7, 8), name="net")
    assert assert_same_integers(model, lowered, rand(30, 1, 7, 8)) > 0


def test_pool_before_the_quantizer_moves_after_it() -> None:
    model = sequential(
        nn.Conv2d(1, 4, 3),
        nn.MaxPool2d(2),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d((3, 1)),
        act(),
        nn.Flatten(),
        nn.Linear(12, 3),
    )
    with torch.no_grad():
        model[3].weight.abs_()  # type: ignore[index]
    lowered = lower(model, (1, 8, 8), name="net")
    assert [node.name for node in lowered.network.nodes][:4] == [
        "layer_1",
        "layer_6",
        "layer_2",
        "layer_5",
    ]
    assert lowered.sources["layer_5"] == "6"
    assert assert_same_integers(model, lowered, rand(30, 1, 8, 8)) == 30 * (64 + 12 + 3 + 1)


def test_pool_before_a_falling_channel_is_refused() -> None:
    model = sequential(nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), nn.BatchNorm2d(4), act())
    with torch.no_grad():
        model[3].weight.copy_(torch.tensor([1.0, 1.0, -1.0, 1.0]))  # type: ignore[index]
        model[3].running_mean.zero_()  # type: ignore[index]
    message = (
        "module '2' (MaxPool2d): channel 2 falls between module '1' (Conv2d) and module '4' "
        "(UnsignedQuantizer), so the pool cannot move after the quantizer: put it there, "
        "or keep the slopes positive"
    )
    with raises(LoweringError, message):
        lower(model, (1, 8, 8), name="net")


def test_pool_between_two_norms_that_fall_and_rise_again_is_refused() -> None:
    model = sequential(
        nn.Conv2d(1, 1, 3), nn.BatchNorm2d(1), nn.MaxPool2d(2), nn.BatchNorm2d(1), act()
    )
    with torch.no_grad():
        for index in (2, 4):
            model[index].weight.fill_(-1.0)  # type: ignore[index]
            model[index].running_mean.zero_()  # type: ignore[index]
    with pytest.raises(LoweringError, match=r"^module '3' \(MaxPool2d\): channel 0 falls between"):
        lower(model, (1, 8, 8), name="net")


def test_planes_coefficients_and_a_scale_per_channel() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        UnsignedQuantizer(3, 0.125, False),
        nn.Conv2d(2, 5, 3),
        act(),
        nn.Flatten(),
        nn.Linear(20, 3, bias=False),
    )
    parametrize.register_parametrization(model[1], "weight", TwoPlanes())
    quant.ternarize(nn.Sequential(model[0], model[4]), "ics")
    lowered = lower(model, (2, 4, 4), name="net")
    conv = lowered.network.nodes[0]
    assert isinstance(conv, Convolution)
    assert conv.coefficients == (3, 1)
    assert assert_same_integers(model, lowered, rand(20, 2, 4, 4)) == 20 * (32 + 20 + 3 + 1)


@pytest.mark.parametrize("bits", [4, 5, 8, 12])
def test_more_than_four_bits_are_multiplied(bits: int) -> None:
    """Compared on every input, so on every sum that can occur."""
    quantizer = UnsignedQuantizer(bits)
    model = sequential(nn.Linear(3, 16, bias=False), nn.BatchNorm1d(16), quantizer, bits=4)
    with torch.no_grad():
        quantizer.step.fill_(6 / 2**bits)
        model[1].parametrizations.weight.original.mul_(0.3 / 2 ** max(0, bits - 5))
    lowered = lower(model, (3,), name="net", argmax=False)
    assert type(lowered.network.nodes[1]) is (Threshold if bits == 4 else Requantize)
    grid = torch.cartesian_prod(*[torch.arange(16) / 16] * 3)
    assert_same_integers(model, lowered, grid)


def test_thresholds_remain_where_a_sum_skips_codes() -> None:
    quantizer = UnsignedQuantizer(8, step=2.0**-12, learned=False)
    model = sequential(nn.Linear(3, 4, bias=False), quantizer, bits=4)
    lowered = lower(model, (3,), name="net", argmax=False)
    assert isinstance(lowered.network.nodes[1], Threshold)
    assert_same_integers(model, lowered, torch.cartesian_prod(*[torch.arange(16) / 16] * 3))


@pytest.mark.parametrize("flipped", [False, True])
def test_a_ternary_activation_has_a_strict_and_a_non_strict_bound(flipped: bool) -> None:
    """Every accumulator from -16 to 16 stands for a sixteenth, so both bounds are hit exactly at
    8."""
    model = sequential(
        nn.Conv2d(4, 2, 1, bias=False), nn.BatchNorm2d(2), TernaryActivation(), bits=3
    )
    norm = model.get_submodule("2")
    with torch.no_grad():
        latent: Any = model.get_submodule("1").parametrizations
        latent.weight.original.fill_(0.5)
        latent.weight.original[0, ::2] = -0.5
        norm.weight.fill_(-1.0 if flipped else 1.0)  # type: ignore[operator,union-attr]
        norm.bias.zero_()  # type: ignore[operator,union-attr]
        norm.running_mean.zero_()  # type: ignore[operator,union-attr]
        norm.running_var.fill_(1)  # type: ignore[operator,union-attr]
        norm.eps = 0.0  # type: ignore[assignment]
    lowered = lower(model, (4, 3, 3), name="net", argmax=False)
    node = lowered.network.nodes[1]
    assert isinstance(node, Threshold)
    assert node.output == TERNARY
    assert node.thresholds[0].tolist() == [-8, 9]
    images = torch.randint(0, 8, (60, 4, 3, 3)) / 8
    assert assert_same_integers(model, lowered, images) > 0
    codes = model.double().eval()(images.double())
    assert codes.unique().tolist() == [-1, 0, 1]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "make",
    [lambda: SignedQuantizer(2), lambda: SignedQuantizer(4), TernaryActivation],
    ids=["signed 2", "signed 4", "ternary"],
)
def test_signed_activations_through_pool_padding_and_dense(
    make: Callable[[], nn.Module], seed: int
) -> None:
    model = sequential(
        nn.Conv2d(2, 5, 3, padding=1),
        nn.BatchNorm2d(5),
        make(),
        nn.MaxPool2d(2),
        nn.Conv2d(5, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        make(),
        nn.Flatten(),
        nn.Linear(4 * 9, 6, bias=False),
        nn.BatchNorm1d(6),
        make(),
        nn.Linear(6, 3),
        seed=seed,
    )
    lowered = lower(model, (2, 6, 6), name="net")
    kinds = {str(node.output) for node in lowered.network.nodes if isinstance(node, Threshold)}
    text = str(model)
    assert kinds == {
        "s4" if "SignedQuantizer(bits=4" in text else "s2" if "SignedQuantizer" in text else "t"
    }
    assert assert_same_integers(model, lowered, rand(40, 2, 6, 6)) > 40


def test_relu_of_signed_codes_without_a_quantizer_is_refused() -> None:
    model = sequential(nn.Conv2d(4, 2, 1), SignedQuantizer(3), nn.ReLU())
    with pytest.raises(LoweringError) as caught:
        lower(model, (4, 3, 3), name="net")
    assert str(caught.value) == "module '3' (ReLU): must have an UnsignedQuantizer after it"


class Reduced(nn.Module):
    """Scores of an image of one pixel or a vector, reduced by ``last``."""

    def __init__(self, last: Callable[[Tensor], Tensor], flat: bool) -> None:
        super().__init__()
        self.enter, self.conv = UnsignedQuantizer(4, step=1 / 16), nn.Conv2d(1, 2, 4)
        self.codes, self.flat = UnsignedQuantizer(2, step=0.05), flat
        self.head = nn.Linear(2, 3) if flat else nn.Conv2d(2, 3, 1)
        self.last = last

    def forward(self, x: Tensor) -> Tensor:
        x = self.codes(self.conv(self.enter(x)))
        return self.last(self.head(torch.flatten(x, 1) if self.flat else x))


@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize("keepdim", [True, False])
@pytest.mark.parametrize("dim", range(-4, 4))
def test_argmax_along_every_axis_is_torchs_or_refused(flat: bool, keepdim: bool, dim: int) -> None:
    torch.manual_seed(1)
    model = Reduced(lambda x: x.argmax(dim, keepdim=keepdim), flat)
    quant.ternarize(model, method="twn")
    if dim not in ((1, -1) if flat else (1, -3)):
        with pytest.raises(LoweringError, match="argmax"):
            lower(model, (1, 4, 4), name="net")
        return
    with torch.no_grad():
        model.head.parametrizations.bias.original.copy_(torch.tensor([0.0, 0.0, 50.0]))
    lowered = lower(model, (1, 4, 4), name="net")
    images = torch.randint(0, 16, (4, 1, 4, 4)) / 16
    codes = (images * 16).to(torch.int64).numpy().transpose(0, 2, 3, 1)
    found = run(lowered.network, codes)[lowered.network.output]
    assert np.array_equal(found.ravel(), exact(model)(images.double()).numpy().ravel())
    assert (found == 2).all()


@pytest.mark.parametrize("start", range(-4, 4))
@pytest.mark.parametrize("end", range(-4, 4))
def test_flatten_along_every_axis_is_torchs_or_refused(start: int, end: int) -> None:
    torch.manual_seed(1)
    first = [UnsignedQuantizer(4, step=1 / 16), nn.Conv2d(1, 2, 3), UnsignedQuantizer(2)]
    model = nn.Sequential(*first, nn.Flatten(start, end), nn.Linear(8, 3))
    quant.ternarize(model, method="twn")
    if (start % 4, end % 4) == (1, 3):
        assert lower(model, (1, 4, 4), name="net").network.output == "argmax"
    else:
        with pytest.raises(LoweringError, match="must flatten all but the batch"):
            lower(model, (1, 4, 4), name="net")


@pytest.mark.parametrize("axes", list(itertools.product(range(-4, 4), repeat=2)))
def test_the_mean_of_every_two_axes_is_the_images_or_refused(axes: tuple[int, int]) -> None:
    graph = fx.Graph()
    graph.call_function(torch.mean, (graph.placeholder("x"), axes))
    made = average_of(nn.Identity(), list(graph.nodes)[-1])
    if {axis % 4 for axis in axes} == {2, 3}:
        image = torch.arange(24.0).reshape(1, 2, 3, 4)
        assert made is not None
        assert torch.equal(made(image), image.mean(axes))
    else:
        assert made is None
