from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tritforge import quant
from tritforge.quant import datasets
from tritforge.quant.evaluate import exact, integer_activations
from tritforge.quant.networks import NETWORKS, build
from tritforge.quant.networks.digits import Digits
from tritforge.quant.training.loop import TrainingConfig, TrainingResult, train

CONFIG = TrainingConfig(epochs=60, batch_size=64, learning_rate=0.01, seed=0)


def fit(fold: int, directory: Path) -> TrainingResult:
    torch.manual_seed(CONFIG.seed)
    model = quant.ternarize(build("digits"))
    return train(model, datasets.load("digits", fold=fold), CONFIG, directory, progress=False)


def test_shapes_follow_the_options() -> None:
    model = quant.ternarize(
        build("digits", channels=[5, 6], input_bits=3, activation_bits=1, classes=4)
    )
    codes = integer_activations(exact(model), torch.rand(2, 1, 8, 8))
    assert {name: array.shape for name, array in codes.items()} == {
        "quant_in": (2, 1, 8, 8),
        "act1": (2, 5, 8, 8),
        "act2": (2, 6, 4, 4),
        "classifier": (2, 4),
    }
    assert codes["quant_in"].max() <= 7
    assert codes["act1"].max() <= 1


@pytest.mark.parametrize("bits", [4, 8])
def test_the_input_codes_are_the_pixels(bits: int) -> None:
    images = datasets.load("digits").test_images
    model = exact(quant.ternarize(Digits(input_bits=bits)))
    codes = torch.from_numpy(integer_activations(model, images)["quant_in"])
    pixels = (images * 16).long()
    assert torch.equal(codes, (pixels * 2 ** (bits - 4)).clamp(max=2**bits - 1))


def test_the_default_training_reaches_97_percent_on_the_held_out_fold(tmp_path: Path) -> None:
    result = fit(0, tmp_path)
    assert result.test_images == 360
    assert result.test_accuracy >= 0.97


@pytest.mark.verify
def test_the_mean_of_five_folds_is_at_least_97_5_percent(tmp_path: Path) -> None:
    results = [fit(fold, tmp_path / str(fold)) for fold in range(5)]
    assert sum(result.test_images for result in results) == 1797
    assert sum(result.test_accuracy for result in results) / 5 >= 0.975


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("digit", {}, f"network must be one of {', '.join(sorted(NETWORKS))}, not 'digit'"),
        (
            "digits",
            {"channel": 3},
            "network 'digits' has no option 'channel'; it has channels, input_bits, "
            "activation_bits, "
            "activation, classes",
        ),
        ("digits", {"channels": (16,)}, "channels must be 2 positive ints, not (16,)"),
        ("digits", {"channels": (16, 0)}, "channels must be 2 positive ints, not (16, 0)"),
        ("digits", {"classes": 1}, "classes must be an int of at least 2, not 1"),
    ],
)
def test_what_does_not_exist_is_refused(
    name: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError) as caught:
        build(name, **options)
    assert str(caught.value) == message
