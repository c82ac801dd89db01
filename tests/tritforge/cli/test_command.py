"""What a command of a network gets: its configuration and its folder."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from tests.chain import LITTLE
from tests.test_layering import ROOT
from tritforge.cli.command import DEFAULT_CONFIG, Command, NetworkCommand
from tritforge.config.config import Config
from tritforge.steps.workspace import Workspace


class Show(NetworkCommand):
    """Remembers what it was run with."""

    name = "show"
    summary = "show it"
    description = "Writes nothing."

    def step(self, arguments: argparse.Namespace, config: Config, workspace: Workspace) -> None:
        self.seen = config, workspace


def run(command: Command, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(arguments))


def test_the_build_folder_has_the_name_of_the_network(tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(LITTLE)
    command = Show()
    assert run(command, str(path)) == 0
    config, workspace = command.seen
    assert config.name == "little"
    assert workspace == Workspace(config_path=path, root=Path("build/little"))


def test_the_build_folder_can_be_given(tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(LITTLE)
    command = Show()
    run(command, str(path), "--build", str(tmp_path / "here"))
    assert command.seen[1].root == tmp_path / "here"


def test_the_default_is_the_digits_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    command = Show()
    run(command)
    assert command.seen[1].config_path == Path("networks") / f"{DEFAULT_CONFIG}.yaml"


def test_a_command_must_run_something() -> None:
    with pytest.raises(TypeError, match="run"):
        Command()  # type: ignore[abstract]
