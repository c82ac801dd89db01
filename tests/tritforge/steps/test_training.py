"""The step `train`: float weights first, float weights alone, another device, and what is
refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.chain import LITTLE
from tritforge.cli import main as cli
from tritforge.config import config
from tritforge.config.config import Config
from tritforge.errors import ConfigError
from tritforge.quant import checkpoint
from tritforge.quant.activation import UnsignedQuantizer
from tritforge.steps import training
from tritforge.steps.workspace import Workspace


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    path = tmp_path / "little.yaml"
    path.write_text(
        LITTLE.replace("learning_rate: 0.005", "learning_rate: 0.005, pretrain: {epochs: 2}")
    )
    return Workspace(config_path=path, root=tmp_path / "build")


@pytest.fixture
def chosen(place: Workspace) -> Config:
    return config.load(place.config_path)


def test_the_ternary_training_starts_from_the_float_one(
    chosen: Config, place: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    training.train(chosen, place)
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].startswith("float network it started from: ")
    assert shown[0].endswith(f" -> {place.root / 'float' / 'train'}")
    state, meta = checkpoint.load(place.root / "float" / "train")
    assert (meta["settings"]["quantization"]["method"], meta["result"]["epochs"]) == ("float", 2)
    _, ternary = checkpoint.load(place.training)
    assert ternary["float"] == meta["result"]
    assert ternary["settings"] == training.settings(chosen)
    assert ternary["result"]["epochs"] == 1
    # What it starts from: the float weights become the latent ones, and the learned steps stay.
    model = training.start(chosen, place)
    latent = model.get_submodule("conv1").parametrizations.weight.original  # type: ignore[union-attr,index]
    assert torch.equal(latent, state["conv1.weight"])
    assert torch.equal(model.get_parameter("act1.step"), state["act1.step"])


def test_the_float_training_may_have_a_recipe_of_its_own(chosen: Config, place: Workspace) -> None:
    text = place.config_path.read_text()
    own = "epochs: 3, optimizer: sgd, nesterov: true, weight_decay: 0.001, schedule: step, milestones: [2]"
    place.config_path.write_text(
        text.replace("pretrain: {epochs: 2}", f"recalibrate: 9, pretrain: {{{own}}}")
    )
    settings = config.load(place.config_path).training
    first = settings.pretraining()
    assert (first.epochs, first.optimizer, first.nesterov, first.weight_decay) == (
        3,
        "sgd",
        True,
        0.001,
    )
    assert (first.schedule, first.milestones) == ("step", (2,))
    assert (first.learning_rate, first.batch_size) == (0.005, 64)  # as in the ternary training
    assert (first.recalibrate, first.pretrain) == (0, None)
    place.config_path.write_text(text.replace("{epochs: 2}", "{epochs: 2, nesterov: true}"))
    with pytest.raises(ConfigError) as caught:
        config.load(place.config_path)
    assert str(caught.value) == (
        f"{place.config_path}:5: training: pretrain: nesterov needs the optimizer 'sgd' with a "
        "momentum "
        "above 0"
    )


def test_a_finished_float_training_is_used_again(chosen: Config, place: Workspace) -> None:
    training.train(chosen, place)
    path = place.root / "float" / "train" / "model.json"
    before = path.stat().st_mtime_ns
    twn = replace(chosen, quantization=type(chosen.quantization).VARIANTS["twn"]())
    twn = replace(twn, quantization=replace(twn.quantization, input_bits=4))
    training.train(twn, place)
    assert path.stat().st_mtime_ns == before
    training.train(twn, place, resume=False)
    assert path.stat().st_mtime_ns > before


def test_a_float_training_elsewhere_is_taken_over(
    chosen: Config, place: Workspace, tmp_path: Path
) -> None:
    """It may be what another one started from, or a float network itself; its settings must be the
    same."""
    path = tmp_path / "alone.yaml"
    path.write_text(
        LITTLE.replace("method: ics", "method: float").replace("epochs: 1", "epochs: 2")
    )
    alone = Workspace(config_path=path, root=tmp_path / "alone")
    training.share_pretraining(chosen, place, [alone])  # nothing is there yet
    assert not (place.root / "float").exists()
    training.train(config.load(path), alone)
    other = replace(chosen, training=replace(chosen.training, seed=1))
    training.share_pretraining(other, place, [alone])
    assert not (place.root / "float").exists()
    training.share_pretraining(chosen, place, [place, alone])
    weights = "train/model.safetensors"
    assert (place.root / "float" / weights).read_bytes() == (alone.root / weights).read_bytes()
    again = replace(place, root=tmp_path / "again")
    training.share_pretraining(chosen, again, [place])
    assert (again.root / "float" / weights).read_bytes() == (alone.root / weights).read_bytes()
    training.share_pretraining(
        config.load(path), again, [place]
    )  # a float network starts from none
    training.pretrain_once(chosen, again)
    _, meta = checkpoint.load(again.root / "float" / "train")
    assert meta["result"] == checkpoint.load(alone.training)[1]["result"]


def test_float_weights_alone_are_trained_and_not_exported(
    place: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    place.config_path.write_text(LITTLE.replace("method: ics", "method: float"))
    arguments = [str(place.config_path), "--build", str(place.root)]
    assert cli.main(["train", *arguments]) == 0
    state, _ = checkpoint.load(place.training)
    assert len(state["conv1.weight"].unique()) > 3
    assert cli.main(["export", *arguments]) == 2
    assert capsys.readouterr().err == (
        f"tritforge: {place.config_path}: quantization has method 'float', "
        "which has no hardware: it serves to compare\n"
    )


def test_float_activations_are_trained_and_not_exported(
    place: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    place.config_path.write_text(LITTLE.replace("method: ics", "method: twn, activation: float"))
    arguments = [str(place.config_path), "--build", str(place.root)]
    assert cli.main(["train", *arguments]) == 0
    assert cli.main(["export", *arguments]) == 2
    assert "quantization has activation 'float', which has no hardware" in capsys.readouterr().err


def test_the_kind_of_activation_reaches_the_network(chosen: Config, place: Workspace) -> None:
    model = training.build(chosen, place)
    assert isinstance(model.act1, UnsignedQuantizer)
    signed = replace(chosen, quantization=replace(chosen.quantization, activation="signed"))
    assert type(training.build(signed, place).act1).__name__ == "SignedQuantizer"


def test_a_gpu_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert training._device("auto") == training._device("cpu") == torch.device("cpu")
    with pytest.raises(ConfigError) as caught:
        training._device("cuda")
    assert str(caught.value) == (
        "training.device is 'cuda', but torch sees no GPU here: choose cpu or auto"
    )


def test_a_contradiction_names_its_line(place: Workspace) -> None:
    place.config_path.write_text(LITTLE.replace("epochs: 1", "epochs: 1, keep: best"))
    with pytest.raises(ConfigError) as caught:
        config.load(place.config_path)
    assert str(caught.value) == (
        f"{place.config_path}:5: training: keep 'best' needs validation images to judge by, not 0"
    )
