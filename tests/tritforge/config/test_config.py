"""The configurations in networks/, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.targets import XC7
from tests.test_layering import ROOT
from tritforge.config import config
from tritforge.config.config import Config, load, locate, override, with_data
from tritforge.config.variants import PACKAGED, shown
from tritforge.errors import ConfigError
from tritforge.hw.cost.packing import PackingChoice
from tritforge.quant.networks import NETWORKS, build

DIGITS = ROOT / "networks" / "digits.yaml"


@pytest.fixture
def digits() -> Config:
    return load(DIGITS)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "networks").glob("*.yaml")), ids=lambda path: path.stem
)
def test_every_configuration_loads_under_its_name(path: Path) -> None:
    loaded = load(path)
    assert loaded.name == path.stem
    assert loaded.network.name in NETWORKS


def test_digits(digits: Config) -> None:
    assert digits.dataset.fold == 0
    assert digits.network.channels == (16, 24)
    assert list(digits.hardware.layers) == ["conv1", "conv2", "classifier"]
    assert digits.hardware.layers["conv1"].packing is PackingChoice.AUTO
    assert digits.hardware.target == XC7


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "  epochs:",
            "  epoch:",
            "unknown key 'epoch' in training; allowed are epochs, batch_size, learning_rate, seed, "
            "weight_decay, threads, optimizer, momentum, nesterov, schedule, milestones, factor, "
            "factors, "
            "label_smoothing, gradient_clip, augmentation, padding, validation, keep, recalibrate, "
            "mixed_precision, compile, pretrain, device; did you mean 'epochs'?",
        ),
        ("fold: 0", "fold: 5", "dataset: fold must be in 0..4, not 5"),
        (
            "  device: xc7k480t",
            "  device: xc7k480t\n  primitives: xilinx6",
            "hardware.primitives must be one of device, generic, not 'xilinx6'",
        ),
        (
            "  device: xc7k480t",
            "  device: xc7k480t\n  primitives: ecp5",
            "hardware.primitives must be one of device, generic, not 'ecp5'",
        ),
        (
            "  device: xc7k480t",
            "  device: xc7k480t\n  input_tdata_bits: 36",
            "hardware: input_tdata_bits must be a positive multiple of 8, not 36",
        ),
        (
            "pe: 16, simd: 1 }",
            "pe: 16, simd: 1, packing: 3bit }",
            "hardware.layers.conv1.packing must be one of auto, 2bit, 5in8, not '3bit'",
        ),
        ("name: digits", "name: small", "name must not be a word of Verilog, not 'small'"),
        (
            "name: digits",
            "name: 1x",
            "name must be a string (letters, digits and _, a letter first), not '1x'",
        ),
    ],
)
def test_refusals(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = DIGITS.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "x.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path)
    place, line, said = str(caught.value).split(":", 2)
    assert (place, said.strip()) == (str(path), message)
    assert int(line) >= 1


def test_an_unknown_device_lists_the_known(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(
        DIGITS.read_text(encoding="utf-8").replace("xc7k480t", "xc7k48t"), encoding="utf-8"
    )
    with pytest.raises(
        ConfigError,
        match=r"one of xc7a12t, .*xc7k480t, .*lfe5u-85f, not 'xc7k48t'; did you mean 'xc7k480t'\?$",
    ):
        load(path)


def test_the_options_of_a_network_are_those_that_are_given(digits: Config) -> None:
    assert digits.network.options == {"channels": (16, 24)}
    assert load(ROOT / "networks" / "lenet5.yaml").network.options == {
        "channels": (32, 64),
        "hidden": 512,
    }
    assert config.NetworkConfig(name="digits").options == {}


def test_a_dataset_in_files_is_found_by_the_environment(digits: Config) -> None:
    lenet5 = load(ROOT / "networks" / "lenet5.yaml")
    assert lenet5.dataset.root is None  # nobody else's folder
    found = with_data(lenet5, {"TRITFORGE_DATA": "/somewhere"})
    assert found == replace(lenet5, dataset=replace(lenet5.dataset, root="/somewhere/mnist"))
    assert (
        with_data(found, {"TRITFORGE_DATA": "/elsewhere"}) == found
    )  # the configuration's own comes first
    assert with_data(digits, {"TRITFORGE_DATA": "/somewhere"}) == digits


@pytest.mark.parametrize("environment", [{}, {"TRITFORGE_DATA": ""}])
def test_a_dataset_in_files_that_nobody_named(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        with_data(load(ROOT / "networks" / "lenet5.yaml"), environment)
    assert str(caught.value) == (
        "dataset 'mnist' comes in files: set TRITFORGE_DATA to the folder that holds mnist/, "
        "or dataset.root to their own"
    )


def test_override_replaces_only_what_is_given(digits: Config) -> None:
    assert override(digits) == digits
    changed = override(digits, epochs=2, seed=0, fold=4)
    assert (changed.training.epochs, changed.training.seed, changed.dataset.fold) == (2, 0, 4)
    with pytest.raises(ConfigError) as caught:
        override(digits, fold=5)
    assert str(caught.value) == "fold must be in 0..4, not 5"


def test_a_name_or_a_path_finds_a_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert locate("digits") == Path("networks/digits.yaml") == locate("networks/digits.yaml")
    assert "digits" in config.available()


def test_a_name_finds_a_configuration_of_the_package_anywhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert locate("digits") == PACKAGED / "digits.yaml"
    assert shown(locate("digits:fifos")) == "digits:fifos"
    (tmp_path / "networks").mkdir()
    own = Path("networks/digits.yaml")
    own.touch()
    assert locate("digits") == own
    assert shown(own) == "networks/digits.yaml"


def test_an_absent_configuration_lists_the_present(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "networks").mkdir()
    (tmp_path / "networks" / "a.yaml").touch()
    with pytest.raises(ConfigError) as caught:
        locate("digit")
    message = str(caught.value)
    assert message.startswith("there is no configuration 'digit'; there are a, alexnet, cifar10, ")
    assert ", digits, " in message


@pytest.mark.parametrize(
    "path", sorted((ROOT / "networks").glob("*.yaml")), ids=lambda path: path.stem
)
def test_the_foldings_are_those_of_the_layers_and_divide_them(path: Path) -> None:
    """A network that no engine builds names none of its layers."""
    loaded = load(path)
    if not loaded.hardware.layers:
        return
    with torch.device("meta"):
        model = build(loaded.network.name, **loaded.network.options)
    layers = {
        name.replace(".", "_"): module.weight
        for name, module in model.named_modules()
        if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear))
    }
    assert list(loaded.hardware.layers) == list(layers)
    for name, folding in loaded.hardware.layers.items():
        if hasattr(folding, "pe") and hasattr(folding, "simd"):
            rows, columns = layers[name].flatten(1).shape
            assert rows % folding.pe == 0, name
            assert columns % folding.simd == 0, name
