"""A command's help is its docstring; one of a network gets its configuration and its folder."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from tests.chain import LITTLE
from tests.test_layering import ROOT
from tritforge.cli.command import (
    DEFAULT_CONFIG,
    NETWORK,
    Command,
    argument,
    command,
    configured,
)
from tritforge.config.config import Config
from tritforge.steps.workspace import Workspace


@pytest.fixture
def seen() -> list[tuple[Config, Workspace]]:
    return []


@pytest.fixture
def show(seen: list[tuple[Config, Workspace]]) -> Command:
    @command(*NETWORK, argument("--more", type=int, default=0))
    def show(config: str, build: Path | None, more: int) -> int:
        """Show it and
        more.

        Writes
        nothing.
        """
        seen.append(configured(config, build))
        return more

    return show


def run(command: Command, *arguments: str) -> int | None:
    parser = argparse.ArgumentParser()
    for add in command.arguments:
        add(parser)
    return command.run(**vars(parser.parse_args(arguments)))


def test_the_build_folder_has_the_name_of_the_network(
    tmp_path: Path, show: Command, seen: list[tuple[Config, Workspace]]
) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(LITTLE)
    assert run(show, str(path), "--more", "3") == 3
    ((config, workspace),) = seen
    assert config.name == "little"
    assert workspace == Workspace(config_path=path, root=Path("build/little"))


def test_the_build_folder_can_be_given(
    tmp_path: Path, show: Command, seen: list[tuple[Config, Workspace]]
) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(LITTLE)
    run(show, str(path), "--build", str(tmp_path / "here"))
    assert seen[0][1].root == tmp_path / "here"


def test_the_default_is_the_digits_network(
    monkeypatch: pytest.MonkeyPatch, show: Command, seen: list[tuple[Config, Workspace]]
) -> None:
    monkeypatch.chdir(ROOT)
    run(show)
    assert seen[0][1].config_path == Path("networks") / f"{DEFAULT_CONFIG}.yaml"


def test_the_help_is_the_docstring(show: Command) -> None:
    assert show.name == "show"
    assert show.summary == "show it and more"
    assert show.description == "Show it and more. Writes nothing."


def test_python_without_docstrings_shows_no_help() -> None:
    """As with its option -OO."""
    bare = command()(lambda: None)
    assert (bare.summary, bare.description) == ("", "")
