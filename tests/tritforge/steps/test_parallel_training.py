"""Trainings at the same time."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

from tests.chain import LITTLE
from tritforge.cli import main as cli
from tritforge.config.config import Config
from tritforge.quant import checkpoint
from tritforge.steps import parallel_training as side_by_side
from tritforge.steps.workspace import Workspace


def test_trainings_side_by_side_give_the_same_weights(tmp_path: Path) -> None:
    """Those of one after the other; the float network that one starts from is trained before it."""
    files = []
    for name in ("by_sttn", "by_float"):
        text = LITTLE.replace("method: ics", f"method: {name[3:]}").replace("little", name)
        if name == "by_sttn":
            text = text.replace(
                "learning_rate: 0.005", "learning_rate: 0.005, pretrain: {epochs: 1}"
            )
        files.append(tmp_path / f"{name}.yaml")
        files[-1].write_text(text)
    given = ["train", "--compare", *map(str, files)]
    folder, together = tmp_path / "alone", tmp_path / "together"
    assert cli.main([*given, "--build", str(folder)]) == 0
    assert cli.main([*given, "--build", str(together), "--jobs", "2"]) == 0
    for path in ("by_sttn/float/train", "by_sttn/train", "by_float/train"):
        trained, expected = (checkpoint.load(root / path)[0] for root in (together, folder))
        assert trained.keys() == expected.keys()
        assert all(torch.equal(trained[name], expected[name]) for name in expected)
    # Trained once: the seconds it took are the same.
    alike = (together / name / "train" / "model.json" for name in ("by_sttn/float", "by_float"))
    assert len({path.read_text() for path in alike}) == 1
    found = json.loads((together / "compare" / "compare.json").read_text())
    assert [entry["name"] for entry in found] == ["by_sttn", "by_float"]


def test_one_that_fails_does_not_stop_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = LITTLE.replace("little", "good")
    bad = LITTLE.replace("little", "bad").replace("learning_rate: 0.005", "learning_rate: 1.0e+30")
    for name, text in (("good", good), ("bad", bad)):
        (tmp_path / f"{name}.yaml").write_text(text)
    files = [str(tmp_path / f"{name}.yaml") for name in ("bad", "good")]
    assert (
        cli.main(["train", "--compare", *files, "--build", str(tmp_path / "build"), "--jobs", "2"])
        == 2
    )
    assert "bad: the loss is not finite" in capsys.readouterr().err
    assert (tmp_path / "build" / "good" / "train" / "model.json").is_file()
    assert not (tmp_path / "build" / "compare").exists()


def test_a_killed_process_is_named_and_what_starts_from_it_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Out of memory, say: the process is gone without a word."""
    file = tmp_path / "little.yaml"
    file.write_text(
        LITTLE.replace("learning_rate: 0.005", "learning_rate: 0.005, pretrain: {epochs: 1}")
    )
    monkeypatch.setattr(side_by_side, "pretrain_once", _dies)
    assert cli.main(["train", "--compare", str(file), "--build", str(tmp_path), "--jobs", "2"]) == 2
    shown = capsys.readouterr().err.splitlines()
    assert shown == 2 * ["little: its process ended with status 9"] + [
        "tritforge: its process ended with status 9"
    ]


def test_two_float_networks_of_the_same_settings_are_both_trained(tmp_path: Path) -> None:
    text = LITTLE.replace("method: ics", "method: float")
    names = ("first", "second")
    for name in names:
        (tmp_path / f"{name}.yaml").write_text(text.replace("little", name))
    given = [str(tmp_path / f"{name}.yaml") for name in names]
    assert cli.main(["train", "--compare", *given, "--build", str(tmp_path), "--jobs", "2"]) == 0
    first, second = (checkpoint.load(tmp_path / name / "train")[0] for name in names)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_what_is_finished_takes_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "little.yaml"
    file.write_text(LITTLE)
    given = ["train", "--compare", str(file), "--build", str(tmp_path)]
    assert cli.main(given) == 0
    monkeypatch.delattr(side_by_side, "_begin")
    assert cli.main([*given, "--jobs", "2"]) == 0
    assert "already trained with these settings" in capsys.readouterr().out


def test_a_fault_of_ours_shows_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "little.yaml"
    file.write_text(LITTLE)
    monkeypatch.setattr(side_by_side, "train_once", _fails)
    assert (
        cli.main(["train", "--compare", str(file), "--build", str(tmp_path), "--jobs", "2"]) == 70
    )
    assert "in _fails" in capsys.readouterr().err


def test_jobs_are_of_a_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "little.yaml"
    file.write_text(LITTLE)
    assert cli.main(["train", str(file), "--build", str(tmp_path), "--jobs", "2"]) == 2
    assert capsys.readouterr().err.startswith("tritforge: --jobs is for --compare alone")


def _fails(config: Config, place: Workspace) -> None:
    raise LookupError("of ours")


def _dies(config: Config, place: Workspace) -> None:
    os._exit(9)
