"""What the options of the chain's commands are handed to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.test_layering import ROOT
from tritforge.cli import main as cli
from tritforge.config.config import Config
from tritforge.steps import flow
from tritforge.steps.workspace import Workspace


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("train --no-resume", {"resume": False}),
        ("export", {"random_weights": None, "count": 16, "force": False}),
        ("export --random-weights 3 --images 5", {"random_weights": 3, "count": 5, "force": False}),
        ("generate --force", {"force": True}),
        ("package --clock-mhz 50", {"clock_mhz": 50.0}),
        ("report", {}),
        ("demo --frames 7", {"frames": 7}),
        (
            "simulate --simulator icarus --stalls none --seed 4 --frames 9 --first 2 --jobs 3",
            {
                "simulator": "icarus",
                "stalls": "none",
                "seed": 4,
                "frames": 9,
                "first": 2,
                "jobs": 3,
                "wave": False,
                "netlist": None,
            },
        ),
    ],
)
def test_options_reach_the_step(
    command: str, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []

    def step(config: Config, workspace: Workspace, **options: Any) -> None:
        assert (config.name, workspace.root) == ("digits", Path("build/digits"))
        seen.append(options)

    name, *options = command.split()
    monkeypatch.setattr(flow, name, step)
    assert cli.main([name, "networks/digits.yaml", *options]) == 0
    assert seen == [expected]


@pytest.mark.parametrize(
    ("options", "netlist"),
    [
        ([], None),
        (["--netlist"], "xc7"),
        (["--netlist", "--target", "ecp5"], "ecp5"),
        (["--target", "ecp5"], None),
    ],
)
def test_a_netlist_is_simulated_on_request(
    options: list[str], netlist: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(
        flow, "simulate", lambda config, workspace, **given: seen.append(given["netlist"])
    )
    assert cli.main(["simulate", *options]) == 0
    assert seen == [netlist]


def test_what_train_is_told_overrides_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Config] = []
    monkeypatch.setattr(flow, "train", lambda config, workspace, **options: seen.append(config))
    assert cli.main(["train", "--epochs", "2", "--seed", "5", "--fold", "1"]) == 0
    (found,) = seen
    assert (found.training.epochs, found.training.seed, found.dataset.fold) == (2, 5, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["export", "--images", "3"], "--images is for --random-weights alone"),
        (
            ["train", "--jobs", "2"],
            "--jobs is for --compare alone: torchrun shares one training among processes",
        ),
    ],
)
def test_options_that_do_not_go_together(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    assert capsys.readouterr().err == f"tritforge: {message}\n"
