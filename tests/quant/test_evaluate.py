from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tritforge import quant
from tritforge.quant.activation import UnsignedQuantizer
from tritforge.quant.apply import accumulator_unit, ternarizer_of
from tritforge.quant.evaluate import accuracy, exact, integer_activations, predictions
from tritforge.quant.networks.digits import Digits


@pytest.fixture
def model() -> nn.Module:
    """A ternary network with norms and steps as training leaves them: no round numbers anywhere."""
    torch.manual_seed(1)
    model = quant.ternarize(Digits(channels=(5, 7)))
    model.train()
    for _ in range(5):
        model(torch.rand(32, 1, 8, 8))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.startswith("bn") or name.endswith("step"):
                parameter.add_(0.1 * torch.rand_like(parameter))
    return model


@pytest.fixture
def images() -> Tensor:
    return torch.rand(33, 1, 8, 8, generator=torch.Generator().manual_seed(2))


def trits(layer: nn.Module) -> Tensor:
    ternarizer, latent = ternarizer_of(layer)
    return ternarizer.decompose(latent).planes[0].long()


def test_the_exact_model_is_a_copy_in_float64(model: nn.Module) -> None:
    final = exact(model)
    assert not final.training
    assert model.training
    assert {p.dtype for p in final.parameters()} == {torch.float64}
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_scores_are_the_integer_product_plus_the_integer_bias(
    model: nn.Module, images: Tensor
) -> None:
    final = exact(model)
    integers = integer_activations(final, images)
    assert list(integers) == ["quant_in", "act1", "act2", "classifier"]
    assert all(array.dtype == np.int64 for array in integers.values())
    codes = functional.max_pool2d(torch.from_numpy(integers["act2"]).double(), 1).long().flatten(1)
    bias = final.classifier.parametrizations["bias"]
    expected = codes @ trits(final.classifier).T + bias[0].codes(bias.original)
    assert np.array_equal(integers["classifier"], expected.numpy())
    assert np.array_equal(integers["quant_in"], (images * 16).add(0.5).floor().clamp(0, 15).numpy())


def test_a_convolution_in_float64_is_integer_arithmetic_times_its_unit(
    model: nn.Module, images: Tensor
) -> None:
    final = exact(model)
    integers = integer_activations(final, images)
    pooled = functional.max_pool2d(torch.from_numpy(integers["act1"]).double(), 2)
    columns = functional.unfold(pooled, 3, padding=1).long()  # [N, I*9, 16]
    accumulators = torch.einsum("ok,nkp->nop", trits(final.conv2).flatten(1), columns)
    with torch.no_grad():
        output = final.conv2(pooled * final.act1.effective_step())  # [N, O, 4, 4]
    assert torch.equal(output.flatten(2), accumulator_unit(final.conv2, final.act1) * accumulators)


def test_the_integers_do_not_depend_on_the_batch(model: nn.Module, images: Tensor) -> None:
    final = exact(model)
    whole, parts = integer_activations(final, images), integer_activations(final, images, batch=4)
    for path, array in whole.items():
        assert np.array_equal(array, parts[path])


def test_predictions_take_the_largest_integer_score(model: nn.Module, images: Tensor) -> None:
    final = exact(model)
    scores = integer_activations(final, images)["classifier"]
    assert np.array_equal(predictions(final, images, batch=5).numpy(), scores.argmax(axis=1))


def test_accuracy_is_the_share_of_right_answers_and_keeps_the_mode(
    model: nn.Module, images: Tensor
) -> None:
    model.eval()
    labels = predictions(model, images)
    labels[:3] = (labels[:3] + 1) % 10
    model.train()
    assert accuracy(model, images, labels, batch=7) == 30 / 33
    assert model.training


def test_the_first_of_equal_scores_is_taken() -> None:
    model = nn.Linear(1, 4, bias=False)
    nn.init.ones_(model.weight)
    assert predictions(model, torch.ones(2, 1)).tolist() == [0, 0]


def test_a_convolution_may_give_the_scores() -> None:
    model = exact(quant.ternarize(nn.Sequential(UnsignedQuantizer(2), nn.Conv2d(2, 3, 3))))
    integers = integer_activations(model, torch.rand(2, 2, 4, 4) * 2)
    assert integers["1"].shape == (2, 3, 2, 2)


def test_an_inexact_model_is_refused(model: nn.Module, images: Tensor) -> None:
    for wrong in (model, model.eval(), exact(model).train()):
        with pytest.raises(ValueError) as caught:
            integer_activations(wrong, images)
        assert str(caught.value) == (
            "model64 must be in float64 and in evaluation mode: pass "
            "tritforge.quant.evaluate.exact(model)"
        )


def test_a_float_bias_on_the_scores_is_noticed(images: Tensor) -> None:
    model = exact(quant.ternarize(Digits(), integer_bias=False))
    with pytest.raises(ValueError) as caught:
        integer_activations(model, images)
    assert str(caught.value) == "the output of 'classifier' is not an integer multiple of its unit"


def test_a_quantizer_called_twice_is_refused() -> None:
    twice = UnsignedQuantizer(2)
    layers = [nn.Linear(3, 3, bias=False) for _ in range(2)]
    model = exact(quant.ternarize(nn.Sequential(twice, layers[0], twice, layers[1])))
    with pytest.raises(ValueError) as caught:
        integer_activations(model, torch.rand(2, 3))
    assert str(caught.value) == "'0' is called 2 times: give each place a module of its own"


def test_images_and_labels_must_match(model: nn.Module, images: Tensor) -> None:
    with pytest.raises(ValueError) as caught:
        accuracy(model, images, torch.zeros(3))
    assert str(caught.value) == "images and labels must be equally many and not none, not 33 and 3"
    with pytest.raises(ValueError) as caught:
        predictions(model, images, batch=0)
    assert str(caught.value) == "batch must be positive, not 0"
