"""LeNet-5 on MNIST: a dataset in files, and, run by `make verify`, the chain at its real size."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.test_layering import ROOT
from tritforge.cli import main as cli
from tritforge.config import config
from tritforge.config.config import DATA_VARIABLE
from tritforge.export.artifacts.manifest import Manifest
from tritforge.steps import flow
from tritforge.steps.workspace import Workspace

CONFIG = ROOT / "networks" / "lenet5.yaml"
FRAMES = 200


def write_mnist(folder: Path, train: int, test: int) -> None:
    """Write random images in MNIST's layout."""
    random = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for part, count in (("train", train), ("t10k", test)):
        for kind, highest, shape in (
            ("images-idx3", 255, (count, 28, 28)),
            ("labels-idx1", 9, (count,)),
        ):
            header = bytes((0, 0, 8, len(shape))) + b"".join(
                size.to_bytes(4, "big") for size in shape
            )
            values = random.integers(0, highest + 1, shape).astype(np.uint8).tobytes()
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(header + values))


def test_the_files_of_a_dataset_may_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "small.yaml"
    text = CONFIG.read_text().replace("[32, 64]", "[2, 3]").replace("hidden: 512", "hidden: 4")
    path.write_text(text.replace("epochs: 4", "epochs: 1"))
    place = Workspace(config_path=path, root=tmp_path / "build")
    write_mnist(tmp_path / "first" / "mnist", train=8, test=3)
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "first"))
    flow.train(config.load(path), place)
    shutil.move(tmp_path / "first", tmp_path / "second")
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "second"))
    flow.train_once(config.load(path), place)
    assert "already trained" in capsys.readouterr().out
    assert str(tmp_path) not in (place.training / "model.json").read_text()


def test_without_the_files_one_line_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    assert cli.main(["train", str(CONFIG), "--build", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"tritforge: {CONFIG}: dataset 'mnist' comes in files: set TRITFORGE_DATA to the folder "
        "that holds "
        "mnist/, or dataset.root to their own\n"
    )


@pytest.mark.verify
def test_the_chain_at_its_real_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if not os.environ.get(DATA_VARIABLE):
        pytest.skip(f"{DATA_VARIABLE} does not name the folder that holds mnist/")
    options = [str(CONFIG), "--build", str(tmp_path)]
    assert cli.main(["demo", *options, "--frames", str(FRAMES)]) == 0
    said = capsys.readouterr().out

    accuracy = re.search(
        r"^([0-9.]+) % of the held-out images \(\d+ of 10000\)", said, flags=re.MULTILINE
    )
    assert accuracy is not None
    assert float(accuracy[1]) >= 99.2
    assert f"on all {FRAMES} images, stalls random" in said
    assert "torch and integers agree in every bit, and Verilog on the first 200" in said

    manifest = Manifest.read(tmp_path / "design")
    assert sum(layer.weights or 0 for layer in manifest.layers) == 581_408
    assert manifest.interval_cycles < 4000
    verdict = json.loads((tmp_path / "simulate" / "verilator" / "none.json").read_text())["result"]
    assert verdict["cycles"] == verdict["expected_cycles"]
    assert json.loads((tmp_path / "synth" / "synth.json").read_text())
    assert ", 0 DSP" in said or "\n0 DSP, " in said
