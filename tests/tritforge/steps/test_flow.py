"""The steps one after the other on a small network, and what each refuses."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chain import LITTLE, make
from tests.test_layering import ROOT
from tritforge.cli import main as cli
from tritforge.config import config
from tritforge.config.config import Config
from tritforge.errors import ProofFailed
from tritforge.export.artifacts.manifest import Manifest
from tritforge.files import sha256
from tritforge.hw.engines.array.folding import ArrayFolding
from tritforge.quant import datasets
from tritforge.quant.networks import NETWORKS
from tritforge.sim import reference
from tritforge.sim.simulators import Simulator, ToolMissing, locate
from tritforge.steps import flow, targets, vectors
from tritforge.steps.vectors import Vectors
from tritforge.steps.workspace import Workspace


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A small network as generated; not to be changed."""
    return make(tmp_path_factory.mktemp("flow"))


@pytest.fixture
def place(made: Workspace, tmp_path: Path) -> Workspace:
    """A copy that a test may spoil."""
    shutil.copytree(made.root, tmp_path / "build")
    shutil.copy(made.config_path, tmp_path / "little.yaml")
    return Workspace(config_path=tmp_path / "little.yaml", root=tmp_path / "build")


@pytest.fixture
def small(place: Workspace) -> Config:
    return config.load(place.config_path)


def complaint(
    place: Workspace, command: str, capsys: pytest.CaptureFixture[str], status: int = 2
) -> str:
    """Run a command that must fail, and return its one line."""
    assert cli.main([command, str(place.config_path), "--build", str(place.root)]) == status
    text = capsys.readouterr().err
    assert text.startswith("tritforge: ")
    assert text.count("\n") == 1
    return text.removeprefix("tritforge: ").rstrip()


def test_every_file_is_there_and_nothing_else(made: Workspace) -> None:
    files = {
        path.relative_to(made.root).as_posix() for path in made.root.rglob("*") if path.is_file()
    }
    roms = [
        f"design/{layer}.{role}.{suffix}"
        for layer, role in (
            ("conv1", "weights"), ("conv1", "thresholds"),
            ("conv2", "weights"), ("conv2", "thresholds"),
            ("classifier", "weights"), ("classifier", "bias"),
        )
        for suffix in ("mem", "coe", "mif")
    ]  # fmt: skip
    assert files == {
        "train/model.safetensors", "train/model.json", "train/log.csv", "train/curve.png",
        "design/network.json", "design/network.safetensors", "design/vectors.safetensors",
        "design/host.json", "design/export.json", "design/plan.json",
        "design/little.v", "design/cells.v", "design/manifest.json", *roms,
    }  # fmt: skip


def test_the_manifest_names_every_file_that_a_bench_reads(made: Workspace) -> None:
    manifest = Manifest.read(made.design)
    manifest.verify(made.design)
    assert set(manifest.files) == {"verilog", "cells", "network", "tensors", "vectors", "host"}
    assert (manifest.name, manifest.device, len(manifest.roms)) == ("little", "xc7k480t", 6)


def test_the_vectors_hold_every_held_out_image(made: Workspace) -> None:
    vectors = Vectors.load(made.vectors)
    assert set(vectors.torch) == {"input", "act1", "act2", "classifier_bias", "argmax"}
    assert vectors.images.shape[1:] == (8, 8, 1)
    assert len(vectors.images) == len(vectors.labels) == round(1797 / 20)


def test_the_verilog_is_the_same_from_run_to_run(made: Workspace, tmp_path: Path) -> None:
    before = (made.design / "little.v").read_bytes()
    shutil.copytree(made.root, tmp_path / "build")
    (tmp_path / "build" / "design" / "little.v").unlink()
    command = [sys.executable, "-m", "tritforge", "generate", str(made.config_path), "--build"]
    environment = {**os.environ, "PYTHONHASHSEED": "123"}
    subprocess.run(
        [*command, str(tmp_path / "build")],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
    )
    assert (tmp_path / "build" / "design" / "little.v").read_bytes() == before
    again = tmp_path / "build" / "design" / "manifest.json"
    assert again.read_bytes() == (made.design / "manifest.json").read_bytes()


def test_a_fold_given_to_train_is_the_checkpoints(small: Config, place: Workspace) -> None:
    changed = config.override(small, fold=3, seed=5)
    flow.train(changed, place, resume=False)
    before = Vectors.load(place.vectors)
    flow.export(small, place)
    after = Vectors.load(place.vectors)
    assert (before.images.shape, (before.images != after.images).any()) == (
        after.images.shape,
        True,
    )


def test_a_checkpoint_of_other_settings(
    place: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    place.config_path.write_text(LITTLE.replace("method: ics", "activation_bits: 3"))
    assert complaint(place, "export", capsys) == (
        f"{place.training} was trained with quantization.activation_bits 2, "
        f"{place.config_path} has 3: "
        f"run `{place.command('train')}` again"
    )


def test_a_checkpoint_of_another_network(
    place: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    path = place.training / "model.json"
    path.write_text(
        path.read_text().replace("[4, 6]", "[4, 8]").replace("4,\n          6", "4,\n          8")
    )
    place.config_path.write_text(LITTLE.replace("[4, 6]", "[4, 8]"))
    assert complaint(place, "export", capsys).endswith("the checkpoint is of another network")


def test_a_truncated_checkpoint(place: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    path = place.training / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    assert complaint(place, "export", capsys).startswith(f"{path} is damaged: its SHA-256 is ")


def test_a_checkpoint_of_another_program(
    place: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    path = place.training / "model.json"
    description = json.loads(path.read_text())
    del description["meta"]["settings"]
    path.write_text(json.dumps(description))
    assert complaint(place, "export", capsys) == (
        f"{place.training} was not made by tritforge: run `{place.command('train')}`"
    )


@pytest.mark.parametrize(
    ("old", "new", "command", "said"),
    [
        (
            "pe: 2, simd: 3",
            "pe: 3, simd: 3",
            "generate",
            "little.yaml: 'conv1': pe must divide its 4 rows (1, 2, 4), not 3",
        ),
        (
            "method: ics",
            "method: isc",
            "train",
            "quantization.method must be one of float, esa, ics, sttn, tga, ttq, twn, not 'isc'",
        ),
        ("method: ics", "method: ttq", "export", "was trained with quantization.method 'ics', "),
        ("name: digits, folds", "name: letters, folds", "train", "dataset must be one of "),
        (
            "name: digits, channels",
            "name: lenet, channels",
            "train",
            f"network must be one of {', '.join(sorted(NETWORKS))}, not 'lenet'",
        ),
        ("[4, 6]", "[4, 6, 8]", "train", "channels must be 2 positive ints, not (4, 6, 8)"),
    ],
)
def test_a_mistake_that_only_a_step_can_see(
    place: Workspace,
    capsys: pytest.CaptureFixture[str],
    old: str,
    new: str,
    command: str,
    said: str,
) -> None:
    assert old in LITTLE
    place.config_path.write_text(LITTLE.replace(old, new))
    assert said in complaint(place, command, capsys)


def test_an_empty_dataset_folder(
    place: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = f"{{name: mnist, root: {tmp_path}}}"
    place.config_path.write_text(LITTLE.replace("{name: digits, folds: 20, fold: 0}", dataset))
    assert str(tmp_path) in complaint(place, "train", capsys)


def test_a_changed_image_gets_no_new_digest(small: Config, place: Workspace) -> None:
    before = {path.name: path.read_bytes() for path in place.design.iterdir()}
    flip_a_bit(place.design / "conv1.weights.mem")
    flow.generate(small, place)
    assert {path.name: path.read_bytes() for path in place.design.iterdir()} == before


def test_another_folding_needs_generate_alone(
    place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither torch nor the reference runs, and no image of the earlier folding stays."""
    for module in (vectors, reference):
        monkeypatch.setattr(module, "run" if module is reference else "collect", None)
    place.config_path.write_text(
        LITTLE.replace("conv1: {pe: 2, simd: 3}", "conv1: {engine: unrolled}")
    )
    before = Manifest.read(place.design)
    flow.generate(config.load(place.config_path), place)
    after = Manifest.read(place.design)
    after.verify(place.design)
    gone = {rom.file for rom in before.roms} - {rom.file for rom in after.roms}
    assert gone == {"conv1.weights.mem", "conv1.thresholds.mem"}
    assert not list(place.design.glob("conv1.*"))
    assert {path.name for path in place.design.glob("*.mem")} == {rom.file for rom in after.roms}


@pytest.mark.parametrize("command", ["simulate", "synth", "report"])
def test_a_flipped_bit_is_refused_by_its_digest(
    place: Workspace, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    path = place.design / "conv1.weights.mem"
    expected = sha256(path)
    flip_a_bit(path)
    assert complaint(place, command, capsys) == (
        f"{path}: its SHA-256 must be {expected}, not {sha256(path)}; "
        "the file was changed after the design was generated, generate it again"
    )


def flip_a_bit(path: Path) -> None:
    """Turn the lowest trit of the first word from zero into +1 or back."""
    text = path.read_text()
    first, rest = text.split("\n", 1)
    path.write_text(f"{int(first, 16) ^ 1:0{len(first)}x}\n{rest}")


def test_torch_that_differs_is_a_failed_proof(
    small: Config, place: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = vectors.integer_activations

    def off_by_one(*arguments: object) -> dict[str, object]:
        found = original(*arguments)  # type: ignore[arg-type]
        found["act2"][7, 5, 3, 2] ^= 1
        return dict(found)

    monkeypatch.setattr(vectors, "integer_activations", off_by_one)
    with pytest.raises(
        ProofFailed, match=r"differ in 1 integers; the first: act2: image 7, y 3, x 2, channel 5: "
    ):
        flow.export(small, place, force=True)


def test_the_report_shows_what_was_not_measured(
    small: Config, place: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    flow.report(small, place)
    assert "integers compared bit for bit, 0 differ" in capsys.readouterr().out
    text = place.report("md").read_text()
    assert "not measured" in text
    assert place.report("html").read_text().startswith("<!doctype html>")


def test_the_simulation_counts_for_the_design_it_saw(
    small: Config, place: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    """One flipped weight, in a manifest that was made to fit, is found, named, not reported."""
    try:
        locate(Simulator.ICARUS)
    except ToolMissing as error:
        if os.environ.get("TRITFORGE_REQUIRE_SIMULATORS") == "1":
            raise
        pytest.skip(str(error))
    verdict = place.simulations / "icarus" / "random.json"
    flow.simulate(small, place, simulator="icarus", frames=2)
    assert json.loads(verdict.read_text())["passed"] is True
    flow.report(small, place)
    assert "Verilog on Icarus" in capsys.readouterr().out

    path = place.design / "conv2.weights.mem"
    flip_a_bit(path)
    manifest = Manifest.read(place.design)
    roms = tuple(
        dataclasses.replace(rom, sha256=sha256(path)) if rom.file == path.name else rom
        for rom in manifest.roms
    )
    dataclasses.replace(manifest, roms=roms).write(place.design)
    flow.report(small, place)
    assert "Verilog on Icarus" not in capsys.readouterr().out
    with pytest.raises(
        ProofFailed, match=r"layer conv2, stream conv2: first wrong word in frame \d"
    ):
        flow.simulate(small, place, simulator="icarus", frames=2)
    assert json.loads(verdict.read_text())["passed"] is False
    with pytest.raises(ProofFailed) as caught:
        flow.report(small, place)
    assert str(caught.value) == f"the models differ: see {place.report('html')}"


def test_a_folding_is_passed_on_as_written(small: Config) -> None:
    assert small.hardware.layers["classifier"] == ArrayFolding(pe=2, simd=6)


def test_the_host_is_told_how_to_feed_the_core(made: Workspace) -> None:
    assert json.loads(made.host.read_text()) == {
        "input": {
            "shape": [8, 8, 1],
            "dtype": "u4",
            "step": 0.0625,
            "code": "floor(value / step + 1/2), at least 0, at most 15",
        },
        "output": {"shape": [1, 1, 1], "dtype": "u4", "made_by": "argmax"},
    }


@pytest.mark.parametrize(
    ("frames", "last_line"),
    [
        (
            None,
            "All 90 held-out images matched: torch, integers and Verilog agree in every bit (0 s).",
        ),
        (
            200,
            "All 90 held-out images matched: torch, integers and Verilog agree in every bit (0 s).",
        ),
        (
            5,
            "All 90 held-out images matched: torch and integers agree in every bit, "
            "and Verilog on the first 5 (0 s).",
        ),
    ],
)
def test_the_demo_says_how_many_images_were_simulated(
    small: Config,
    place: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    frames: int | None,
    last_line: str,
) -> None:
    simulated = []
    for step in ("train_once", "export", "generate", "report"):
        monkeypatch.setattr(flow, step, lambda config, place: None)
    monkeypatch.setattr(targets, "synth", lambda config, place: None)
    monkeypatch.setattr(
        flow, "simulate", lambda config, place, **options: simulated.append(options)
    )
    flow.demo(small, place, frames=frames)
    assert simulated == [{"frames": frames}, {"stalls": "none", "frames": 16}]
    assert capsys.readouterr().out.splitlines()[-1] == last_line


def test_a_network_with_random_weights_needs_no_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Workspace(config_path=tmp_path / "little.yaml", root=tmp_path / "build")
    place.config_path.write_text(LITTLE)
    chosen = config.load(place.config_path)
    flow.export(chosen, place, random_weights=3)
    assert "integer reference on all 16 random images" in capsys.readouterr().out
    first = place.design / "network.safetensors"
    before = first.read_bytes()
    flow.export(chosen, place, random_weights=3, force=True)
    assert first.read_bytes() == before
    flow.export(chosen, place, random_weights=4)
    assert first.read_bytes() != before
    flow.generate(chosen, place)


def test_the_shape_of_every_dataset_is_known() -> None:
    assert set(datasets.SHAPES) == set(datasets.DATASETS)
    digits = datasets.load("digits")
    assert tuple(digits.test_images.shape[1:]) == datasets.SHAPES["digits"]
